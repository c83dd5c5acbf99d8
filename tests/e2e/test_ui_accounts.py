"""The page on accounts, and why nothing is sent, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.conftest import require
from tests.e2e.product import Product, running_product
from tests.e2e.test_ui import CHROMIUM, browser, open_page, pictures_of, shoot

_WROTE_FIRST = (
    "with known as (insert into correspondents values ('synthetic', 'early', now())),"
    " raw as (insert into profiles_raw (platform, platform_id, username, payload, content_hash)"
    " values ('synthetic', 'early', 'early', '{{}}', 'h') returning profile_id),"
    " score as (insert into llm_scores (campaign_id, profile_id, username, profile_hash,"
    " criteria_hash, model, prompt_version, outcome, qualified, score, raw, latency_ms)"
    " select {campaign}, profile_id, 'early', 'v', 'c', 'm', '1', 'verdict', true, 0.9, '', 1"
    " from raw returning id, profile_id)"
    " insert into leads (campaign_id, profile_id, platform, platform_id, username, score_id, score,"
    " reasons) select {campaign}, profile_id, 'synthetic', 'early', 'early', id, 0.9, '[]'"
    " from score returning id"
)
"""A lead who has written to us before anybody wrote to them."""


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_an_account_is_limited_paused_and_resumed_by_a_person(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with (
        running_product(tmp_path, database_url, valkey_url, queue_prefix) as product,
        browser() as page,
    ):
        api = product.api
        criteria = {"field": "followers", "op": ">=", "value": 0}
        campaign = await api.create_campaign(name="Held", brief="all", criteria=criteria)
        account = await api.create_account(platform="synthetic", handle="me", secret="token-of-me")
        assert account.verified_at is not None
        card = page.locator(f"[data-account='{account.id}']")
        await open_page(product, page, "/accounts", "Accounts")
        await expect(card).to_contain_text("10 an hour, 50 a day, 350 a week")
        await card.get_by_role("button", name="Limits").click()
        limits = page.get_by_role("dialog")
        await limits.get_by_label("Time zone").fill("Europe/Paris")
        await limits.get_by_label("Quiet from").fill("20:00")
        await limits.get_by_label("Quiet to").fill("09:00")
        await limits.get_by_label("Seconds between").fill("90")
        await limits.get_by_role("button", name="Save").click()
        await expect(card).to_contain_text("90 s between two")
        await expect(card).to_contain_text("(Europe/Paris), and where the person is")
        await _what_is_typed_is_not_lost(product, page, account.id)
        await card.get_by_role("button", name="Pause").click()
        await page.get_by_label("Why?").fill("on holiday")
        await page.locator(".q-dialog").get_by_role("button", name="Pause").click()
        await expect(card).to_contain_text("Paused by a person: on holiday")
        await expect(card).to_contain_text("Resume the account if it may send again.")
        folder = pictures_of(tmp_path)
        for scheme, width in (("light", 1_200), ("dark", 390)):
            await page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]
            await page.set_viewport_size({"width": width, "height": 900})
            await open_page(product, page, "/accounts", "Accounts")
            await expect(card).to_contain_text("Used: 0 this hour, 0 of 5 today")
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, "nothing hangs over the edge"
            await shoot(page, folder, f"accounts-{scheme}")
        await card.get_by_role("button", name="Resume").click()
        await page.locator(".q-dialog").get_by_role("button", name="Resume").click()
        await expect(card).not_to_contain_text("Paused by")
        assert (await api.account(account.id)).account.status == "active"
        await _add_by_form(product, page)
        await open_page(product, page, f"/campaigns/{campaign.id}", "Held")
        await page.get_by_role("tab", name="Messages").click()
        held = page.locator("[data-held]")
        await expect(held).to_contain_text("No message waits.")
        await product.rows(
            "insert into messages (campaign_id, platform, platform_id, username, body, body_hash)"
            f" values ({campaign.id}, 'synthetic', 'p1', 'ann', 'hi', 'h') returning id"
        )
        await held.get_by_role("button", name="Look again").click()
        gate = held.locator("[data-gate=approval]")
        await expect(gate).to_contain_text("Read the messages and approve them.")
        await _sleeps(product, held, campaign.id)
        await product.rows(_WROTE_FIRST.format(campaign=campaign.id))
        await held.get_by_role("button", name="Look again").click()
        await expect(held.locator("[data-in-conversation]")).to_contain_text(
            "1 lead gets no first message: already in conversation."
        )
        (waits,) = await product.rows(
            "insert into messages (campaign_id, platform, platform_id, username, body, body_hash,"
            f" state, held_by, eligible_at) values ({campaign.id}, 'synthetic', 'p2', 'bob', 'hi',"
            " 'h', 'approved', 'recipient', now() + interval '1 day') returning id"
        )
        await page.get_by_role("button", name="approved", exact=True).click()
        await expect(page.locator(f"[data-message='{waits['id']}']")).to_contain_text(
            "Held: recipient, next at"
        )
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, "nothing hangs over the edge"
        await shoot(page, folder, "held-dark")


async def _what_is_typed_is_not_lost(product: Product, page: Page, account_id: int) -> None:
    """A wrong value leaves the dialog open, and what another window saved meanwhile stays."""
    card = page.locator(f"[data-account='{account_id}']")
    await card.get_by_role("button", name="Limits").click()
    limits = page.get_by_role("dialog")
    await product.api.update_account(account_id, hourly_limit=4)
    await limits.get_by_label("A week").fill("300")
    await limits.get_by_label("Time zone").fill("Nowhere/Land")
    await limits.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("IANA name of a time zone")).to_be_visible()
    await expect(limits.get_by_label("A week")).to_have_value("300")
    await limits.get_by_label("Time zone").fill("Europe/Paris")
    await limits.get_by_label("An hour").fill("")
    await limits.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("A number is missing")).to_be_visible()
    await limits.get_by_label("An hour").fill("10")
    await limits.get_by_role("button", name="Save").click()
    await expect(card).to_contain_text("4 an hour, 50 a day, 300 a week")
    await expect(limits).to_have_count(0)


async def _add_by_form(product: Product, page: Page) -> None:
    """A new account warms up unless the switch is turned off."""
    await open_page(product, page, "/accounts", "Accounts")
    await page.get_by_text("Add an account").click()
    form = page.locator("[data-new-account]")
    await form.get_by_label("Platform").click()
    await page.get_by_role("option", name="synthetic", exact=True).click()
    await form.get_by_label("Handle").fill("newcomer")
    await form.get_by_label("Token or app password").fill("token-of-newcomer")
    await expect(form.get_by_role("switch", name="Warm-up")).to_be_checked()
    await form.get_by_label("A day").fill("30")
    await form.get_by_label("A week").fill("100")
    await form.get_by_role("button", name="Add account").click()
    card = page.locator("[data-account]").filter(has_text="newcomer")
    await expect(card).to_contain_text("warm-up from 3 a day over 14 days")
    await expect(card).to_contain_text("0 of 3 today")
    await card.get_by_role("button", name="Limits").click()
    limits = page.get_by_role("dialog")
    await limits.get_by_role("switch", name="Warm-up").click()
    await limits.get_by_role("button", name="Save").click()
    await expect(card).to_contain_text("0 of 30 today")
    await expect(card).not_to_contain_text("warm-up")
    (added,) = [a for a in await product.api.list_accounts() if a.handle == "newcomer"]
    assert added.warmup_from is None


async def _sleeps(product: Product, held: Locator, campaign_id: int) -> None:
    """Somebody's own night is named, with its end."""
    await product.rows(
        "insert into messages (campaign_id, platform, platform_id, username, body, body_hash,"
        f" state, held_by, eligible_at) values ({campaign_id}, 'synthetic', 'p9', 'kei', 'hi', 'h',"
        " 'approved', 'quiet hours where they are', now() + interval '3 hours') returning id"
    )
    await held.get_by_role("button", name="Look again").click()
    asleep = held.locator("[data-gate='quiet hours where they are']")
    await expect(asleep).to_contain_text("next at")
    await expect(asleep).to_contain_text("it is night, or a quiet day, where they are")
