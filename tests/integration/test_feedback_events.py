"""Events are recorded once, matched to what they answer, and lead to what must follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from omni.base.errors import NotFound, Transient
from omni.connectors.synthetic.inbox import SyntheticInbox
from omni.connectors.synthetic.sender import SyntheticSender
from omni.connectors.types import Credentials, InboxEvent, InboxPage
from omni.dispatch import accounts_store
from omni.dispatch import store as messages
from omni.dispatch.drafting_work import draft
from omni.dispatch.types import Account
from omni.dispatch.work import dispatch
from omni.feedback import store
from omni.feedback.plan import consequences
from omni.feedback.types import RecordedEvent
from omni.feedback.work import MAX_EVENTS, MAX_PAGES, read_inbox
from omni.leads import store as leads
from omni.leads import suppressions_store as suppressions
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    MINUTE,
    NOW,
    VAULT,
    CountingSender,
    MovingClock,
    add_account,
    add_campaign,
    add_leads,
    approve_all,
    ready,
    rows,
    run,
    states,
)
from tests.synthetic_fixtures import quick_client, running_network

ME = Credentials("me")
HOUR = timedelta(hours=1)


def event(number: int = 1, **changes: Any) -> InboxEvent:
    fields: dict[str, Any] = {
        "event_id": f"e{number}",
        "kind": "interested",
        "platform_id": f"p{number}",
        "text": "tell me more",
        "occurred_at": NOW + MINUTE,
    }
    return InboxEvent(**(fields | changes))


async def test_the_words_of_older_conversations_are_not_kept(db: Database) -> None:
    account = await _sent(db, 1)
    letters = [
        event(1, kind="replied", text="See you tonight, love", occurred_at=NOW - 2 * HOUR),
        event(2, kind="replied", text="Stop writing to me", occurred_at=NOW - 2 * HOUR),
        event(3, kind="replied", text="Thanks for that"),
    ]
    events, cursor = await read_inbox(db, PagedInbox(letters), account, ME)
    assert [(each.kind, each.text) for each in events] == [
        ("replied", None), ("opt_out", None), ("replied", "Thanks for that"),
    ]  # fmt: skip
    async with db.transaction() as tx:
        await store.record(tx, account.id, events, cursor, NOW)
    kept = await rows(db, "select platform_id, kind, body from feedback_events order by id")
    assert [row["body"] for row in kept] == [None, None, "Thanks for that"]
    unread = await rows(db, "select platform_id from threads where unread")
    assert [row["platform_id"] for row in unread] == ["p3"], "old ones are news to nobody"


@dataclass
class PagedInbox:
    """An inbox in memory: the cursor is how many events were read."""

    events: list[InboxEvent]
    page: int = 2
    polls: list[str | None] = field(default_factory=list[Any])
    fault: Callable[[int], Exception | None] = lambda _: None
    platform: str = "synthetic"

    async def poll(self, owner: Credentials, cursor: str | None) -> InboxPage:
        self.polls.append(cursor)
        if fault := self.fault(len(self.polls)):
            raise fault
        start = int(cursor or 0)
        end = start + self.page
        return InboxPage(tuple(self.events[start:end]), str(end), end < len(self.events))


async def _sent(db: Database, count: int) -> Account:
    """Have messages sent to `p1`, `p2`, …"""
    clock = MovingClock()
    await ready(db, count)
    account = await add_account(db, hourly=100, daily=100)
    assert (await run(db, CountingSender(clock), clock)).sent == count
    return account


async def test_events_are_recorded_once_and_matched(db: Database) -> None:
    account = await _sent(db, 3)
    both = [event(1), event(2, in_reply_to="m2"), event(9, platform_id="stranger")]
    first = await store.record(db, account.id, both, "c1", NOW)
    assert [e.event_id for e in first] == ["e1", "e2", "e9"]
    matched = await rows(db, "select * from messages order by id limit 2")
    assert [(e.message_id, e.lead_id, e.campaign_id, e.profile_id) for e in first[:2]] == [
        (m["id"], m["lead_id"], m["campaign_id"], m["profile_id"]) for m in matched
    ]
    stranger = first[2]
    assert (stranger.message_id, stranger.lead_id, stranger.platform_id) == (None, None, "stranger")
    again = await store.record(db, account.id, [*both, event(3), event(3)], "c2", NOW)
    assert [e.event_id for e in again] == ["e3"]
    assert await store.get_cursor(db, account.id) == "c2"
    await store.record(db, account.id, [], None, NOW)
    assert await store.get_cursor(db, account.id) == "c2"
    other = await add_account(db, handle="you")
    assert len(await store.record(db, other.id, [event(1)], None, NOW)) == 1
    with pytest.raises(NotFound):
        await store.record(db, 99, [], None, NOW)


async def test_an_event_belongs_to_the_message_it_answers_else_to_the_newest(db: Database) -> None:
    account = await _sent(db, 1)
    other = await add_account(db, handle="you")
    await rows(
        db,
        "insert into messages (campaign_id, platform, platform_id, username, body, body_hash,"
        " state, account_id, platform_message_id, claimed_at)"
        " select 50 + n, 'synthetic', 'p1', 'p1', 'x', 'x', state, account, 'other' || n,"
        " :now::timestamptz + n * interval '1 hour'"
        " from unnest(array['sent', 'sent', 'pending'], array[:mine, :theirs, :mine]::bigint[])"
        " with ordinality as o (state, account, n)",
        now=NOW,
        mine=account.id,
        theirs=other.id,
    )
    events = [
        event(1, event_id="a", in_reply_to="m1"),
        event(1, event_id="b"),
        event(1, event_id="c", in_reply_to="other2"),
        event(2, event_id="d", in_reply_to="m1"),
    ]
    recorded = {e.event_id: e for e in await store.record(db, account.id, events, None, NOW)}
    first = (await rows(db, "select campaign_id from messages order by id limit 1"))[0]
    assert recorded["a"].campaign_id == first["campaign_id"]
    assert recorded["b"].campaign_id == 51
    assert recorded["c"].campaign_id == 52
    assert recorded["d"].message_id is None, "another person cannot answer for them"


async def test_two_sweeps_at_once_record_each_event_once(db: Database) -> None:
    account = await _sent(db, 20)
    events = [event(n) for n in range(1, 21)]

    async def sweep() -> list[RecordedEvent]:
        async with db.transaction() as tx:
            return await store.record(tx, account.id, events, "c", NOW)

    found = await asyncio.gather(*(sweep() for _ in range(5)))
    assert sorted(e.event_id for new in found for e in new) == sorted(e.event_id for e in events)


async def test_reading_goes_on_from_the_recorded_cursor_and_loses_nothing(db: Database) -> None:
    account = await add_account(db)
    inbox = PagedInbox([event(n, kind="replied", text="Unsubscribe") for n in range(5)])
    events, cursor = await read_inbox(db, inbox, account, ME)
    assert [e.kind for e in events] == ["opt_out"] * 5
    assert inbox.polls == [None, "2", "4"]
    again, _ = await read_inbox(db, inbox, account, ME)
    assert again == events, "what was not recorded comes again"
    await store.record(db, account.id, events, cursor, NOW)
    assert await read_inbox(db, inbox, account, ME) == ([], "8")


async def test_reading_is_bounded_and_keeps_what_it_has(db: Database) -> None:
    account = await add_account(db)
    endless = PagedInbox([event(n) for n in range(100_000)], page=10)
    events, cursor = await read_inbox(db, endless, account, ME)
    assert (len(events), len(endless.polls), cursor) == (10 * MAX_PAGES, MAX_PAGES, "200")
    wide = PagedInbox(endless.events, page=1_500)
    assert len((await read_inbox(db, wide, account, ME))[0]) < MAX_EVENTS + 1_500

    def broken(poll: int) -> Exception | None:
        return Transient("away") if poll == 2 else None

    half = PagedInbox(endless.events, page=10, fault=broken)
    events, cursor = await read_inbox(db, half, account, ME)
    assert (len(events), cursor) == (10, "10")
    with pytest.raises(Transient):
        await read_inbox(db, PagedInbox([], fault=lambda _: Transient("away")), account, ME)


async def test_hostile_events_are_stored_as_text(db: Database) -> None:
    account = await add_account(db)
    hostile = event(
        event_id="x" * 100_000,
        kind="replied",
        platform_id="p\0'; drop table leads",
        text="\0\ud800<script>" + "y" * 50_000,
        occurred_at=NOW + timedelta(days=9_000),
        in_reply_to="\0",
    )
    events, cursor = await read_inbox(db, PagedInbox([hostile]), account, ME, clock=lambda: NOW)
    await store.record(db, account.id, events, cursor, NOW)
    (row,) = await rows(db, "select * from feedback_events")
    assert row["body"].startswith("<script>yyy")
    assert len(row["body"]) == 10_000
    assert (row["platform_id"], row["occurred_at"]) == ("p'; drop table leads", NOW)


async def test_people_of_ours_are_recorded_too_and_replies_are_counted(db: Database) -> None:
    account = await _sent(db, 4)
    lead_id = (await rows(db, "select min(id) as id from leads"))[0]["id"]
    lead = await leads.get_lead(db, lead_id)
    for expected in (True, False):
        written = await store.record_person(db, lead=lead, kind="accepted", now=NOW, event_id="d1")
        assert written is expected
    campaign_id = lead.campaign_id
    assert await store.count_replied(db, campaign_id) == 0
    events = [
        event(1), event(1, event_id="more"), event(2, kind="out_of_office"),
        event(3, kind="not_interested"), event(4, kind="delivered"),
    ]  # fmt: skip
    await store.record(db, account.id, events, None, NOW)
    assert await store.count_replied(db, campaign_id) == 2
    assert await store.count_replied(db, campaign_id + 1) == 0


async def test_replies_of_a_real_network_stop_and_suppress(db: Database, tmp_path: Path) -> None:
    """Send to many people over HTTP, read their answers, and write what follows in one go."""
    clock = MovingClock()
    campaign, later = await add_campaign(db), await add_campaign(db, name="Later")
    await add_leads(db, campaign, 120, prefix="syn:")
    await draft(db, campaign, now=NOW)
    await approve_all(db, campaign)
    account = await add_account(db, hourly=500, daily=500, secret=None)
    with running_network(tmp_path / "network.sqlite", reply_delay_s=0.01) as url:
        async with quick_client() as http:
            sender, inbox = SyntheticSender(http, url), SyntheticInbox(http, url)
            report = await dispatch(
                db, {"synthetic": sender}, VAULT, clock=clock, report=lambda _: None
            )
            assert report.sent > 60
            assert report.sent + report.held["recipient"] == 120
            await rows(
                db,
                "insert into messages (campaign_id, platform, platform_id, username, body,"
                " body_hash) select :id, platform, platform_id, username, 'x', 'x' from messages",
                id=later.id,
            )
            await asyncio.sleep(0.1)
            credentials = await accounts_store.credentials(db, account.id, VAULT)
            events, cursor = await read_inbox(db, inbox, account, credentials)
    async with db.transaction() as tx:
        new = await store.record(tx, account.id, events, cursor, NOW)
        outcome = consequences(new)
        await leads.mark_replied(tx, outcome.replied_leads, now=NOW)
        for person in outcome.suppress:
            await suppressions.suppress(tx, **asdict(person), now=NOW)
        for person in outcome.cancel:
            await messages.cancel_for_person(tx, **asdict(person), now=NOW)
    kinds = [e.kind for e in new]
    assert {"delivered", "interested", "not_interested", "opt_out", "out_of_office"} <= set(kinds)
    assert kinds.count("delivered") == report.sent
    assert all(e.message_id is not None for e in new)
    people = {e.platform_id for e in new if e.kind not in ("delivered", "out_of_office")}
    assert len(outcome.replied_leads) == len(outcome.cancel) == len(people)
    assert len(outcome.suppress) == kinds.count("opt_out")
    assert await store.count_replied(db, campaign.id) == len(people)
    assert (await leads.count_by_state(db, campaign.id))["replied"] == len(people)
    assert await states(db) == {
        "sent": report.sent,
        "approved": report.held["recipient"],
        "cancelled": len(people),
        "pending": 120 - len(people),
    }
