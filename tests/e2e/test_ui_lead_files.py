"""A campaign's leads as files, from a real browser and from a terminal."""

from __future__ import annotations

import asyncio
import csv
import json
from io import StringIO
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.api_fixtures import Served
from tests.conftest import require
from tests.e2e.looks import is_readable, stays_within
from tests.e2e.product import Product, running_product
from tests.e2e.test_ui import CHROMIUM, HOSTILE, browser, open_page, pictures_of, shoot
from tests.e2e.test_ui_privacy import omni

LEADS = 30


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_a_person_takes_the_leads_along(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with (
        running_product(tmp_path, database_url, valkey_url, queue_prefix) as product,
        browser() as page,
    ):
        campaign = await _fill(product)
        await _downloads(product, page, campaign)
        await _looks(product, page, campaign, pictures_of(tmp_path))
        out = tmp_path / "leads.parquet"
        told = json.loads(
            await omni(product, "leads", "export", str(campaign), "-o", str(out), "--json")
        )
        assert told["leads"] == LEADS
        assert (await asyncio.to_thread(out.read_bytes)).startswith(b"PAR1")
        listed = json.loads(await omni(product, "leads", str(campaign), "--limit", "5", "--json"))
        assert len(listed) == 5


async def _fill(product: Product) -> int:
    criteria = {"field": "followers", "op": ">=", "value": 0}
    campaign = await product.api.create_campaign(name="Leads", brief="all", criteria=criteria)
    async with httpx.AsyncClient(base_url=product.api_url) as http:
        written = Served(product.api_url, http, product.api, product.db)
        ids = await written.add_leads(campaign.id, range(LEADS), name=f"={HOSTILE}")
    await product.api.decide_lead(ids[0], "rejected")
    return campaign.id


async def _exported(page: Page, words: str) -> tuple[str, bytes]:
    await page.locator("[data-export]").click()
    async with page.expect_download() as download:
        await page.get_by_role("menu").get_by_text(words).click()
    taken = await download.value
    return taken.suggested_filename, await asyncio.to_thread((await taken.path()).read_bytes)


async def _downloads(product: Product, page: Page, campaign: int) -> None:
    await open_page(product, page, f"/campaigns/{campaign}", "Leads")
    await expect(page.locator("[data-lead]")).to_have_count(20)
    name, content = await _exported(page, "CSV")
    assert name == f"leads-{campaign}.csv"
    rows = list(csv.DictReader(StringIO(content.decode("utf-8-sig"), newline="")))
    assert len(rows) == LEADS, "all, not only those that are shown"
    assert {row["name"] for row in rows} == {f"'={HOSTILE}"}
    assert all('I "climb"' in row["reasons"] for row in rows)
    await page.get_by_role("button", name="rejected", exact=True).click()
    await expect(page.locator("[data-lead]")).to_have_count(1)
    name, content = await _exported(page, "JSON lines")
    assert name == f"leads-{campaign}.jsonl"
    (line,) = content.splitlines()
    assert json.loads(line)["label"] == "does_not_fit"
    _, content = await _exported(page, "Parquet")
    assert content.startswith(b"PAR1")
    assert content.endswith(b"PAR1")


async def _looks(product: Product, page: Page, campaign: int, folder: Path) -> None:
    for scheme, width in (("light", 1_200), ("dark", 390)):
        await page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]
        await page.set_viewport_size({"width": width, "height": 900})
        await open_page(product, page, f"/campaigns/{campaign}", "Leads")
        await expect(page.locator("[data-lead]")).to_have_count(20)
        await page.locator("[data-export]").click()
        await expect(page.get_by_role("menu").get_by_text("CSV, for spreadsheets")).to_be_visible()
        await stays_within(page, width)
        await is_readable(page, "[data-export], .q-menu .q-item")
        await shoot(page, folder, f"lead-files-{scheme}")
