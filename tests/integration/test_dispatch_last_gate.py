"""What happens between the claim and the wire: the last gate sees it, and nothing goes out late."""

from __future__ import annotations

import asyncio

import pytest

from omni.base.errors import Transient
from omni.connectors.types import Outgoing
from omni.leads import suppressions_store as suppressions
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    MINUTE,
    NOW,
    CountingSender,
    MovingClock,
    add_account,
    ready,
    rows,
    run,
    states,
    watched,
)


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        (
            "insert into suppressions (platform, platform_id, reason, source)"
            " values ('synthetic', 'p1', 'r', 's')",
            ("approved", "suppressed"),
        ),
        ("update leads set state = 'withdrawn'", ("approved", "lead withdrawn or rejected")),
        ("update leads set state = 'rejected'", ("approved", "lead withdrawn or rejected")),
        ("update leads set state = 'replied'", ("approved", "already in conversation")),
        ("update accounts set status = 'paused'", ("approved", "account paused")),
        ("update campaigns set status = 'paused'", ("approved", "campaign not active")),
        ("update messages set body = 'Buy now'", ("pending", "approval")),
        ("update messages set state = 'cancelled'", ("cancelled", None)),
    ],
)
async def test_the_last_gate_sees_what_came_after_the_claim(
    db: Database, database_url: str, change: str, ends: tuple[str, str | None]
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 1)
    await add_account(db)

    async def hook(moment: str) -> None:
        if moment == "before hold_person":
            await rows(db, change)

    async with watched(database_url, hook) as other:
        await run(other, sender, clock)
    assert sender.calls == []
    (message,) = await rows(db, "select state, held_by, charged_at from messages")
    assert (message["state"], message["held_by"]) == ends
    if ends[0] != "cancelled":
        assert message["charged_at"] is None


async def test_a_worker_that_slept_before_the_wire_does_not_send(
    db: Database, database_url: str
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 1)
    await add_account(db)

    async def hook(moment: str) -> None:
        if moment == "after start_sending":
            clock.advance(3 * MINUTE)

    async with watched(database_url, hook) as other:
        report = await run(other, sender, clock)
    assert (sender.calls, report.held) == ([], {"platform unavailable": 1})


async def test_a_lane_that_breaks_does_not_tear_down_another(
    db: Database, database_url: str
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)

    async def answer(_: Outgoing) -> None:
        await asyncio.sleep(0.2)

    sender.answer = answer
    await ready(db, 2)
    await add_account(db, hourly=1, daily=1)
    await add_account(db, handle="you", hourly=1, daily=1)
    broken: list[str] = []

    async def hook(moment: str) -> None:
        if moment == "before start_sending" and not broken:
            broken.append(moment)
            raise Transient("database: gone")

    async with watched(database_url, hook) as other:
        with pytest.raises(Transient):
            await run(other, sender, clock)
    assert await states(db) == {"sent": 1, "claimed": 1}


async def test_two_workers_at_the_last_gate_write_to_a_person_one_at_a_time(
    db: Database, database_url: str
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 1)
    second = await ready(db, 1, first=2, name="Second")
    await rows(db, "delete from messages where campaign_id = :id", id=second.id)
    await rows(
        db,
        "insert into messages (campaign_id, profile_id, platform, platform_id, username, body,"
        " body_hash, approved_hash, state, approved_at, eligible_at)"
        " select :id, profile_id, platform, platform_id, username, body, body_hash, approved_hash,"
        " state, approved_at, eligible_at from messages",
        id=second.id,
    )
    await add_account(db)
    await add_account(db, handle="you")
    asked: list[str] = []

    async def hook(moment: str) -> None:
        if moment == "after lock_claim":
            asked.append(moment)
            await asyncio.sleep(0.3)

    async with watched(database_url, hook) as one, watched(database_url, hook) as two:
        await asyncio.gather(run(one, sender, clock), run(two, sender, clock))
    assert len(asked) == 2
    assert sender.people == ["p1"]
    held = await rows(db, "select held_by from messages where state = 'approved'")
    assert [row["held_by"] for row in held] == ["already in conversation"]


async def test_a_database_that_is_away_for_a_moment_leaves_nothing_in_doubt(
    db: Database, database_url: str
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 1)
    await add_account(db)
    faults = 2

    async def hook(moment: str) -> None:
        nonlocal faults
        if moment == "before record_outcome" and faults:
            faults -= 1
            raise Transient("database: gone")

    async with watched(database_url, hook) as other:
        assert (await run(other, sender, clock)).sent == 1
    assert (await states(db), len(sender.calls)) == ({"sent": 1}, 1)


async def test_who_is_suppressed_by_a_newer_name_gets_what_was_written_before_no_more(
    db: Database,
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 1)
    await add_account(db)
    await rows(db, "update profile_features set username = 'renamed' returning 1")
    await suppressions.suppress_scope(
        db, "person", platform="synthetic", value="@Renamed", reason="asked", source="person",
        now=NOW,
    )  # fmt: skip
    await run(db, sender, clock)
    assert sender.calls == []
    (message,) = await rows(db, "select state, held_by from messages")
    assert (message["state"], message["held_by"]) == ("approved", "suppressed")
