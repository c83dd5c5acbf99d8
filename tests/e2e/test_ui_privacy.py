"""A person is given out and erased, and a program is told what happens, as people do it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.conftest import require
from tests.e2e.five_steps import finished, settled
from tests.e2e.looks import stays_within
from tests.e2e.product import Product, running_product
from tests.e2e.test_ui import CHROMIUM, browser, open_page, pictures_of, shoot
from tests.http_fixtures import ScriptedServer, reply, scripted_server
from tests.jobs_fixtures import eventually


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_people_have_rights_and_programs_are_told(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with (
        scripted_server() as listener,
        running_product(
            tmp_path,
            database_url,
            valkey_url,
            queue_prefix,
            http_loopback_origins=listener.url,
        ) as product,
        browser() as page,
    ):
        listener.on("/hook", reply(204, b""))
        folder = pictures_of(tmp_path)
        await _webhooks(product, page, listener, folder)
        await _people(product)
        await _is_told(product, page, listener)
        await _privacy(product, page, folder)
        await _command_line(product, tmp_path)


async def _webhooks(product: Product, page: Page, listener: ScriptedServer, folder: Path) -> None:
    await open_page(product, page, "/webhooks", "Webhooks")
    await page.get_by_label("Address").fill(f"{listener.url}/hook")
    await page.get_by_role("button", name="Add endpoint").click()
    secret = page.locator("[data-secret]")
    await expect(secret).to_contain_text("whsec_")
    await page.get_by_role("button", name="I have it").click()
    await expect(page.locator("[data-endpoint]")).to_contain_text(listener.url)
    await looks(product, page, "/webhooks", "Webhooks", folder)


async def _people(product: Product) -> None:
    """Find people, and make leads of them."""
    criteria = {"field": "followers", "op": ">=", "value": 0}
    campaign = await product.api.create_campaign(
        name="Rights", brief="people who research the climate", criteria=criteria, threshold=0.0
    )
    crawl = await product.api.discover(
        campaign.id, platform="synthetic", seed_type="search", seed_value="climate"
    )
    await finished(product, str(crawl.job_id))
    await settled(product)
    await finished(product, str((await product.api.qualify(campaign.id)).job_id))


async def _is_told(product: Product, page: Page, listener: ScriptedServer) -> None:
    leads = await product.count("leads")
    assert leads

    async def all_told() -> bool:
        return len({call.headers["webhook-id"] for call in listener.calls}) == leads

    await eventually(all_told, within=60)
    assert {json.loads(call.body)["type"] for call in listener.calls} == {"lead.qualified"}
    await open_page(product, page, "/webhooks", "Webhooks")
    await page.get_by_role("button", name="Calls").click()
    await expect(page.get_by_text("delivered", exact=True).first).to_be_visible()
    await page.get_by_role("button", name="Close").click()


async def _privacy(product: Product, page: Page, folder: Path) -> None:
    who = (await product.rows("select platform_id, username from leads order by id limit 1"))[0]
    await open_page(product, page, "/privacy", "Privacy")
    platform = page.get_by_label("Platform")
    await page.get_by_role("button", name="Erase for good").click()
    await expect(page.get_by_text("Choose the platform, and say who it is")).to_be_visible()
    await platform.click()
    await page.get_by_role("option", name="synthetic", exact=True).click()
    await page.get_by_label("Person").fill("misspelt")
    await page.get_by_role("button", name="Erase for good").click()
    await expect(page.locator("[data-unknown]")).to_contain_text("Nobody called misspelt is known")
    await page.get_by_role("button", name="Keep", exact=True).click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert await product.count("erasures") == 0
    await page.get_by_label("Person").fill(who["username"])
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Export").click()
    given = json.loads(await asyncio.to_thread((await (await download.value).path()).read_text))
    assert given["platform_id"] == who["platform_id"]
    assert given["tables"]["leads"]["rows"]
    await page.get_by_role("button", name="Erase for good").click()
    await page.get_by_role("button", name="Remove", exact=True).click()
    receipt = page.locator("[data-erasure][data-state=done]")
    await expect(receipt).to_contain_text("1 profiles_raw", timeout=60_000)
    assert await product.count("leads", f"platform_id = '{who['platform_id']}'") == 0
    await looks(product, page, "/privacy", "Privacy", folder)


async def _command_line(product: Product, tmp_path: Path) -> None:
    who = (await product.rows("select platform_id from leads order by id limit 1"))[0]
    person = f"synthetic:{who['platform_id']}"
    out = tmp_path / "person.json"
    assert "rows" in await omni(product, "person", "export", person, "--out", str(out))
    assert json.loads(await asyncio.to_thread(out.read_text))["tables"]["profiles_raw"]["rows"]
    receipt = json.loads(await omni(product, "person", "erase", person, "--yes", "--json"))
    assert (receipt["state"], receipt["removed"]["profiles_raw"]) == ("done", 1)
    assert await product.count("profiles_raw", f"platform_id = '{who['platform_id']}'") == 0
    assert "/hook" in await omni(product, "webhooks", "list")


async def omni(product: Product, *arguments: str) -> str:
    """Run a command against the product's API; return what it prints."""
    port = product.api_url.rpartition(":")[2]
    known = {n: v for n, v in os.environ.items() if not n.startswith("OMNI_")}
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "omni.cli.main", *arguments],
        env=known | {"OMNI_API_PORT": port},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


async def looks(product: Product, page: Page, path: str, heading: str, folder: Path) -> None:
    """Look at a page on a desk in the light, and on a phone in the dark."""
    for scheme, width in (("light", 1_200), ("dark", 390)):
        await page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]
        await page.set_viewport_size({"width": width, "height": 900})
        await open_page(product, page, path, heading)
        await stays_within(page, width)
        await shoot(page, folder, f"{heading.lower()}-{scheme}")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1_200, "height": 900})
