"""Every page of the UI in a real browser: it shows the data, and its buttons do what they say."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from omni.api.store import create_key
from omni.base.clock import utc_now
from tests.conftest import require
from tests.e2e.five_steps import finished, settled
from tests.e2e.looks import is_readable, stays_within
from tests.e2e.product import Product, running_product
from tests.synthetic_fixtures import break_network, mend_network

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
HOSTILE = '<img src=x onerror="document.title=1"> & <b>bold</b>'
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_each_page_shows_its_data(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with (
        running_product(tmp_path, database_url, valkey_url, queue_prefix) as product,
        browser() as page,
    ):
        campaign_id = await _fill(product)
        pictures = pictures_of(tmp_path)
        await _campaigns(product, page, pictures)
        await _campaign(product, page, campaign_id, pictures)
        await _discover(page, pictures)
        await _limits(product, page, campaign_id)
        await _messages(product, page, campaign_id, pictures)
        await _jobs(product, page, pictures)
        await _crawl(product, page, campaign_id, pictures)
        await _hosts(product, page, pictures)
        await _accounts(product, page, pictures)
        await _nothing_there(product, page)
        await _log_in(product, page, pictures)
        await _phone(product, page, campaign_id, pictures)
        await _dark(product, page, campaign_id, pictures)


@asynccontextmanager
async def browser() -> AsyncGenerator[Page]:
    """Open a page of a Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = await browser.new_page(viewport={"width": 1200, "height": 900})
            yield page
        finally:
            await browser.close()


