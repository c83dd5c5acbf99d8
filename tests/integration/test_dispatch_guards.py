"""Who may be written to by whom and when: guards of people, quiet hours, harm, clocks set back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from itertools import pairwise

import pytest

from omni.base.errors import Rejected
from omni.connectors.types import Outgoing
from omni.dispatch import accounts_store
from omni.dispatch.drafting_work import draft
from omni.dispatch.plan import CONVERSATION
from omni.dispatch.work import dispatch
from omni.storage.db import Database
from omni.storage.sql import Query
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
    watched,
)

HOUR, DAY = 60 * MINUTE, timedelta(days=1)


def _test(sql: str) -> Query:
    return Query("test", sql)


async def held(db: Database) -> dict[str, str]:
    found = await rows(db, "select platform_id, held_by from messages where held_by is not null")
    return {row["platform_id"]: row["held_by"] for row in found}


async def test_a_person_stays_with_the_account_that_wrote_first(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 2)
    first = await add_account(db, handle="first", hourly=2, daily=2)
    await run(db, sender, clock)
    assert [handle for _, handle, _ in sender.calls] == ["first", "first"]
    clock.advance(CONVERSATION + DAY)
    await accounts_store.pause_account(db, first.id, reason="rest", by="person", now=clock())
    await add_account(db, handle="second")
    campaign = await add_campaign(db, name="later")
    await add_leads(db, campaign, 3)
    await draft(db, campaign, now=clock())
    await approve_all(db, campaign, clock())
    for _ in range(2):
        await run(db, sender, clock)
    # Only the third person is new; the others wait for their own account, which is paused.
    assert [(handle, out.platform_id) for _, handle, out in sender.calls[2:]] == [("second", "p3")]
    assert await held(db) == {"p1": "account paused", "p2": "account paused"}
    await accounts_store.resume_account(db, first.id, now=clock())
    await run(db, sender, clock)
    assert sorted((h, out.platform_id) for _, h, out in sender.calls[3:]) == [
        ("first", "p1"),
        ("first", "p2"),
    ]


async def test_nobody_is_written_to_twice_within_the_cool_down(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 1)
    await add_account(db)
    await run(db, sender, clock)
    # A step of the same campaign, or a setting of days: nothing else may go before it is over.
    await db.execute(
        _test(
            "insert into messages (campaign_id, lead_id, profile_id, platform, platform_id,"
            " username, step, body, body_hash, approved_hash, state, eligible_at, approved_at)"
            " select campaign_id, lead_id, profile_id, platform, platform_id, username, 1, body,"
            " body_hash, approved_hash, 'approved', sent_at, sent_at from messages"
        )
    )
    for wait in (HOUR, 22 * HOUR):
        clock.advance(wait)
        assert (await run(db, sender, clock)).sent == 0
        assert await held(db) == {"p1": "written to recently"}
    clock.advance(HOUR)
    assert (await run(db, sender, clock)).sent == 1


async def test_an_answered_conversation_is_not_taken_over_however_old(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 1)
    await add_account(db)
    await run(db, sender, clock)
    other = await ready_later(db, clock)
    await db.execute(_test("update leads set state = 'replied' where campaign_id <> :id"), id=other)
    assert (await run(db, sender, clock)).sent == 0
    assert await held(db) == {"p1": "already in conversation"}


async def ready_later(db: Database, clock: MovingClock) -> int:
    """Approve a message of another campaign to the same person, long after the first."""
    clock.advance(CONVERSATION + DAY)
    campaign = await add_campaign(db, name="other")
    await add_leads(db, campaign, 1)
    await draft(db, campaign, now=clock())
    await approve_all(db, campaign, clock())
    return campaign.id


@pytest.mark.parametrize(
    ("pacing", "gate", "opens"),
    [
        # Midday on a Sunday in UTC is Sunday evening in Tokyo.
        ({"zone": "Asia/Tokyo", "quiet_from": 1_200, "quiet_to": 480}, "quiet hours", 11 * HOUR),
        ({"quiet_days": (7,)}, "quiet hours", 12 * HOUR),
        ({"daily": 0, "hourly": 0}, "hourly limit", None),
    ],
)
async def test_an_account_that_may_not_send_now_says_why_and_until_when(
    db: Database, pacing: dict[str, object], gate: str, opens: timedelta | None
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 1)
    await add_account(db, **pacing)  # type: ignore[arg-type]
    report = await run(db, sender, clock)
    assert (report.sent, await held(db)) == (0, {"p1": gate})
    assert report.next_eligible == (opens and NOW + opens)
    if opens:
        clock.advance(opens)
        assert (await run(db, sender, clock)).sent == 1


async def test_gap_week_and_warm_up_hold_in_the_claim(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 40)
    await add_account(
        db, hourly=3, daily=10, weekly_limit=20, gap_s=600, warmup_from=NOW, warmup_first=2,
        warmup_days=4,
    )  # fmt: skip
    for _ in range(9 * 24 * 6):
        await run(db, sender, clock)
        clock.advance(10 * MINUTE)
    at = [moment for moment, _, _ in sender.calls]
    by_day = [sum(n * DAY <= moment - NOW < (n + 1) * DAY for moment in at) for n in range(9)]
    assert by_day == [2, 4, 6, 8, 0, 0, 0, 2, 4]
    assert min(b - a for a, b in pairwise(at)) >= 10 * MINUTE


async def test_a_clock_that_was_set_back_sends_nothing_until_it_has_caught_up(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 3)
    await add_account(db, hourly=1)
    await run(db, sender, clock)
    for back in (5 * MINUTE, 3 * HOUR, 90 * DAY):
        clock.now = NOW - back
        report = await run(db, sender, clock)
        assert report.sent == 0
    clock.now = NOW + 59 * MINUTE
    assert (await run(db, sender, clock)).sent == 0
    clock.advance(MINUTE)
    assert (await run(db, sender, clock)).sent == 1


@pytest.fixture
async def wall(database_url: str) -> AsyncGenerator[tuple[Database, MovingClock]]:
    """A database that sets the clock on by an hour just before the last gate."""
    clock = MovingClock()

    async def hook(moment: str) -> None:
        if moment == "after claim_message":
            clock.advance(HOUR)

    async with watched(database_url, hook) as db:
        yield db, clock


async def test_quiet_hours_that_begin_after_the_claim_still_hold(
    db: Database, wall: tuple[Database, MovingClock]
) -> None:
    slow, clock = wall
    sender = CountingSender(clock)
    await ready(db, 1)
    await add_account(db, quiet_from=13 * 60, quiet_to=14 * 60)
    report = await dispatch(slow, {"synthetic": sender}, VAULT, clock=clock, report=print)
    assert (report.sent, sender.calls) == (0, [])
    assert await held(db) == {"p1": "quiet hours"}


async def test_errors_pause_the_account_in_the_run_and_only_a_person_resumes_it(
    db: Database,
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)

    def answer(message: Outgoing) -> None:
        raise Rejected("spam detected")

    sender.answer = answer
    await ready(db, 30)
    account = await add_account(db, hourly=100, daily=100)
    await run(db, sender, clock)
    assert len(sender.calls) == 10, "a bad account stops in the middle of a run"
    paused = await accounts_store.get_account(db, account.id)
    assert (paused.status, paused.paused_by) == ("paused", "harm")
    assert paused.pause_reason == "10 of its last 10 messages were refused or are in doubt"
    assert set((await held(db)).values()) == {"account paused for harm"}
    clock.advance(30 * DAY)
    await run(db, sender, clock)
    assert len(sender.calls) == 10
    sender.answer = None
    await accounts_store.resume_account(db, account.id, now=clock())
    await run(db, sender, clock)
    assert await states(db) == {"failed": 10, "sent": 20}, "what was before no longer counts"


@pytest.mark.parametrize(
    ("kind", "bad", "paused"),
    [("opt_out", 3, True), ("blocked", 2, True), ("blocked", 1, False), ("replied", 20, False)],
)
async def test_what_comes_back_pauses_the_account_that_sent_it(
    db: Database, kind: str, bad: int, paused: bool
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 25)
    account = await add_account(db, hourly=100, daily=100)
    await run(db, sender, clock)
    for _ in range(2):  # told twice, counted once
        for number in range(1, bad + 1):
            async with db.transaction() as tx:
                await accounts_store.note_answer(
                    tx, platform="synthetic", platform_id=f"p{number}", kind=kind, at=NOW, now=NOW
                )
    now = await accounts_store.get_account(db, account.id)
    assert (now.status == "paused") == paused
    assert (now.paused_by == "harm") == paused
