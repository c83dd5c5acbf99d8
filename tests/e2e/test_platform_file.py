"""Files of people through the whole product: API, command line and web page; again is a no-op."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.async_api import expect

from tests.conftest import require
from tests.e2e.five_steps import finished, settled
from tests.e2e.looks import is_readable, stays_within
from tests.e2e.product import Product, running_product
from tests.e2e.test_ui import CHROMIUM, browser, open_page, pictures_of, shoot
from tests.jobs_fixtures import eventually

PEOPLE = 60
HOSTILE = "<img src=x onerror=alert(1)>"
WRITTEN = """
    select r.platform_id, f.xmin::text as features, r.content_hash
    from profiles_raw r join profile_features f using (profile_id) order by r.platform_id
"""


def people(kind: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{kind}-{n}",
            "name": f"{kind} {n}",
            "bio": "I research the climate and write about it.",
            "followers": n * 10,
            "website": f"https://{kind}.example/{n}",
        }
        for n in range(PEOPLE)
    ]


def files(folder: Path) -> list[Path]:
    """Write sixty people in each format."""
    as_csv, as_jsonl, as_parquet = (folder / f"people.{e}" for e in ("csv", "jsonl", "parquet"))
    rows = [";".join(str(value) for value in each.values()) for each in people("csv")]
    as_csv.write_text("\r\n".join(["id;name;bio;followers;website", *rows]), "cp1252")
    as_jsonl.write_text("\n".join(json.dumps(each) for each in people("jsonl")))
    pq.write_table(pa.Table.from_pylist(people("parquet")), as_parquet)
    return [as_csv, as_jsonl, as_parquet]


async def omni(product: Product, *arguments: str) -> Any:
    """Run a command as a person would; return what it prints as JSON."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OMNI_")}
    environment["OMNI_API_PORT"] = product.api_url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "omni.cli.main", *arguments,
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out)


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_people_come_in_from_every_format_and_again_for_nothing(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with running_product(tmp_path, database_url, valkey_url, queue_prefix) as product:
        campaign = await product.api.create_campaign(
            name="Climate",
            brief="People who research the climate.",
            criteria={"field": "bio", "op": "matches", "value": "climate"},
        )
        for path in files(tmp_path):
            assert (await _through_the_api(product, path, campaign.id))["new"] == PEOPLE
        await settled(product)
        status = await product.api.campaign_status(campaign.id)
        assert status.funnel.discovered == status.funnel.candidates == 3 * PEOPLE
        before = await product.rows(WRITTEN)
        for path in files(tmp_path):
            again = await omni(product, "import", str(path), "--yes", "--json")
            assert (again["state"], again["counts"]["unchanged"]) == ("succeeded", PEOPLE)
        shown = await omni(
            product, "import", str(tmp_path / "people.csv"), "--map", "bio=", "--platform", "crm",
            "--preview", "--json",
        )  # fmt: skip
        assert shown["preview"][0]["person"]["platform_id"] == "crm:csv-0"
        assert shown["preview"][0]["person"]["bio"] is None
        assert await product.rows(WRITTEN) == before
        await _through_the_page(product, tmp_path)


async def _through_the_api(product: Product, path: Path, campaign_id: int) -> dict[str, Any]:
    content = BytesIO(await asyncio.to_thread(path.read_bytes))
    draft = await product.api.upload_import(path.name, content, campaign_id=campaign_id)
    assert len(draft.preview) == 20
    assert draft.columns == {
        "id": "platform_id", "name": "display_name", "bio": "bio", "followers": "followers",
        "website": "link",
    }  # fmt: skip
    started = await product.api.start_import(draft.id, idempotency_key=f"start-{draft.id}")
    return await finished(product, str(started.job_id))


async def _through_the_page(product: Product, folder: Path) -> None:
    path = folder / "by hand.csv"
    rows = "".join(f"h{n},Hand {n},{n}\n" for n in range(5))
    path.write_text(f"who,name,followers\n{rows}h9,{HOSTILE},many\n")
    pictures = pictures_of(folder)
    async with browser() as page:
        await open_page(product, page, "/imports", "Import")
        await page.set_input_files("input[type=file]", path)
        await expect(page.get_by_text("What the columns mean")).to_be_visible(timeout=20_000)
        await page.get_by_label("who", exact=True).click()
        await page.get_by_role("option", name="platform_id", exact=True).click()
        await expect(page.get_by_text("nothing says who this is")).to_have_count(0)
        await page.get_by_label("For the campaign").click()
        await page.get_by_role("option", name="Climate", exact=True).click()
        chosen = "select id from imports where campaign_id is not null and job_id is null"
        await eventually(lambda: product.rows(chosen))
        await expect(page.get_by_text(HOSTILE, exact=True).first).to_be_visible()
        assert await page.locator("img[src=x]").count() == 0
        await shoot(page, pictures, "import")
        await page.emulate_media(color_scheme="dark")
        await page.set_viewport_size({"width": 390, "height": 844})
        await is_readable(page, ".q-btn, .q-badge, .omni-text")
        await stays_within(page, 390)
        await shoot(page, pictures, "import-dark-phone")
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size({"width": 1200, "height": 900})
        await page.get_by_role("button", name="Take these people in").click()
        row = page.locator("[data-import]").first
        await expect(row.get_by_text("succeeded")).to_be_visible(timeout=30_000)
        await expect(row.get_by_text("6 new", exact=False)).to_be_visible()
        assert await product.count("discoveries") == 3 * PEOPLE + 6
        async with page.expect_download() as download:
            await row.get_by_text("1 problems: download").click()
        saved = folder / "errors.csv"
        await (await download.value).save_as(saved)
        text = await asyncio.to_thread(saved.read_text, "utf-8-sig")
        assert "7,followers,value,is no count" in text
        await page.emulate_media(color_scheme="dark")
        await page.set_viewport_size({"width": 390, "height": 844})
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(wide) <= 0
        await shoot(page, pictures, "import-phone-dark")
