"""Drafts in a real browser: approved with the keyboard, previewed, followed up, on autopilot."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.conftest import require
from tests.e2e.product import Product, running_product
from tests.e2e.test_ui import CHROMIUM, HOSTILE, browser, open_page, pictures_of, shoot

WAITING = 5

_PEOPLE = """
    with people as (select n, 'd' || n as person from generate_series(1, {count}) n),
    known as (
        insert into profiles_raw (platform, platform_id, username, payload, content_hash)
        select 'synthetic', person, 'user-' || person, '{{}}', 'h' from people
        returning profile_id, platform_id
    ),
    features as (
        insert into profile_features (profile_id, platform, username, accepts_messages, signals,
            search, view, view_hash, version_hash)
        select profile_id, 'synthetic', 'user-' || platform_id, true,
            array_fill(0.5::float8, '{{8}}'), ''::tsvector, '{{}}', 'v', 'h' from known
    ),
    scores as (
        insert into llm_scores (campaign_id, profile_id, username, profile_hash, criteria_hash,
            model, prompt_version, outcome, qualified, score, raw, latency_ms)
        select {campaign}, profile_id, platform_id, 'v', 'c', 'm', '1', 'verdict', true, 0.9, '', 1
        from known returning id, profile_id
    )
    insert into leads (campaign_id, profile_id, platform, platform_id, username, display_name,
        score_id, score, reasons)
    select {campaign}, k.profile_id, 'synthetic', k.platform_id, 'user-' || k.platform_id,
        '{name}', s.id, 0.9, '[{{"criterion": "bio", "evidence": "I climb"}}]'
    from known k join scores s using (profile_id)
    returning id
