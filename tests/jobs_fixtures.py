"""Helpers for the tests of jobs: effects that can be counted, processes that can be killed."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

from omni.base.clock import utc_now
from omni.flow.runs import Timing
from omni.flow.types import Step
from omni.flow.worker import run_worker
from omni.jobs import store
from omni.jobs.bullmq import BullBroker
from omni.jobs.relay import run_relay
from omni.jobs.types import Job, NewJob, Noop
from omni.storage.db import Database
from omni.storage.sql import Query

T = TypeVar("T")

SNAPPY = Timing(lease=3.0, beat=0.2, drain=1.0, abandon=10.0)
"""For tests that wait for a heartbeat or for a lease to end."""

TABLES = (
    "create table effects (job_id uuid primary key)",
    "create table begun (job_id uuid, attempt int, pid int, at timestamptz default now())",
)
NOTE_BEGUN = Query(
    "note_begun",
    "insert into begun (job_id, attempt, pid) values (:job_id, :attempt, :pid)",
)
TAKE_EFFECT = Query(
    "take_effect", "insert into effects (job_id) values (:job_id) on conflict do nothing"
)


async def eventually(check: Callable[[], Awaitable[T | None]], *, within: float = 30.0) -> T:
    """Return the first true value of `check`."""
    async with asyncio.timeout(within):
        while True:
            if value := await check():
                return value
            await asyncio.sleep(0.05)


async def enqueue(db: Database, *jobs: NewJob) -> list[UUID]:
    """Write jobs in a transaction of their own."""
    async with db.transaction() as tx:
        return await store.enqueue(tx, jobs, now=utc_now())


async def enqueue_noops(db: Database, count: int) -> list[UUID]:
    """Write `count` jobs that the tests' steps serve."""
    return await enqueue(db, *[NewJob(Noop()) for _ in range(count)])


async def ended(db: Database, job_id: UUID, *, within: float = 30.0) -> Job:
    """Wait until the job has ended."""

    async def look() -> Job | None:
        job = await store.get_job(db, job_id)
        return job if job.state in ("succeeded", "failed", "cancelled") else None

    return await eventually(look, within=within)


async def all_succeeded(db: Database, count: int, *, within: float = 60.0) -> None:
    """Wait until `count` jobs have succeeded."""
    counting = Query("count", "select count(*) from jobs where state = 'succeeded'")

    async def look() -> bool:
        return await db.fetchval(counting) == count

    await eventually(look, within=within)


async def rows(db: Database, text: str, **params: object) -> list[tuple[object, ...]]:
    """Run a query of the test's own."""
    return [tuple(row.values()) for row in await db.fetch(Query("rows", text), None, **params)]


async def create_effects(db: Database) -> None:
    """Create the tables that count effects."""
    for statement in TABLES:
        await db.execute(Query("create", statement))


@asynccontextmanager
async def relaying(db: Database, broker: BullBroker) -> AsyncGenerator[None]:
    """Run a relay in this process while the block runs."""
    stop = asyncio.Event()
    relay = asyncio.create_task(run_relay(db=db, broker=broker, clock=utc_now, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await relay


@asynccontextmanager
async def working(
    db: Database, broker: BullBroker, step: Step, *, timing: Timing = SNAPPY, concurrency: int = 4
) -> AsyncGenerator[None]:
    """Run a worker in this process, whose no-op jobs run `step`, while the block runs."""
    stop = asyncio.Event()
    worker = asyncio.create_task(
        run_worker(
            db=db,
            broker=broker,
            steps={"jobs.noop": step},
            queues=["qualify"],
            concurrency=concurrency,
            clock=utc_now,
            stop=stop,
            timing=timing,
        )
    )
    try:
        yield
    finally:
        stop.set()
        await worker


@asynccontextmanager
async def process(role: str, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run `tests.integration.jobs_process` as a process of its own while the block runs."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.jobs_process", role, *arguments
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.send_signal(signal.SIGTERM)
            await asyncio.wait_for(started.wait(), 30)
