"""A crawl that runs is cancelled or handed back: its calls end at once, what it found is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from omni.base.clock import utc_now
from omni.flow.runs import Timing
from omni.flow.steps import bind_steps
from omni.flow.worker import run_worker
from omni.flow.world import World
from omni.jobs import store
from omni.jobs.bullmq import BullBroker
from omni.jobs.types import NewJob
from omni.storage.db import Database
from tests.crawl_fixtures import PLATFORM, Village, crawl_of, entries, people
from tests.flow_fixtures import running_world
from tests.jobs_fixtures import ended, enqueue, eventually, relaying

DEAF = Timing(lease=60.0, beat=30.0, drain=0.1, abandon=10.0)
"""Beats so seldom that only a word of the cancellation can stop a run in time."""


@pytest.fixture
def village() -> Village:
    return Village(people=100_000, delay=0.01)


@pytest.fixture
async def world(
    tmp_path: Path, database_url: str, valkey_url: str, village: Village
) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url) as built:
        yield replace(built, sources={PLATFORM: village})


@asynccontextmanager
async def crawler(world: World, broker: BullBroker) -> AsyncGenerator[None]:
    """Run a worker of the crawl queue while the block runs."""
    stop = asyncio.Event()
    steps = {kind: step for kind, step in bind_steps(world).items() if kind == "crawl.seed"}
    worker = asyncio.create_task(
        run_worker(
            db=world.db,
            broker=broker,
            steps=steps,
            queues=["crawl"],
            concurrency=2,
            clock=utc_now,
            stop=stop,
            timing=DEAF,
        )
    )
    try:
        yield
    finally:
        stop.set()
        await worker


async def begin(world: World, broker: BullBroker) -> UUID:
    """Start a crawl without an end; return when something of it is written."""
    args = crawl_of(max_profiles=100_000, max_pages=100_000)
    (job_id,) = await enqueue(world.db, NewJob(args))

    async def written() -> bool:
        return await entries(world.db, job_id) >= 2

    await eventually(written)
    return job_id


async def test_a_cancelled_crawl_stops_at_once_and_keeps_what_it_found(
    world: World, village: Village, db: Database, valkey_url: str, queue_prefix: str
) -> None:
    broker = BullBroker(valkey_url, prefix=queue_prefix)
    async with relaying(db, broker), crawler(world, broker):
        job_id = await begin(world, broker)
        async with db.transaction() as tx:
            await store.request_cancel(tx, job_id, now=utc_now())
        job = await ended(db, job_id, within=20)
        calls = len(village.asked)
        await asyncio.sleep(0.2)
    await broker.close()
    assert job.state == "cancelled"
    assert (village.running, len(village.asked)) == (0, calls)
    kept = await people(db)
    assert job.progress is not None
    assert job.progress["counts"]["kept"] == len(kept) == len(set(kept)) > 0
    assert set(kept) == set(village.fetched)


async def test_a_cancelled_crawl_does_not_wait_for_a_platform_that_never_answers(
    world: World, village: Village, db: Database, valkey_url: str, queue_prefix: str
) -> None:
    broker = BullBroker(valkey_url, prefix=queue_prefix)
    async with relaying(db, broker), crawler(world, broker):
        job_id = await begin(world, broker)
        village.held.clear()

        async def all_wait() -> bool:
            calls = len(village.asked)
            await asyncio.sleep(0.05)
            return village.running > 0 and len(village.asked) == calls

        await eventually(all_wait)
        async with db.transaction() as tx:
            await store.request_cancel(tx, job_id, now=utc_now())
        job = await ended(db, job_id, within=20)
        assert (job.state, village.running) == ("cancelled", 0)
    await broker.close()
    assert not village.held.is_set(), "no call was answered"
    assert set(await people(db)) <= set(village.fetched)


async def test_a_crawl_that_is_handed_back_costs_no_attempt_and_goes_on(
    world: World, village: Village, db: Database, valkey_url: str, queue_prefix: str
) -> None:
    broker = BullBroker(valkey_url, prefix=queue_prefix)
    async with relaying(db, broker):
        async with crawler(world, broker):
            job_id = await begin(world, broker)
        assert (await store.get_job(db, job_id)).attempts == 0
        village.people = len(village.asked) * village.page
        async with crawler(world, broker):
            job = await ended(db, job_id, within=60)
    await broker.close()
    assert (job.state, job.attempts) == ("succeeded", 1), job.error
    assert job.result is not None
    assert job.result["resumed"] == 1
    assert job.result["new"] == len(await people(db)) == village.people
    assert set(village.fetched.values()) <= {1, 2}
