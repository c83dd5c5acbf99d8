"""The inbox in a real browser: read, taken for something else, answered, told in a terminal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from omni.base.clock import utc_now
from omni.feedback.signing import signature_of
from tests.conftest import require
from tests.e2e.looks import is_readable, stays_within
from tests.e2e.product import Product, running_product
from tests.e2e.test_ui import CHROMIUM, HOSTILE, browser, open_page, pictures_of, shoot
from tests.e2e.test_ui_privacy import omni

HOSTILE_REPLY = f"{HOSTILE} [a](javascript:alert(1)) \u001b[31mred and what is this about?"
NAMES = {"ann": HOSTILE, "bob": "bob", "cat": "cat"}

_SENT = """
    insert into messages (campaign_id, platform, platform_id, username, body, body_hash, state,
        account_id, claimed_at, sending_at, sent_at)
    values ({campaign}, 'synthetic', '{person}', '{name}', 'Hi {person}, may I ask you something?',
        'h', 'sent', {account}, now() - interval '1 hour', now() - interval '1 hour',
        now() - interval '1 hour')
    returning id
"""


@dataclass(frozen=True, slots=True)
class Sender:
    """A sender of the user's own, which hands in what comes back."""

    api_url: str
    secret: str

    async def deliver(self, name: str, minutes_ago: int, **said: str) -> None:
        """Hand in people's words, one event each, a minute apart."""
        now = utc_now()
        events = [
            {
                "id": f"{name}-{who}",
                "kind": "replied",
                "platform_id": who,
                "text": text,
                "occurred_at": (now - timedelta(minutes=minutes_ago - place)).isoformat(),
            }
            for place, (who, text) in enumerate(said.items())
        ]
        body, stamp = json.dumps({"events": events}).encode(), str(int(now.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": stamp,
            "webhook-signature": signature_of(self.secret, name, stamp, body),
        }
        async with httpx.AsyncClient(base_url=self.api_url) as http:
            answer = await http.post("/webhooks/sender", content=body, headers=headers)
        assert answer.json() == {"recorded": len(said), "known": 0}, answer.text


@pytest.mark.browser
@pytest.mark.xdist_group("product")
async def test_replies_are_read_classed_and_answered_by_a_person(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    require(bool(CHROMIUM), "a Chromium (Debian: apt-get install chromium)")
    async with (
        running_product(tmp_path, database_url, valkey_url, queue_prefix) as product,
        browser() as page,
    ):
        folder = pictures_of(tmp_path)
        sender = await _fill(product)
        await _list(product, page, folder)
        await _answered(product, page, sender, folder)
        await _opted_out(product, page, folder)
        await _in_a_terminal(product)


async def _fill(product: Product) -> Sender:
    """Have people of two campaigns write back, by signed webhook."""
    api = product.api
    criteria = {"field": "followers", "op": ">=", "value": 1_000_000_000}
    climbers = await api.create_campaign(name="Climbers", criteria=criteria)
    sailors = await api.create_campaign(name="Sailors", criteria=criteria)
    account = await api.create_account(platform="synthetic", handle="me", secret="token-of-me")
    for person, campaign in (("ann", climbers), ("bob", climbers), ("cat", sailors)):
        await product.rows(
            _SENT.format(
                campaign=campaign.id, person=person, name=NAMES[person], account=account.id
            )
        )
    async with httpx.AsyncClient(base_url=product.api_url) as http:
        source = {"name": "sender", "account_id": account.id}
        made = await http.post("/webhook-sources", json=source)
    sender = Sender(product.api_url, made.json()["secret"])
    await sender.deliver("d1", 30, ann=HOSTILE_REPLY, bob="Sounds great, tell me more", cat="?")
    return sender


async def _list(product: Product, page: Page, folder: Path) -> None:
    """Newest first, all new; what strangers wrote is text."""
    cards = page.locator("[data-thread]")
    await open_page(product, page, "/", "Campaigns")
    await page.locator("header").get_by_role("link", name="Inbox").click()
    await expect(cards).to_have_count(3)
    await expect(cards.nth(0)).to_contain_text("cat")
    await expect(cards.nth(1)).to_contain_text("interested")
    await expect(cards.nth(2)).to_contain_text(HOSTILE)
    await expect(page.locator("[data-unread=true]")).to_have_count(3)
    await expect(page.locator("[data-waiting]")).to_have_text("3")
    await _is_only_text(page)
    await _looks(product, page, "/inbox", "Inbox", folder, "inbox")
    for shown, count in (("interested", 1), ("converted", 0), ("unread", 3)):
        await page.get_by_role("button", name=shown, exact=True).click()
        await expect(cards).to_have_count(count)
    for shown, count in (("Sailors", 1), ("All campaigns", 3)):
        await page.get_by_label("Campaign").click()
        await page.get_by_role("option", name=shown, exact=True).click()
        await expect(cards).to_have_count(count)


async def _answered(product: Product, page: Page, sender: Sender, folder: Path) -> None:
    """An answer waits for approval like any message, and another word of theirs asks again."""
    await page.locator("[data-thread]").nth(2).get_by_role("link").click()
    await expect(page.locator("[data-next]")).to_contain_text("Read it and answer")
    await expect(page.locator("[data-message]")).to_contain_text("Hi ann, may I ask you something?")
    reply = page.locator("[data-event]")
    await expect(reply).to_contain_text("and what is this about?")
    await expect(reply).to_contain_text("says rules")
    await _is_only_text(page)
    await page.get_by_label("Answer").fill("About climbing, of course.")
    await page.get_by_role("button", name="Write answer").click()
    follows = page.locator("[data-next]")
    await expect(follows).to_contain_text("follow-ups are stopped, in all campaigns")
    await expect(follows).to_contain_text("A message waits for approval")
    path = page.url.removeprefix(product.ui_url)
    await _looks(product, page, path, HOSTILE, folder, "conversation")
    assert await product.count("threads", "unread") == 2
    await expect(page.locator("[data-waiting]")).to_have_text("2")
    answer = page.locator("[data-message]").last
    await expect(answer.locator("textarea")).to_have_value("About climbing, of course.")
    await page.get_by_label("Answer").fill("half a thou")
    await sender.deliver("d2", 1, ann="Who are you?")
    await page.get_by_role("button", name="Show what is new").click(timeout=30_000)
    await expect(page.locator("[data-event]")).to_have_count(2)
    await expect(page.get_by_label("Answer")).to_have_value("half a thou")
    await answer.get_by_role("button", name="Approve").click()
    await expect(follows).not_to_contain_text("waits for approval")
    (row,) = await product.rows("select approved_by, body from messages where step > 0")
    assert (row["approved_by"], row["body"]) == ("person", "About climbing, of course.")


async def _opted_out(product: Product, page: Page, folder: Path) -> None:
    """What a person says suppresses at once, and taking it back lifts nothing."""
    await open_page(product, page, "/inbox", "Inbox")
    await page.get_by_role("link", name="bob").click()
    await _say(page, page.locator("[data-event]"), "opt out", "told me on the phone", folder)
    await expect(page.locator("[data-event]")).to_contain_text("says a person")
    await expect(page.locator("[data-event]")).to_contain_text("told me on the phone")
    await expect(page.locator("[data-next]")).to_contain_text("They are suppressed")
    await expect(page.locator("[data-no-answer]")).to_contain_text("They are suppressed")
    await expect(page.get_by_label("Answer")).not_to_be_visible()
    assert await product.count("suppressions", "platform_id = 'bob'") == 1
    await _say(page, page.locator("[data-event]"), "interested", "", folder)
    await expect(page.locator("[data-event]")).to_contain_text("opt out → interested")
    await expect(page.locator("[data-next]")).to_contain_text("They are suppressed")
    assert await product.count("suppressions", "platform_id = 'bob'") == 1
    await open_page(product, page, "/inbox/999", "There is no conversation 999")


async def _say(page: Page, reply: Locator, kind: str, why: str, folder: Path) -> None:
    await reply.get_by_role("button", name="It means something else").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("suppresses at once")
    await expect(dialog).to_contain_text("does not lift the suppression")
    await shoot(page, folder, "inbox-class")
    await dialog.get_by_label("Class").click()
    await page.get_by_role("option", name=kind, exact=True).click()
    await dialog.get_by_label("Why?").fill(why)
    await dialog.get_by_role("button", name="Say so").click()
    await expect(dialog).to_have_count(0)


async def _in_a_terminal(product: Product) -> None:
    listed = await omni(product, "inbox")
    assert "\u001b" not in listed
    threads = json.loads(await omni(product, "inbox", "--json"))
    assert [each["platform_id"] for each in threads] == ["ann", "cat", "bob"]
    unread = json.loads(await omni(product, "inbox", "--unread", "--json"))
    assert [each["platform_id"] for each in unread] == ["cat"]
    assert "cat" not in await omni(product, "inbox", "--class", "interested")
    shown = await omni(product, "inbox", str(threads[0]["id"]))
    assert "Hi ann, may I ask you something?" in shown
    assert "About climbing, of course." in shown
    assert "\u001b" not in shown
    assert "Suppressed (person)" in await omni(product, "inbox", str(threads[2]["id"]))


async def _is_only_text(page: Page) -> None:
    assert await page.locator("img[src=x], a[href^='javascript']").count() == 0
    assert await page.title() != "1"


async def _looks(
    product: Product, page: Page, path: str, heading: str, folder: Path, name: str
) -> None:
    """Look at a page on a desk in the light and in the dark, and on a phone in both."""
    for scheme, width in (("light", 1_200), ("dark", 1_200), ("dark", 390), ("light", 390)):
        await page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]
        await page.set_viewport_size({"width": width, "height": 900})
        await open_page(product, page, path, heading)
        await expect(page.locator("[data-thread], [data-event]").first).to_be_visible()
        await stays_within(page, width)
        await is_readable(page, ".omni-page .q-badge, .omni-page .omni-text")
        await shoot(page, folder, f"{name}-{scheme}-{width}")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1_200, "height": 900})
    await open_page(product, page, path, heading)