def pictures_of(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("OMNI_SCREENSHOTS", tmp_path / "screenshots")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def _fill(product: Product) -> int:
    """Make a campaign with leads, messages and an account, as its user would."""
    campaign = await product.api.create_campaign(
        name=HOSTILE,
        brief="people who research the climate",
        criteria={"field": "followers", "op": ">=", "value": 0},
        threshold=0.0,
        message_template="Hi {{ name }}, may I ask you something?",
    )
    started = await product.api.discover(
        campaign.id, platform="synthetic", seed_type="search", seed_value="climate"
    )
    await finished(product, str(started.job_id))
    await settled(product)
    qualified = await product.api.qualify(campaign.id)
    await finished(product, str(qualified.job_id))
    drafting = await product.rows("select id from jobs where kind = 'dispatch.draft'")
    await finished(product, str(drafting[0]["id"]))
    await product.api.create_account(
        platform="synthetic",
        handle="me",
        secret="token-of-me",
        hourly_limit=2,
        daily_limit=4,
        warmup_from=None,
    )
    return campaign.id


async def open_page(product: Product, page: Page, path: str, heading: str) -> None:
    await page.goto(product.ui_url + path)
    await expect(page.get_by_text(heading, exact=True).first).to_be_visible(timeout=15_000)


async def shoot(page: Page, folder: Path, name: str) -> None:
    picture = folder / f"{name}.png"
    await page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 5_000


async def _campaigns(product: Product, page: Page, pictures: Path) -> None:
    await open_page(product, page, "/", "Campaigns")
    await expect(page.get_by_text(HOSTILE, exact=True)).to_be_visible()
    assert await page.locator("img[src=x]").count() == 0
    assert await page.title() == "Campaigns · Omni"
    await shoot(page, pictures, "campaigns")


async def _campaign(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    status = await product.api.campaign_status(campaign_id)
    best = (await product.api.leads(campaign_id, limit=1)).items[0]
    await open_page(product, page, f"/campaigns/{campaign_id}", HOSTILE)
    for stage in ("discovered", "candidates", "judged", "leads"):
        shown = page.locator(f"[data-stage={stage}]")
        await expect(shown).to_have_text(f"{getattr(status.funnel, stage):,}")
    card = page.locator(f"[data-lead='{best.id}']")
    await expect(card).to_contain_text(best.reasons[0].evidence.strip()[:40])
    await shoot(page, pictures, "campaign")
    await card.get_by_role("button", name="Accept").click()
    await expect(card.get_by_text("accepted", exact=True)).to_be_visible()
    assert (await product.api.get_lead(best.id)).state == "accepted"
    await card.get_by_role("button", name="History").click()
    told = page.get_by_role("dialog").filter(has_text="What became of")
    await expect(told).to_contain_text("new → accepted")
    await page.keyboard.press("Escape")
    await expect(told).to_be_hidden()


async def _limits(product: Product, page: Page, campaign_id: int) -> None:
    """The form sets a day's limits of the judge, shows them again, and takes them back."""
    shown = ("", "")
    for typed, limits in ((("7", "0.25"), (7, 0.25)), (("", ""), (None, None))):
        await open_page(product, page, f"/campaigns/{campaign_id}", HOSTILE)
        await page.get_by_role("button", name="Change", exact=True).click()
        form = page.get_by_role("dialog")
        labels = ("Calls a day", "Cost a day")
        for label, before, text in zip(labels, shown, typed, strict=True):
            field = form.get_by_label(label)
            await expect(field).to_have_value(re.compile(f"^{re.escape(before)}0*$"))
            await field.fill(text)
        shown = typed
        await expect(form.get_by_text(re.compile("known people fit"))).to_be_visible(timeout=60_000)
        for label, text in zip(labels, typed, strict=True):
            await expect(form.get_by_label(label)).to_have_value(text)
        await form.get_by_role("button", name="Save").click()
        for _ in range(100):
            campaign = await product.api.get_campaign(campaign_id)
            if (campaign.daily_call_limit, campaign.daily_cost_limit) == limits:
                break
            await page.wait_for_timeout(100)
        await expect(form).to_have_count(0, timeout=30_000)
        campaign = await product.api.get_campaign(campaign_id)
        assert (campaign.daily_call_limit, campaign.daily_cost_limit) == limits


async def _discover(page: Page, pictures: Path) -> None:
    """The dialog says whom each kind of seed leads to, with an example."""
    await page.get_by_role("button", name="Discover").click()
    dialog = page.get_by_role("dialog")
    for shown, chosen, about, example in (
        ("search", "hashtag", "posts carry this hashtag; needs an account", "#solar"),
        (
            "hashtag",
            "starter_pack",
            "The people of a starter pack",
            "https://bsky.app/starter-pack",
        ),
    ):
        await dialog.get_by_text(shown, exact=True).click()
        await page.get_by_role("option", name=chosen, exact=True).click()
        await expect(dialog.locator("[data-about]")).to_contain_text(about)
        value = dialog.get_by_label("Whom, or which words")
        await expect(value).to_have_attribute("placeholder", re.compile(f"^{re.escape(example)}"))
    await shoot(page, pictures, "discover")
    await page.set_viewport_size({"width": 390, "height": 844})
    box = await dialog.locator(".q-card").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    await shoot(page, pictures, "discover-phone")
    await page.set_viewport_size({"width": 1200, "height": 900})
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_be_hidden()


async def _messages(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    await page.get_by_role("tab", name="Messages").click()
    first = (await product.api.messages(campaign_id, state="pending", limit=1)).items[0]
    card = page.locator(f"[data-message='{first.id}']")
    await expect(card.locator("textarea")).to_have_value(first.body)
    await shoot(page, pictures, "messages")
    await card.locator("textarea").fill("Hello, edited by a person.")
    await card.get_by_role("button", name="Approve").click()
    await expect(card.get_by_text("Hello, edited by a person.", exact=True)).to_be_visible()
    rows = await product.rows(
        f"select body, body_hash, approved_hash from messages where id = {first.id}"
    )
    assert rows[0]["body"] == "Hello, edited by a person."
    assert rows[0]["approved_hash"] == rows[0]["body_hash"]
    for answer, state in (("It arrived", "sent"), ("It did not arrive", "failed")):
        await _settle(product, page, campaign_id, answer, state)


async def _settle(product: Product, page: Page, campaign_id: int, answer: str, state: str) -> None:
    """Say what became of a message that a lost worker left in doubt."""
    doubtful = (await product.api.messages(campaign_id, state="pending", limit=1)).items[0]
    await product.rows(
        "update messages set state = 'ambiguous', sending_at = now()"
        f" where id = {doubtful.id} returning id"
    )
    for name in ("pending", "ambiguous"):
        chosen = page.get_by_role("button", name=name, exact=True)
        await chosen.click()
        await expect(chosen).to_have_attribute("aria-pressed", "true")
    card = page.locator(f"[data-message='{doubtful.id}']")
    await card.get_by_role("button", name=answer, exact=True).click()
    await expect(card.get_by_text(state, exact=True)).to_be_visible()
    rows = await product.rows(f"select state from messages where id = {doubtful.id}")
    assert [row["state"] for row in rows] == [state]


async def _jobs(product: Product, page: Page, pictures: Path) -> None:
    await open_page(product, page, "/jobs", "Jobs")
    await expect(page.get_by_text("crawl.seed", exact=True).first).to_be_visible()
    await expect(page.get_by_text("qualify.campaign", exact=True).first).to_be_visible()
    await shoot(page, pictures, "jobs")


async def _hosts(product: Product, page: Page, pictures: Path) -> None:
    await open_page(product, page, "/hosts", "Hosts")
    # The crawler tells of the synthetic network every ten seconds.
    told = page.get_by_text(re.compile(r"crawler@.+ ago"))
    await expect(told.first).to_be_visible(timeout=60_000)
    await expect(page.get_by_text(re.compile(r"\d+ requests · ")).first).to_be_visible()
    await expect(page.get_by_text("may be asked", exact=True).first).to_be_visible()
    await shoot(page, pictures, "hosts")
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await shoot(page, pictures, "hosts-phone")
    await page.set_viewport_size({"width": 1200, "height": 900})


async def _crawl(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    """Start a crawl within bounds, follow it, and stop it."""
    await open_page(product, page, f"/campaigns/{campaign_id}", HOSTILE)
    await page.get_by_role("button", name="Discover").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Platform").click()
    await page.get_by_role("option", name="synthetic").click()
    await dialog.get_by_label("Whom, or which words").fill("de")
    await dialog.get_by_text("More bounds").click()
    await dialog.get_by_label("Levels of followers").fill("1")
    await dialog.get_by_label("Followers of each person").fill("7")
    await shoot(page, pictures, "discover")
    await page.set_viewport_size({"width": 390, "height": 800})
    await shoot(page, pictures, "discover-phone")
    await page.set_viewport_size({"width": 1200, "height": 900})
    slow = partial(break_network, path="/", mode="slow", seconds=10.0, times=1_000)
    await asyncio.to_thread(slow, product.network_url)
    await dialog.get_by_role("button", name="Start").click()
    await expect(page.get_by_text("Discovering: see Jobs")).to_be_visible()
    started = (await product.api.list_jobs(campaign_id=campaign_id)).items
    crawl = next(job for job in started if job.kind == "crawl.seed" and job.state != "succeeded")
    assert (crawl.args["config"]["max_depth"], crawl.args["config"]["max_breadth"]) == (1, 7)
    await open_page(product, page, "/jobs", "Jobs")
    row = page.locator(f"[data-job='{crawl.id}']")
    await expect(row.get_by_text("resumed 0")).to_be_visible(timeout=60_000)
    await shoot(page, pictures, "crawl-running")
    await row.get_by_role("button", name="Cancel this job").click()
    await finished(product, str(crawl.id), "cancelled")
    await asyncio.to_thread(mend_network, product.network_url)


async def _accounts(product: Product, page: Page, pictures: Path) -> None:
    await open_page(product, page, "/accounts", "Accounts")
    await expect(page.get_by_text("2 an hour, 4 a day")).to_be_visible()
    await shoot(page, pictures, "accounts")
    await page.get_by_role("button", name="Pause").click()
    await page.locator(".q-dialog").get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("paused", exact=True)).to_be_visible()
    assert [account.status for account in await product.api.list_accounts()] == ["paused"]


async def _nothing_there(product: Product, page: Page) -> None:
    """Addresses without a page say so, as pages of ours."""
    for path, status, told in (
        ("/campaigns/999", 200, "There is no campaign 999"),
        ("/campaigns/999/drafts", 200, "There is no campaign 999"),
        ("/campaigns/one", 404, "There is no such page"),
        ("/campaigns/one/drafts", 404, "There is no such page"),
        ("/nope", 404, "There is no such page"),
    ):
        answer = await page.goto(product.ui_url + path)
        assert answer
        assert answer.status == status
        await expect(page.locator("[data-missing]")).to_have_text(told, timeout=15_000)
        await expect(page.get_by_role("link", name="All campaigns")).to_be_visible()


async def _log_in(product: Product, page: Page, pictures: Path) -> None:
    """The page that asks for a key where the UI listens for other machines; it is here, too."""
    _, known = await create_key(product.db, name="ann", scopes=["read"], now=utc_now())
    for scheme, width in (("light", 1_200), ("dark", 390)):
        await page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]
        await page.set_viewport_size({"width": width, "height": 900})
        await open_page(product, page, "/login", "Log in with an API key")
        await stays_within(page, width)
        await is_readable(page, ".q-btn, .text-2xl")
        await shoot(page, pictures, f"login-{scheme}")
    for wrong in ("", "omni_nobodys"):
        await page.get_by_label("API key").fill(wrong)
        await page.get_by_role("button", name="Log in").click()
        told = page.locator(".q-notification").filter(has_text="omni keys create")
        await expect(told).to_have_count(1)
        await told.get_by_role("button").click()
        await expect(told).to_have_count(0)
        assert page.url.endswith("/login")
    await page.get_by_label("API key").fill(known)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_text(HOSTILE, exact=True)).to_be_visible(timeout=15_000)
    await open_page(product, page, "/login", "Log in with an API key")
    await page.get_by_role("button", name="Log out").click()
    await expect(page).to_have_url(f"{product.ui_url}/")
    await page.emulate_media(color_scheme="light")


async def _phone(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    """On a phone nothing is cut off: every button is within the screen's width."""
    await page.set_viewport_size({"width": 390, "height": 844})
    await open_page(product, page, "/jobs", "Jobs")
    await expect(page.get_by_text("crawl.seed", exact=True).first).to_be_visible()
    await stays_within(page, 390)
    await shoot(page, pictures, "jobs-phone")
    await open_page(product, page, f"/campaigns/{campaign_id}", HOSTILE)
    card = page.locator("[data-lead]").first
    for name in ("Why?", "Accept", "Reject", "History"):
        await expect(card.get_by_role("button", name=name)).to_be_visible()
    await stays_within(page, 390)
    await shoot(page, pictures, "campaign-phone")
    for tab in ("Messages", "Jobs"):
        await page.get_by_role("tab", name=tab).click()
        last = page.get_by_role("button", name="cancelled", exact=True).last
        await expect(last).to_be_visible()
        await stays_within(page, 390)
    await page.set_viewport_size({"width": 1200, "height": 900})


async def _dark(product: Product, page: Page, campaign_id: int, pictures: Path) -> None:
    await page.emulate_media(color_scheme="dark")
    await open_page(product, page, "/jobs", "Jobs")
    await expect(page.locator("body")).to_have_class(re.compile("body--dark"))
    await expect(page.get_by_text("crawl.seed", exact=True).first).to_be_visible()
    await shoot(page, pictures, "jobs-dark")
    await open_page(product, page, f"/campaigns/{campaign_id}", HOSTILE)
    await expect(page.locator("[data-lead]").first).to_be_visible()
    await is_readable(page, ".q-btn, .q-badge, a, .omni-text")
    await page.get_by_role("button", name="Discover").click()
    await page.get_by_role("dialog").get_by_role("button", name="Start").click()
    await expect(page.locator(".q-notification")).to_contain_text("seed_value")
    await is_readable(page, ".q-notification .q-btn, .q-notification__message")
    await shoot(page, pictures, "notice-dark")
