"""The criteria builder and "why is this person here?" in a real browser."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, TimeoutError, expect

from tests.conftest import require
from tests.e2e.five_steps import finished, settled
from tests.e2e.product import Product, running_product
from tests.e2e.test_ui import CHROMIUM, browser, open_page, pictures_of, shoot

DEEP = {
    "any": [
        {"field": "followers", "op": ">=", "value": 1},
        {
            "all": [
                {"field": "display_name", "op": "in", "value": ["Lovelace, Ada", "Bo"]},
                {"any": [
                    {"field": "bio", "op": "exists", "value": True},
                    {"field": "posts", "op": ">", "value": 3},
                ]},
            ]
        },
    ]
}  # fmt: skip


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_criteria_are_built_by_clicks_and_explain_themselves(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with (
        running_product(tmp_path, database_url, valkey_url, queue_prefix) as product,
        browser() as page,
    ):
        pictures = pictures_of(tmp_path)
        known = await _discover(product)
        campaign_id = await _create(product, page, known, pictures)
        await _edit(product, page, campaign_id, pictures)
        await _groups(product, page, campaign_id, pictures)
        await _why(product, page, campaign_id, pictures)
        await _bounds(product, page, campaign_id, pictures)
        await _as_json(product, page, pictures)


async def _discover(product: Product) -> int:
    campaign = await product.api.create_campaign(
        name="Everyone", criteria={"field": "followers", "op": ">=", "value": 0}
    )
    started = await product.api.discover(
        campaign.id, platform="synthetic", seed_type="search", seed_value="climate"
    )
    await finished(product, str(started.job_id))
    await settled(product)
    return await product.count("profile_features")


async def _create(product: Product, page: Page, known: int, pictures: Path) -> int:
    await open_page(product, page, "/", "Campaigns")
    await page.get_by_role("button", name="New campaign").click()
    form = page.locator(".q-dialog")
    await form.get_by_label("Name", exact=True).fill("Built by clicks")
    for left in (2, 1, 0):
        await form.get_by_label("Remove").last.click()
        await expect(form.get_by_label("Remove")).to_have_count(left)
    await form.get_by_role("button", name="Add a test").first.click()
    await form.get_by_label("Value").fill("0")
    count = form.locator("[data-count]")
    await expect(count).to_have_text(f"{known:,}")
    await expect(form.locator("[data-english]")).to_have_text("followers at least 0")
    await form.get_by_label("Value").fill("200")
    fewer = await product.count("profile_features", "followers >= 200")
    assert 0 < fewer < known
    await expect(count).to_have_text(f"{fewer:,}")
    await form.get_by_role("button", name="Add a test").first.click()
    await expect(form.get_by_label("Field")).to_have_count(2)
    await _choose(page, form.get_by_label("Field").last, "is a bot")
    await _choose(page, form.get_by_label("Value").last, "no")
    persons = await product.count("profile_features", "followers >= 200 and not is_bot")
    await expect(count).to_have_text(f"{persons:,}")
    english = form.locator("[data-english]")
    await expect(english).to_have_text("followers at least 200 and is not a bot")
    await shoot(page, pictures, "criteria")
    await form.get_by_role("button", name="Save").click()
    await expect(page).to_have_url(re.compile(r"/campaigns/\d+$"))
    campaign_id = int(page.url.rsplit("/", 1)[1])
    saved = await product.api.get_campaign(campaign_id)
    assert saved.english == "followers at least 200 and is not a bot"
    await settled(product)
    assert (await product.api.campaign_status(campaign_id)).funnel.candidates == persons
    return campaign_id


async def _choose(page: Page, select: Locator, option: str) -> None:
    """Choose an option; a row that is drawn anew meanwhile closes its list, and is asked again."""
    wanted = page.get_by_role("option", name=option, exact=True)
    for _ in range(6):
        await select.click()
        with suppress(TimeoutError):
            await wanted.click(timeout=5_000)
            return
    raise AssertionError(f"there is no {option} to choose")


async def _edit(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    await open_page(product, page, f"/campaigns/{campaign_id}", "Built by clicks")
    before = await product.count("profile_features", "followers >= 200 and not is_bot")
    await page.get_by_role("button", name="Change").click()
    form = page.locator(".q-dialog")
    await form.get_by_role("spinbutton", name="Value").fill("20")
    after = await product.count("profile_features", "followers >= 20 and not is_bot")
    told = form.locator("[data-edit]")
    await expect(told).to_contain_text(f"{after - before:,} enter, 0 leave")
    await expect(told).to_contain_text(f"{min(50, after):,} new judgements in the next run")
    await shoot(page, pictures, "criteria-edit")
    await page.emulate_media(color_scheme="dark")
    await shoot(page, pictures, "criteria-edit-dark")
    await page.emulate_media(color_scheme="light")
    await form.get_by_role("button", name="JSON").click()
    await expect(form.get_by_label("Criteria (JSON)")).to_have_value(re.compile('"followers"'))
    await form.get_by_role("button", name="Save").click()
    await expect(page.locator(".q-dialog")).to_have_count(0)
    await settled(product)
    assert (await product.api.campaign_status(campaign_id)).funnel.candidates == after


async def _change(
    product: Product, page: Page, campaign_id: int, name: str = "Built by clicks"
) -> Locator:
    """Open the dialog that changes a campaign."""
    await open_page(product, page, f"/campaigns/{campaign_id}", name)
    await page.get_by_role("button", name="Change").click()
    return page.locator(".q-dialog")


async def _groups(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    """A group within the group: its tests, its head, one test removed, and then all of it."""
    form = await _change(product, page, campaign_id)
    english = form.locator("[data-english]")
    await expect(english).to_have_text("followers at least 20 and is not a bot")
    await form.get_by_role("button", name="Add a group").click()
    inner = form.locator(".omni-quote .omni-quote")
    await expect(inner.get_by_role("button", name="Add a group")).to_have_count(0)
    await inner.get_by_label("Several, with commas between").fill("de, fr")
    await expect(english).to_contain_text("country is any of “de” or “fr”")
    await inner.get_by_role("button", name="Add a test").click()
    await expect(inner.get_by_label("Field")).to_have_count(2)
    await _choose(page, inner.get_by_label("Field").last, "bio")
    await _choose(page, inner.get_by_label("Operator").last, "exists")
    await _choose(page, inner.get_by_label("How the parts go together"), "None of these")
    known = "country is not any of “de” or “fr” and followers at least 20 and is not a bot"
    await expect(english).to_have_text(f"bio is unknown and {known}")
    where = "followers >= 20 and not is_bot and bio is null and country not in ('de', 'fr')"
    count = await product.count("profile_features", where)
    await expect(form.locator("[data-count]")).to_have_text(f"{count:,}")
    await page.set_viewport_size({"width": 390, "height": 844})
    await shoot(page, pictures, "criteria-group-phone")
    for control in (form.get_by_label("Remove").last, inner.get_by_label("Several, with").last):
        box = await control.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390, "a phone shows all of it"
    await page.set_viewport_size({"width": 1200, "height": 900})
    await inner.get_by_label("Remove").last.click()
    await expect(english).to_have_text(known)
    await form.get_by_label("Remove").last.click()
    await expect(inner).to_have_count(0)
    await expect(english).to_have_text("followers at least 20 and is not a bot")


async def _bounds(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    """Two bounds of a number, and two of a date, one of them relative."""
    form = await _change(product, page, campaign_id)
    await _choose(page, form.get_by_label("Operator").first, "between")
    await form.get_by_label("From").fill("10")
    await form.get_by_label("To", exact=True).fill("20000")
    english = form.locator("[data-english]")
    numbers = "followers is between 10 and 20,000 and is not a bot"
    await expect(english).to_have_text(numbers)
    await form.get_by_role("button", name="Add a test").first.click()
    await expect(form.get_by_label("Field")).to_have_count(3)
    await _choose(page, form.get_by_label("Field").last, "account created")
    await expect(form.get_by_label("Value").last).to_have_value("2026-01-31")
    await _choose(page, form.get_by_label("Operator").last, "between")
    await expect(form.get_by_label("From")).to_have_count(2)
    await form.get_by_label("From").last.fill("2020-01-01")
    await form.get_by_label("To", exact=True).last.fill("soon")
    await expect(form.locator("[data-preview]")).to_contain_text("criteria.all[2].value[1]")
    await form.get_by_label("To", exact=True).last.fill("30 days ago")
    dates = "account created is between 2020-01-01 and 30 days ago"
    await expect(english).to_have_text(f"{dates} and {numbers}")
    where = (
        "followers between 10 and 20000 and not is_bot "
        "and account_created_at between '2020-01-01Z' and now() - interval '30 days'"
    )
    count = await product.count("profile_features", where)
    await expect(form.locator("[data-count]")).to_have_text(f"{count:,}")
    await shoot(page, pictures, "criteria-bounds")
    await form.get_by_role("button", name="Save").click()
    await expect(page.locator(".q-dialog")).to_have_count(0)
    assert (await product.api.get_campaign(campaign_id)).english == f"{dates} and {numbers}"


async def _as_json(product: Product, page: Page, pictures: Path) -> None:
    """What the form has no rows for is shown as JSON, stays there, and survives a save."""
    made = await product.api.create_campaign(name="Deep", criteria=DEEP)
    form = await _change(product, page, made.id, "Deep")
    text = form.get_by_label("Criteria (JSON)")
    shown = json.dumps(made.criteria, indent=2, ensure_ascii=False)
    await expect(text).to_have_value(shown)
    await form.get_by_role("button", name="Form", exact=True).click()
    await expect(page.get_by_text("no rows for all of this").first).to_be_visible()
    await expect(text).to_have_value(shown)
    await expect(form.locator("[data-english]")).to_have_text(made.english)
    await shoot(page, pictures, "criteria-json")
    await form.get_by_role("button", name="Save").click()
    await expect(page.locator(".q-dialog")).to_have_count(0)
    saved = await product.api.get_campaign(made.id)
    assert (saved.criteria, saved.english) == (made.criteria, made.english)


async def _why(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    await product.api.update_campaign(campaign_id, threshold=0.0, brief="people of the climate")
    job = await product.api.qualify(campaign_id)
    await finished(product, str(job.job_id))
    await settled(product)
    lead = (await product.api.leads(campaign_id, limit=1)).items[0]
    await open_page(product, page, f"/campaigns/{campaign_id}", "Built by clicks")
    card = page.locator(f"[data-lead='{lead.id}']")
    await card.get_by_role("button", name="Why?").click()
    dialog = page.locator(".q-dialog")
    await expect(dialog.locator("[data-why]")).to_have_text(
        f"{lead.username} fits the criteria and is a candidate."
    )
    tree = dialog.locator("[data-tree]")
    await expect(tree).to_contain_text("followers at least 20")
    await expect(tree.get_by_label("true")).to_have_count(3)
    await expect(dialog).to_contain_text("Cheap score")
    await shoot(page, pictures, "why")
