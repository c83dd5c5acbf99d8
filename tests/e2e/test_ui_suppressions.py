"""The page on suppressions, and the file that is handed over, in a real browser."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.conftest import require
from tests.e2e.looks import is_readable, stays_within
from tests.e2e.product import Product, running_product
from tests.e2e.test_ui import CHROMIUM, browser, open_page, pictures_of, shoot
from tests.e2e.test_ui_privacy import omni

HEADING = "Suppressions"
LINES = 30


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_a_person_adds_finds_and_lifts_suppressions(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with (
        running_product(
            tmp_path, database_url, valkey_url, queue_prefix, export_platforms="synthetic"
        ) as product,
        browser() as page,
    ):
        await _waiting(product)
        await _handed_over(product, page)
        await _adds(product, page)
        await _from_a_file(product, page, tmp_path)
        await _pages_and_searches(page)
        await _looks(product, page, pictures_of(tmp_path))
        await _lifts(product, page)
        await _command_line(product, tmp_path)


async def _waiting(product: Product) -> None:
    """Let three messages wait, and one be handed over."""
    criteria = {"field": "followers", "op": ">=", "value": 0}
    campaign = await product.api.create_campaign(name="Waits", brief="all", criteria=criteria)
    account = await product.api.create_account(platform="synthetic", handle="the tool", secret="s")
    assert account.platform_id == "export:the tool"
    await product.rows(
        "insert into messages (campaign_id, platform, platform_id, username, body, body_hash)"
        f" select {campaign.id}, 'synthetic', 'p' || n, 'person' || n, 'hi', 'h'"
        " from generate_series(1, 3) n returning id"
    )
    await product.rows(
        "insert into messages (campaign_id, platform, platform_id, username, body, body_hash,"
        " state, account_id, sent_at, charged_at, platform_message_id)"
        f" values ({campaign.id}, 'synthetic', 'p9', 'person9', '=1+1', 'h', 'sent',"
        f" {account.id}, now(), now(), 'export:1') returning id"
    )


async def _handed_over(product: Product, page: Page) -> None:
    await open_page(product, page, "/accounts", "Accounts")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Handed over, CSV").click()
    content = await asyncio.to_thread((await (await download.value).path()).read_text, "utf-8-sig")
    assert "person9" in content
    assert "'=1+1" in content, "no cell is a formula"
    await page.get_by_role("link", name="Who must not be written to").click()
    await expect(page.get_by_text("Nobody has asked not to be written to.")).to_be_visible()


async def _adds(product: Product, page: Page) -> None:
    await open_page(product, page, "/suppressions", HEADING)
    form = page.locator("[data-add]")
    suppress = form.get_by_role("button", name="Suppress")
    await form.get_by_label("Id (DID").fill("p1")
    await suppress.click()
    await expect(page.get_by_text("'p1' does not say it")).to_be_visible()
    assert await product.count("suppressions") == 0, "no platform is chosen beforehand"
    await form.get_by_label("Platform").click()
    await expect(page.get_by_role("option", name="file", exact=True)).to_be_visible()
    await page.get_by_role("option", name="synthetic", exact=True).click()
    await form.get_by_label("Why?").fill("asked by post")
    await suppress.click()
    await expect(page.locator("[data-scope=person]")).to_contain_text("asked by post")
    assert await product.count("messages", "state = 'cancelled'") == 1
    await form.get_by_role("button", name="Everybody").click()
    await suppress.click()
    sure = page.locator("[data-sure]")
    await expect(sure).to_contain_text("It holds 2 messages that wait now")
    await sure.get_by_role("button", name="Cancel").click()
    assert await product.count("suppressions") == 1
    await form.get_by_role("button", name="A platform").click()
    await suppress.click()
    await expect(sure).to_contain_text("Stop writing to anybody on synthetic?")
    await sure.get_by_role("button", name="Suppress").click()
    await expect(page.locator("[data-scope=platform]")).to_contain_text("synthetic")
    await form.get_by_role("button", name="A domain").click()
    await form.get_by_label("Domain").fill("https://Shop.Example/about")
    await suppress.click()
    await expect(sure).to_contain_text("It holds 0 messages")
    await sure.get_by_role("button", name="Suppress").click()
    await expect(page.locator("[data-scope=domain]")).to_contain_text("shop.example")


async def _from_a_file(product: Product, page: Page, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    rows = "".join(f"synthetic,filed{n:02},\n" for n in range(LINES))
    people.write_text(f"platform,username,domain\n{rows},,not a domain\nsynthetic,p2,\n", "utf-8")
    await page.get_by_text("Suppress everybody in a file").click()
    await page.locator("input[type=file]").set_input_files(people)
    brought = page.locator("[data-brought]")
    await expect(brought).to_contain_text("33 lines: 31 suppressed, 0 stood already, 1 not taken")
    await expect(brought).to_contain_text("1 messages cancelled")
    await expect(page.locator("[data-bad-line]")).to_contain_text("Line 32: not a domain")
    assert await product.count("suppressions", "source = 'file'") == LINES + 1


async def _pages_and_searches(page: Page) -> None:
    items = page.locator("[data-suppression]")
    await expect(items).to_have_count(20)
    await page.get_by_role("button", name="More").click()
    await expect(items).to_have_count(LINES + 4)
    await page.get_by_label("Search").fill("@Filed0")
    await expect(items).to_have_count(10)
    await page.get_by_label("Search").fill("nobody like this")
    await expect(page.get_by_text("Nobody is suppressed whose name begins so.")).to_be_visible()
    await page.get_by_label("Search").fill("")
    await page.get_by_role("button", name="domains and wider").click()
    await expect(items).to_have_count(2)


async def _looks(product: Product, page: Page, folder: Path) -> None:
    for scheme, width in (("light", 1_200), ("dark", 390)):
        await page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]
        await page.set_viewport_size({"width": width, "height": 900})
        await open_page(product, page, "/suppressions", HEADING)
        await page.get_by_text("Suppress everybody in a file").click()
        await expect(page.locator("[data-suppression]")).to_have_count(20)
        await stays_within(page, width)
        await is_readable(page, "button:not([disabled]), .q-badge, [data-suppression] .font-mono")
        await shoot(page, folder, f"suppressions-{scheme}")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1_200, "height": 900})


async def _lifts(product: Product, page: Page) -> None:
    await open_page(product, page, "/suppressions", HEADING)
    await page.get_by_label("Search").fill("shop.")
    card = page.locator("[data-scope=domain]")
    await card.get_by_role("button", name="Lift").click()
    dialog = page.locator("[data-lift]")
    await expect(dialog).to_contain_text("Let shop.example be written to again?")
    lift = dialog.get_by_role("button", name="Lift")
    await expect(lift).to_be_disabled()
    await dialog.get_by_label("Why may it be lifted?").fill("a customer now")
    await lift.click()
    await expect(card).to_have_count(0)
    (lifted,) = await product.rows("select platform_id, lifted_because from suppression_lifts")
    assert lifted == {"platform_id": "shop.example", "lifted_because": "a customer now"}


async def _command_line(product: Product, tmp_path: Path) -> None:
    assert "is suppressed" in await omni(product, "suppress", "synthetic:p77", "--reason", "asked")
    await omni(product, "suppress", "--domain", "shop.example", "--yes")
    people = tmp_path / "more.csv"
    await asyncio.to_thread(people.write_text, "q1\nq2\n\tq3\x07x\n")
    done = await omni(
        product, "suppress", "--file", str(people), "--platform", "synthetic", "--json"
    )
    assert json.loads(done)["added"] == 2
    assert json.loads(done)["problems"][0]["line"] == 3
    listed = json.loads(await omni(product, "suppressions", "--search", "P77", "--json"))
    assert [each["reason"] for each in listed] == ["asked"]
    said = await omni(
        product, "suppress", "--lift", str(listed[0]["id"]), "--reason", "a mistake", "--yes"
    )
    assert "may be written to again: a mistake" in said
    assert "shop.example" in await omni(product, "suppressions", "--wide")