"""


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_drafts_are_looked_at_and_let_go_with_the_keyboard(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with (
        running_product(tmp_path, database_url, valkey_url, queue_prefix) as product,
        browser() as page,
    ):
        pictures = pictures_of(tmp_path)
        campaign_id = await _fill(product)
        await _stand_still(product, page, campaign_id, pictures)
        await _write(product, page, campaign_id, pictures)
        await _add_drafts(product, campaign_id)
        await _approve(product, page, campaign_id, pictures)
        await _autopilot(product, page, campaign_id, pictures)


async def _fill(product: Product) -> int:
    campaign = await product.api.create_campaign(
        name="Climbers",
        criteria={"field": "followers", "op": ">=", "value": 1_000_000_000},
        message_template="Hi {{ name }}",
    )
    await product.rows(_PEOPLE.format(count=WAITING, campaign=campaign.id, name=HOSTILE))
    return campaign.id


async def _add_drafts(product: Product, campaign_id: int) -> None:
    """Ask for the drafting that a decision on a lead asks for."""
    (lead, *_) = (await product.api.leads(campaign_id)).items
    await product.api.decide_lead(lead.id, "accepted")


async def _stand_still(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    """Why nobody is drafted for stands on the page of drafts, and where sending is asked after."""
    await product.api.update_campaign(campaign_id, writer="model")
    await open_page(product, page, f"/campaigns/{campaign_id}/drafts", "Drafts")
    told = page.locator("[data-standstill='no model']")
    await expect(told).to_contain_text("5 wait for a first message: there is no model")
    await page.emulate_media(color_scheme="dark")
    await _narrow(page, pictures, "drafts-standstill-phone-dark")
    await page.emulate_media(color_scheme="light")
    await open_page(product, page, f"/campaigns/{campaign_id}", "Climbers")
    await page.get_by_role("tab", name="Messages").click()
    await expect(page.locator("[data-held]").locator("[data-standstill]")).to_have_count(1)
    await product.api.update_campaign(campaign_id, writer="template")


async def _write(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    await open_page(product, page, f"/campaigns/{campaign_id}", "Climbers")
    await page.get_by_role("button", name="Drafts").click()
    await page.get_by_role("tab", name="What is written").click()
    await page.get_by_label("First message").fill("Hello {{ username }}, you wrote “{{ reason }}”.")
    await page.get_by_role("button", name="Add a follow-up").click()
    await page.get_by_label("Hours later").fill("48")
    await page.locator("[data-follow-up]").get_by_label("Text").fill("{{ name }}, still there?")
    await page.get_by_role("button", name="Preview").click()
    preview = page.locator("[data-preview]")
    await expect(preview.get_by_text("Hello user-d1, you wrote “I climb”.")).to_be_visible()
    await expect(preview).to_contain_text("5 people would get a draft. Nothing was sent.")
    assert (await product.api.campaign_status(campaign_id)).messages == {}
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved")).to_be_visible()
    saved = await product.api.get_campaign(campaign_id)
    assert [each.delay_hours for each in saved.follow_ups] == [48]
    await shoot(page, pictures, "drafts-written")
    await _narrow(page, pictures, "drafts-written-phone")


async def _approve(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    await _until_pending(product, page, campaign_id)
    await page.get_by_role("tab", name="To approve").click()
    cards = page.locator("[data-message]")
    await expect(cards.first).to_have_attribute("data-here", "true")
    assert await page.locator("img[src=x]").count() == 0
    await shoot(page, pictures, "drafts-to-approve")
    await _narrow(page, pictures, "drafts-to-approve-phone")
    await page.keyboard.press("j")
    await expect(cards.nth(1)).to_have_attribute("data-here", "true")
    second = int(str(await cards.nth(1).get_attribute("data-message")))
    await page.keyboard.press("e")
    await page.get_by_label("Text of the message").fill("In my own words")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(f"[data-message='{second}']")).to_contain_text("In my own words")
    await page.keyboard.press("k")
    await _edit_together(product, page, pictures)
    await page.keyboard.press("Shift+J")
    await page.keyboard.press("Shift+J")
    await expect(page.locator("[data-selected]")).to_have_text("3 of 5 selected")
    await page.keyboard.press("a")
    await expect(cards).to_have_count(2)
    approved = (await product.api.messages(campaign_id, state="approved")).items
    assert len(approved) == 3
    assert {message.approved_by for message in approved} == {"person"}
    await page.keyboard.press("r")
    await expect(cards).to_have_count(1)
    cancelled = (await product.api.messages(campaign_id, state="cancelled")).items
    assert len(cancelled) == 1


async def _edit_together(product: Product, page: Page, pictures: Path) -> None:
    """Replace words in all that are selected; what somebody else changed is asked about."""
    await page.keyboard.press("*")
    await expect(page.locator("[data-selected]")).to_have_text("5 of 5 selected")
    await page.keyboard.press("e")
    dialog = page.locator(".q-dialog")
    await expect(dialog.locator("textarea[data-edit]")).to_have_count(WAITING)
    theirs = str(await dialog.locator("textarea[data-edit]").nth(4).get_attribute("data-edit"))
    await product.api.edit_message(int(theirs), "Hello from somebody else")
    await dialog.get_by_label("Replace in all").fill("Hello")
    await dialog.get_by_label("with", exact=True).fill("Good day")
    await page.keyboard.press("Enter")
    await expect(dialog.locator("[data-replaced]")).to_have_text("changed in 4 of 5")
    await shoot(page, pictures, "drafts-edit-together")
    await _narrow(page, pictures, "drafts-edit-together-phone")
    await page.keyboard.press("Control+Enter")
    clash = page.locator(f"[data-clashes] [data-clash='{theirs}']")
    await expect(clash).to_contain_text("Hello from somebody else")
    await expect(clash).to_contain_text("Good day user-")
    await page.emulate_media(color_scheme="dark")
    await _narrow(page, pictures, "drafts-clash-phone-dark")
    await page.emulate_media(color_scheme="light")
    await clash.get_by_role("checkbox").click()
    await page.get_by_role("button", name="Save what I chose").click()
    await expect(page.locator("[data-clashes]")).to_have_count(0)
    card = page.locator(f"[data-message='{theirs}']")
    await expect(card.locator("[data-body]")).to_contain_text("Good day user-")
    await expect(page.locator("[data-selected]")).to_have_text("0 of 5 selected")


async def _until_pending(product: Product, page: Page, campaign_id: int) -> None:
    cards = page.locator("[data-message]")
    for _ in range(60):
        await open_page(product, page, f"/campaigns/{campaign_id}/drafts", "Drafts")
        await page.wait_for_timeout(500)
        if await cards.count() == WAITING:
            return
    raise AssertionError("no drafts came")


async def _autopilot(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    await page.get_by_role("tab", name="Autopilot").click()
    shown = page.locator("[data-autopilot]")
    await expect(shown).to_contain_text("a person approves each message")
    await page.get_by_label("At most in any 24 hours").fill("7")
    await page.get_by_role("button", name="Turn the autopilot on").click()
    await expect(shown).to_contain_text("of 7 messages in 24 hours")
    assert (await product.api.autopilot(campaign_id)).daily_cap == 7
    await page.emulate_media(color_scheme="dark")
    await shoot(page, pictures, "drafts-autopilot-dark")
    await _narrow(page, pictures, "drafts-autopilot-phone")
    await page.get_by_role("button", name="Turn it off").click()
    await expect(shown).to_contain_text("a person approves each message")
    assert (await product.api.autopilot(campaign_id)).daily_cap is None
    await _autopilot_goes_off(product, page, campaign_id, pictures)


async def _autopilot_goes_off(
    product: Product, page: Page, campaign_id: int, pictures: Path
) -> None:
    """Change what it would send: it is off, and says why, until somebody turns it on again."""
    shown = page.locator("[data-autopilot]")
    await page.get_by_role("button", name="Turn the autopilot on").click()
    await expect(shown).to_contain_text("messages in 24 hours")
    await page.get_by_role("tab", name="What is written").click()
    await page.get_by_label("First message").fill("Something else, {{ name }}")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("The autopilot is off: what it would send")).to_be_visible()
    await page.get_by_role("tab", name="Autopilot").click()
    await expect(shown).to_contain_text("went off by itself")
    await expect(shown).to_contain_text("the first message")
    assert (await product.api.autopilot(campaign_id)).daily_cap is None
    await _narrow(page, pictures, "drafts-autopilot-off-phone")
    await open_page(product, page, f"/campaigns/{campaign_id}", "Climbers")
    note = page.get_by_role("note").filter(has_text="The autopilot went off by itself")
    await expect(note).to_be_visible()


async def _narrow(page: Page, pictures: Path, name: str) -> None:
    """Look at the page as a phone shows it: nothing sticks out."""
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await shoot(page, pictures, name)
    await page.set_viewport_size({"width": 1200, "height": 900})
