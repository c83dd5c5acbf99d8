"""The page on freshness, and people's pictures, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.conftest import require
from tests.e2e.five_steps import finished, settled
from tests.e2e.product import running_product
from tests.e2e.test_ui import CHROMIUM, browser, open_page, pictures_of, shoot


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_freshness_and_faces(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with (
        running_product(tmp_path, database_url, valkey_url, queue_prefix) as product,
        browser() as page,
    ):
        api = product.api
        criteria = {"field": "followers", "op": ">=", "value": 0}
        campaign = await api.create_campaign(
            name="Faces", brief="people who research the climate", criteria=criteria, threshold=0.0
        )
        crawl = await api.discover(
            campaign.id, platform="synthetic", seed_type="search", seed_value="climate"
        )
        await finished(product, str(crawl.job_id))
        await settled(product)
        await settled(product, "images.fetch")
        await finished(product, str((await api.qualify(campaign.id)).job_id))
        await finished(product, str((await api.run_now("crawl.refresh")).job_id))
        folder = pictures_of(tmp_path)
        for scheme, width in (("light", 1_200), ("dark", 390)):
            await page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]
            await page.set_viewport_size({"width": width, "height": 900})
            await open_page(product, page, "/freshness", "Freshness")
            await expect(page.locator("[data-kind=candidate]")).to_contain_text("seen within 1 day")
            await expect(page.locator("[data-platform=synthetic]")).to_contain_text("Next look in")
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, "nothing hangs over the edge"
            await shoot(page, folder, f"freshness-{scheme}")
        await open_page(product, page, f"/campaigns/{campaign.id}", "Faces")
        face = page.locator("[data-lead] img[src^='/images/']").first
        await expect(face).to_be_visible(timeout=30_000)
        seen = await face.evaluate("img => img.decode().then(() => img.naturalWidth)")
        assert seen > 0
        await page.get_by_role("button", name="Why?").first.click()
        await expect(page.locator("[data-person]")).to_contain_text("Last seen")
