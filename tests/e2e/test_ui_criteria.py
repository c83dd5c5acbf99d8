"""The criteria builder and "why is this person here?" in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.conftest import require
from tests.e2e.five_steps import finished, settled
from tests.e2e.product import Product, running_product
from tests.e2e.test_ui import CHROMIUM, browser, open_page, pictures_of, shoot


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
        await _why(product, page, campaign_id, pictures)


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
    await select.click()
    await page.get_by_role("option", name=option, exact=True).click()


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
