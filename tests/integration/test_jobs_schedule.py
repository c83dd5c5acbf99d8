"""Schedulers write what is due, once, however many of them there are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from omni.base.errors import Transient
from omni.flow import schedule
from omni.jobs.types import NewJob, Noop
from omni.llm.ports import Answer, Prompt, recording_key
from omni.qualification import recordings_store as recordings
from omni.qualification.recordings import About
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.jobs_fixtures import enqueue, eventually, rows

NOW = datetime(2026, 11, 22, 2, 17, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ticking_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a scheduler tick many times within a test."""
    monkeypatch.setattr(schedule, "TICK_S", 0.05)


@dataclass(frozen=True)
class Campaign:
    id: int
    created_at: datetime = datetime(1999, 1, 1, tzinfo=UTC)
    criteria: Mapping[str, object] = field(default_factory=dict[str, object])


class World:
    """A clock that the test moves, and campaigns that cannot always be listed."""

    def __init__(self, campaigns: int) -> None:
        self.now = NOW
        self.campaigns = campaigns
        self.listings = 0

    def clock(self) -> datetime:
        return self.now

    async def list_campaigns(self) -> Sequence[Campaign]:
        self.listings += 1
        if self.listings % 3 == 1:
            raise Transient("database: gone for a moment")
        return [Campaign(number) for number in range(1, self.campaigns + 1)]

    async def seen(self, listings: int) -> bool:
        return self.listings >= listings


async def written(db: Database) -> list[tuple[object, ...]]:
    return await rows(db, "select kind, count(*)::int from jobs group by kind order by kind")


async def test_many_schedulers_write_each_slot_once_and_no_backlog(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "CAMPAIGNS_PER_TICK", 2)
    world = World(campaigns=5)
    stop = asyncio.Event()
    schedulers = [
        asyncio.create_task(
            schedule.run_schedule(
                db=db, list_campaigns=world.list_campaigns, clock=world.clock, stop=stop
            )
        )
        for _ in range(3)
    ]
    everything = [
        ("crawl.refresh", 1),
        ("dispatch.dm", 1),
        ("dispatch.follow_up", 1),
        ("dispatch.reconcile", 1),
        ("feedback.sweep", 1),
        ("images.sweep", 1),
        ("profiles.reenrich", 1),
        ("qualify.campaign", 5),
        ("storage.sweep", 1),
        ("weights.update", 5),
    ]

    async def all_written() -> bool:
        return await written(db) == everything

    await eventually(all_written)
    settled = world.listings + 30
    await eventually(lambda: world.seen(settled))
    assert await written(db) == everything

    world.now += timedelta(days=9)  # as if every scheduler had been down
    everything = [(kind, 2 * count) for kind, count in everything]
    await eventually(all_written)
    settled = world.listings + 30
    await eventually(lambda: world.seen(settled))
    assert await written(db) == everything
    stop.set()
    await asyncio.gather(*schedulers)


async def test_the_timetable_forgets_jobs_that_ended_long_ago(db: Database) -> None:
    old = NOW - timedelta(days=9)
    (job_id,) = await enqueue(db, NewJob(Noop()))
    text = "update jobs set state = 'failed', finished_at = :at where id = :id"
    await db.execute(Query("finish", text), id=job_id, at=old)

    async def nobody() -> Sequence[Campaign]:
        return []

    async def gone() -> bool:
        return not await rows(db, "select 1 from jobs where kind = 'jobs.noop'")

    for days, goes in ((10, False), (8, True)):
        stop = asyncio.Event()
        scheduler = asyncio.create_task(
            schedule.run_schedule(
                db=db,
                list_campaigns=nobody,
                clock=lambda: NOW,
                stop=stop,
                jobs_kept=timedelta(days=days),
            )
        )
        if goes:
            await eventually(gone)
        else:
            await asyncio.sleep(0.5)
            assert not await gone()
        stop.set()
        await scheduler


async def test_the_timetable_forgets_what_models_were_asked_long_ago(db: Database) -> None:
    prompt = Prompt("system", "user", {})
    for days in (9, 1):
        said = Answer(f"{days} days ago", complete=True, latency_ms=1.0)
        await recordings.keep(db, About(), "m", prompt, said, now=NOW - timedelta(days=days))

    async def nobody() -> Sequence[Campaign]:
        return []

    async def one_left() -> bool:
        return len(await rows(db, "select 1 from llm_recordings")) == 1

    stop = asyncio.Event()
    scheduler = asyncio.create_task(
        schedule.run_schedule(
            db=db,
            list_campaigns=nobody,
            clock=lambda: NOW,
            stop=stop,
            recordings_kept=timedelta(days=8),
        )
    )
    await eventually(one_left)
    stop.set()
    await scheduler
    kept = await recordings.KeptRecordings(db).find(recording_key("m", prompt))
    assert kept
    assert kept.text == "1 days ago"
    assert await rows(db, "select count(*)::int from llm_texts") == [(1,)]
