"""Several workers at once: the limits hold for all together, and nobody is written to twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest

from omni.base.errors import Ambiguous, Rejected, Transient
from omni.connectors.types import Outgoing
from omni.dispatch.plan import DAY, HOUR
from omni.dispatch.types import DispatchReport
from omni.leads import suppressions_store as suppressions
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    MINUTE,
    NOW,
    CountingSender,
    MovingClock,
    add_account,
    most_in_any,
    ready,
    rows,
    run,
    states,
    watched,
)


class Crash(BaseException):
    """A worker dies here."""


@pytest.fixture
async def pools(database_url: str) -> AsyncIterator[list[Database]]:
    """Three workers' connections."""
    async with AsyncExitStack() as stack:

        async def slowly(_: str) -> None:
            await asyncio.sleep(0)

        yield [await stack.enter_async_context(watched(database_url, slowly)) for _ in range(3)]


async def test_workers_share_the_allowance_and_the_messages(
    db: Database, pools: list[Database]
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)

    async def answer(_: Outgoing) -> None:
        await asyncio.sleep(0.002)

    sender.answer = answer
    await ready(db, 60)
    for handle, hourly in (("a", 3), ("b", 7), ("c", 11)):
        await add_account(db, handle=handle, hourly=hourly, daily=20)
    sent: list[Counter[str]] = []
    for _ in range(3):
        before = len(sender.calls)
        await asyncio.gather(*(run(pool, sender, clock) for pool in pools * 2))
        sent.append(Counter(handle for _, handle, _ in sender.calls[before:]))
        clock.advance(HOUR)
    assert sent == [
        {"a": 3, "b": 7, "c": 11},
        {"a": 3, "b": 7, "c": 9},
        {"a": 3, "b": 6},
    ]
    assert max(Counter(sender.people).values()) == 1
    assert await states(db) == {"sent": 49, "approved": 11}


async def test_of_two_campaigns_only_one_writes_to_a_person(
    db: Database, pools: list[Database]
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    first = await ready(db, 20)
    second = await ready(db, 20, first=101, name="Second")
    await rows(
        db,
        "update messages m set platform_id = o.platform_id, body = o.body,"
        " body_hash = o.body_hash, approved_hash = o.approved_hash"
        " from messages o where m.campaign_id = :second and o.campaign_id = :first"
        " and m.platform_id = 'p' || (substr(o.platform_id, 2)::int + 100)",
        first=first.id,
        second=second.id,
    )
    for handle in ("a", "b", "c"):
        await add_account(db, handle=handle, hourly=40)
    await asyncio.gather(*(run(pool, sender, clock) for pool in pools))
    assert Counter(sender.people) == Counter({f"p{n}": 1 for n in range(1, 21)})
    assert await states(db) == {"sent": 20, "approved": 20}


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_happens_the_invariants_hold(
    db: Database, database_url: str, seed: int
) -> None:
    """Two virtual days of faults, crashes, opt-outs and restarts, two workers at a time."""
    rng, clock = random.Random(seed), MovingClock()
    sender = CountingSender(clock)
    taken: list[tuple[str, str, datetime]] = []
    suppressed: set[str] = set()
    limits = {"a": (2, 9), "b": (5, 12)}

    def answer(message: Outgoing) -> None:
        assert message.platform_id not in suppressed
        fate = rng.random()
        if fate < 0.10:
            raise Transient("busy")
        if fate < 0.15:
            raise Rejected("refuses")
        taken.append((message.platform_id, sender.calls[-1][1], clock.now))
        if fate < 0.20:
            raise Ambiguous("timed out")
        if fate < 0.25:
            raise Crash

    async def hook(moment: str) -> None:
        await asyncio.sleep(0)
        if rng.random() < 0.01:
            raise Crash
        if moment == "after start_sending":
            clock.advance(timedelta(seconds=rng.uniform(0, 20)))

    sender.answer = answer
    await ready(db, 70)
    for handle, (hourly, daily) in limits.items():
        await add_account(db, handle=handle, hourly=hourly, daily=daily)
    while clock.now < NOW + 2 * DAY:
        async with watched(database_url, hook) as one, watched(database_url, hook) as two:
            runs = (run(pool, sender, clock) for pool in (one, two))
            ended = await asyncio.gather(*runs, return_exceptions=True)
            assert all(isinstance(end, DispatchReport | Crash) for end in ended), ended
        if rng.random() < 0.2:
            suppressed.add(person := f"p{rng.randrange(1, 71)}")
            await suppressions.suppress(
                db, platform="synthetic", platform_id=person, reason="r", source="s", now=NOW
            )
        clock.advance(MINUTE * rng.choice([1, 5, 20, 45]))
    clock.advance(20 * MINUTE)
    sender.answer = None
    await run(db, sender, clock)
    _check(taken, limits)
    unsettled = "select held_by from messages where state not in ('sent', 'failed', 'ambiguous')"
    assert all(row["held_by"] for row in await rows(db, unsettled))
    assert set(await states(db)) <= {"sent", "failed", "ambiguous", "approved"}


def _check(taken: Sequence[tuple[str, str, datetime]], limits: dict[str, tuple[int, int]]) -> None:
    assert max(Counter(person for person, _, _ in taken).values()) == 1
    for account, (hourly, daily) in limits.items():
        moments = [at for _, handle, at in taken if handle == account]
        assert most_in_any(HOUR, moments) <= hourly
        assert daily / 2 < most_in_any(DAY, moments) <= daily
