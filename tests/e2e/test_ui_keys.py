"""The page on keys, and pages that act with one which may only draft, in a real browser."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from omni.client.client import OmniClient
from tests.conftest import require
from tests.e2e.looks import is_readable
from tests.e2e.product import Product, running_product
from tests.e2e.test_ui import CHROMIUM, browser, open_page, pictures_of
from tests.e2e.test_ui_privacy import looks


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_keys_are_made_tried_and_revoked_in_the_browser(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with (
        running_product(tmp_path, database_url, valkey_url, queue_prefix) as product,
        browser() as page,
    ):
        campaign = await _a_draft(product)
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        drafter = await _make(product, page, "the agent")
        keeper = await _make(product, page, "me", "Send:", "Administer:")
        await looks(product, page, "/keys", "Keys", pictures_of(tmp_path))
        await is_readable(page, ".q-badge, .q-checkbox, .q-btn")
        await _acts_as(product, page, drafter, campaign)
        await _revokes(product, page, drafter)
        logs = await asyncio.to_thread(_logs, product, tmp_path)
        assert "omni" in logs
        assert drafter not in logs
        assert keeper not in logs


async def _a_draft(product: Product) -> int:
    """Let one message wait for approval."""
    criteria = {"field": "followers", "op": ">=", "value": 0}
    campaign = await product.api.create_campaign(name="Waits", brief="all", criteria=criteria)
    await product.rows(
        "insert into messages (campaign_id, platform, platform_id, username, body, body_hash)"
        f" values ({campaign.id}, 'synthetic', 'p1', 'ann', 'hi', '{'0' * 64}') returning id"
    )
    return campaign.id


def card(page: Page, name: str) -> Locator:
    return page.locator("[data-key]", has_text=name)


async def _make(product: Product, page: Page, name: str, *more: str) -> str:
    """Make a key with further scopes; return its secret, as it is copied."""
    await open_page(product, page, "/keys", "Keys")
    form = page.locator("[data-make]")
    await form.get_by_label("Who will use it").fill(name)
    for scope in more:
        await form.get_by_role("checkbox", name=scope).click()
    await form.get_by_role("button", name="Make the key").click()
    dialog = page.get_by_role("dialog")
    secret = dialog.locator("[data-secret]")
    await expect(secret).to_contain_text("omni_")
    shown = (await secret.inner_text()).strip()
    await dialog.get_by_role("button", name="Copy").click()
    await expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == shown
    await dialog.get_by_role("button", name="I have it").click()
    await expect(dialog).to_have_count(0)
    await expect(card(page, name)).to_contain_text("never used")
    assert shown not in await page.content(), "it is shown once"
    return shown


async def _acts_as(product: Product, page: Page, drafter: str, campaign: int) -> None:
    """Log in as a program that drafts: its pages show and mend, and say what it may not."""
    await open_page(product, page, "/login", "Log in with an API key")
    for wrong, told in ((" ", "give an API key"), ("omni_" + "A" * 43, "is not known")):
        await page.get_by_label("API key").fill(wrong)
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert").filter(has_text=told)).to_be_visible()
    await page.get_by_label("API key").fill(drafter)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(product.ui_url + "/")
    await open_page(product, page, f"/campaigns/{campaign}", "Waits")
    await page.get_by_role("tab", name="Messages").click()
    await page.get_by_role("button", name="Approve", exact=True).click()
    refusal = page.get_by_role("alert").filter(has_text="lacks the scope 'send'")
    await expect(refusal).to_contain_text("omni keys create NAME --scope send")
    assert await product.count("messages", "state = 'pending'") == 1
    await open_page(product, page, "/keys", "Keys")
    await expect(page.get_by_text("They are not shown to the key of this browser")).to_be_visible()
    await open_page(product, page, "/login", "Log in with an API key")
    await page.get_by_role("button", name="Log out").click()
    await page.wait_for_url(product.ui_url + "/")


async def _revokes(product: Product, page: Page, drafter: str) -> None:
    await open_page(product, page, "/keys", "Keys")
    agent = card(page, "the agent")
    await expect(agent).to_contain_text("May read, write")
    await expect(agent).to_contain_text("ago")
    await agent.get_by_role("button", name="Revoke").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke it").click()
    await expect(page.locator("[data-key][data-state=revoked]")).to_contain_text("the agent")
    async with OmniClient(product.api_url, api_key=drafter) as refused:
        with pytest.raises(Exception, match="was revoked"):
            await refused.list_campaigns()


def _logs(product: Product, folder: Path) -> str:
    files = [product.logs, *(folder / "data").rglob("*.log")]
    return "\n".join(path.read_text(errors="replace") for path in files)
