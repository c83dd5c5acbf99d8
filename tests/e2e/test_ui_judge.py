"""The page of the judges, and the dialog before a qualification, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.conftest import require
from tests.e2e.five_steps import finished, settled
from tests.e2e.product import Product, running_product
from tests.e2e.test_ui import CHROMIUM, HOSTILE, browser, open_page, pictures_of, shoot


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_judges_are_looked_at_and_disagreements_settled(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with (
        running_product(tmp_path, database_url, valkey_url, queue_prefix) as product,
        browser() as page,
    ):
        pictures = pictures_of(tmp_path)
        campaign_id = await _fill(product)
        await open_page(product, page, f"/campaigns/{campaign_id}", "Judges of corals")
        await page.get_by_role("button", name="Qualify").click()
        await expect(page.locator("[data-estimate]")).to_contain_text("calls of rules-1")
        await shoot(page, pictures, "qualify")
        await page.get_by_role("button", name="Qualify now").click()
        await expect(page.get_by_text("Qualifying: see Jobs")).to_be_visible()
        started = (await product.api.list_jobs(campaign_id=campaign_id)).items
        job = next(job for job in started if job.kind == "qualify.campaign")
        await finished(product, str(job.id))
        await _see_what_was_said(page, pictures)
        await _disagree(product, campaign_id)
        await open_page(product, page, "/judge", "Judges")
        await expect(page.locator("[data-judge='rules-1']")).to_contain_text("need no model")
        await page.get_by_label("Campaign", exact=True).click()
        await page.get_by_role("option", name="Judges of corals").click()
        card = page.locator("[data-disagreement]")
        await expect(card).to_contain_text(HOSTILE)
        assert await page.locator("img[src=x]").count() == 0
        await _attack_and_compare(page)
        await page.get_by_text("What they are asked").click()
        await expect(page.locator("[data-version]")).to_contain_text("version ")
        await page.set_viewport_size({"width": 390, "height": 844})
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await shoot(page, pictures, "judge-phone")
        await page.set_viewport_size({"width": 1200, "height": 900})
        await card.get_by_role("button", name="Fits", exact=True).click()
        await expect(card).to_have_count(0)
        await expect(page.locator("[data-evaluation]")).to_contain_text("1 people decided on")
        await expect(page.locator("svg[aria-label='Reliability curve']")).to_be_visible()
        await page.emulate_media(color_scheme="dark")
        await shoot(page, pictures, "judge-dark")
    assert (await _count(database_url)) == 1


async def _see_what_was_said(page: Page, pictures: Path) -> None:
    """Open the recordings of a lead's verdict."""
    await page.reload()
    await page.locator("[data-lead]").first.get_by_role("button", name="What was said").click()
    said = page.locator("[data-recordings]")
    await expect(said).to_contain_text('"qualified":true')
    await said.get_by_text("Was shown").click()
    await expect(said).to_contain_text("<<<PROFILE")
    await shoot(page, pictures, "recordings")
    await said.get_by_role("button", name="Close").click()


async def _attack_and_compare(page: Page) -> None:
    """Start both as a person would, and wait for what the worker brings."""
    await page.get_by_text("Hostile profiles").click()
    await page.get_by_role("button", name="Attack it").click()
    await expect(page.locator("[data-attack]")).to_contain_text("times firm", timeout=60_000)
    await page.get_by_text("Compare two judges").click()
    form = page.locator("[data-compare]")
    await form.get_by_label("Second judge", exact=True).fill("rules")
    await form.get_by_label("People", exact=True).fill("3")
    await form.get_by_role("button", name="Compare", exact=True).click()
    await expect(page.get_by_text("nothing to compare")).to_be_visible()
    await form.get_by_text("With another task in the prompt").click()
    await form.get_by_label("Task of the second judge").fill("Judge strictly.")
    await form.get_by_role("button", name="Compare", exact=True).click()
    made = page.locator("[data-comparison]").filter(has_text="on 3 people")
    await expect(made).to_have_count(1, timeout=60_000)


async def _count(database_url: str) -> int:
    from omni.storage.db import Database
    from omni.storage.sql import Query

    db = await Database.connect(database_url, size=2)
    try:
        return await db.fetchval(
            Query("settled", "select count(*) from judge_disagreements where fits")
        )
    finally:
        await db.close()


async def _fill(product: Product) -> int:
    campaign = await product.api.create_campaign(
        name="Judges of corals",
        brief="people who research the climate",
        criteria={"field": "followers", "op": ">=", "value": 0},
    )
    started = await product.api.discover(
        campaign.id, platform="synthetic", seed_type="search", seed_value="climate"
    )
    await finished(product, str(started.job_id))
    await settled(product)
    return campaign.id


async def _disagree(product: Product, campaign_id: int) -> None:
    """Write a comparison whose two judges are apart about one person."""
    said = '{"qualified": %s, "score": 0.9, "confidence": 1, "reasons": [{"criterion": "x",' + (
        ' "evidence": "<img src=x>"}]}'
    )
    await product.rows(
        "with made as (insert into judge_comparisons (campaign_id, left_model, right_model, sample,"
        f" report, created_at) values ({campaign_id}, 'a', 'b', 1, '{{}}', now()) returning id)"
        " insert into judge_disagreements (comparison_id, campaign_id, profile_id, username,"
        f" left_said, right_said) select made.id, {campaign_id}, s.profile_id, '{HOSTILE}',"
        f" '{said % 'true'}', '{said % 'false'}' from made,"
        f" (select profile_id from llm_scores where outcome = 'verdict' limit 1) s returning id"
    )
