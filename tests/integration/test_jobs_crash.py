"""Lost Redis data, a killed worker, a killed relay: each job is done, once in its effect."""

from __future__ import annotations

import asyncio
import os
from uuid import UUID

import pytest
from redis.asyncio import Redis

from omni.flow.types import JobContext, StepResult
from omni.jobs import store
from omni.jobs.bullmq import BullBroker
from omni.jobs.types import JobArgs, NewJob, Noop
from omni.storage.db import Database
from tests.conftest import closing_valkey
from tests.jobs_fixtures import (
    NOTE_BEGUN,
    TAKE_EFFECT,
    all_succeeded,
    create_effects,
    ended,
    enqueue,
    enqueue_noops,
    eventually,
    process,
    relaying,
    rows,
    working,
)


@pytest.fixture
async def effects(db: Database) -> Database:
    """A database with tables that count the effects of jobs."""
    await create_effects(db)
    return db


async def count(db: Database, table: str) -> int:
    found = await rows(db, f"select count(*)::int from {table}")
    return int(str(found[0][0]))


async def test_flushing_redis_loses_no_job(
    effects: Database, database_url: str, queue_prefix: str
) -> None:
    db = effects
    with closing_valkey() as valkey:  # its own: the flush must not reach other tests
        redis = Redis.from_url(valkey.connection_url)
        broker = BullBroker(valkey.connection_url, prefix=queue_prefix)
        async with relaying(db, broker):
            ids = await enqueue_noops(db, 1_200)
            await eventually(lambda: _published(db, 1_200))
            await redis.flushall()
            assert await redis.keys(f"{queue_prefix}:*:wait") == []

            async with process("worker", database_url, valkey.connection_url, queue_prefix):
                await eventually(lambda: _done(db, 300))
                await redis.flushall()  # and once more, with jobs queued and running
                await all_succeeded(db, 1_200)
        await broker.close()
        await redis.aclose()
    assert {row[0] for row in await rows(db, "select job_id from effects")} == set(ids)
    assert await rows(db, "select distinct attempts from jobs") == [(1,)]


async def _published(db: Database, expected: int) -> bool:
    found = await rows(db, "select count(*)::int from jobs where published_at is not null")
    return found == [(expected,)]


async def _done(db: Database, at_least: int) -> bool:
    return await count(db, "effects") >= at_least


async def test_a_killed_workers_job_runs_again_elsewhere(
    effects: Database, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    db = effects
    broker = BullBroker(valkey_url, prefix=queue_prefix)
    where = (database_url, valkey_url, queue_prefix)
    async with relaying(db, broker):
        async with process("worker", *where) as first:
            (job_id,) = await enqueue(db, NewJob(Noop(payload="hang at first")))
            await eventually(lambda: _begun(db, job_id, 1))
            first.kill()
            await first.wait()
        async with process("worker", *where) as second:
            job = await ended(db, job_id)
            pid = second.pid
    await broker.close()
    assert (job.state, job.attempts) == ("succeeded", 2)
    assert await rows(db, "select job_id from effects") == [(job_id,)]
    assert await rows(db, "select attempt, pid = :pid from begun order by attempt", pid=pid) == [
        (1, False),
        (2, True),
    ]


async def _begun(db: Database, job_id: UUID, attempt: int) -> bool:
    text = "select attempt from begun where job_id = :job_id and attempt = :attempt"
    return bool(await rows(db, text, job_id=job_id, attempt=attempt))


async def test_a_relay_killed_between_ringing_and_marking_loses_no_job(
    effects: Database, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    db = effects
    where = (database_url, valkey_url, queue_prefix)
    await enqueue_noops(db, 700)  # one batch, and some that it never sees
    async with process("deadly-relay", *where) as relay:
        assert await asyncio.wait_for(relay.wait(), 30) == -9
    assert await _published(db, 0)

    async with process("worker", *where):
        await eventually(lambda: _done(db, 500))  # what the dead relay rang is answered
        async with process("relay", *where):
            await all_succeeded(db, 700)
    assert await count(db, "effects") == 700
    assert await rows(db, "select distinct attempts from jobs") == [(1,)]


async def test_a_relay_killed_while_the_worker_is_busy_doubles_nothing(
    effects: Database, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    db = effects
    where = (database_url, valkey_url, queue_prefix)

    async def step(job: JobContext, args: JobArgs) -> StepResult:
        await db.execute(NOTE_BEGUN, job_id=job.id, attempt=job.attempt, pid=os.getpid())
        await asyncio.sleep(0.5)  # still rung, still unmarked, when the next relay rings again
        await db.execute(TAKE_EFFECT, job_id=job.id)
        return StepResult()

    await enqueue_noops(db, 20)
    broker = BullBroker(valkey_url, prefix=queue_prefix)
    async with working(db, broker, step):
        async with process("deadly-relay", *where) as relay:
            await asyncio.wait_for(relay.wait(), 30)
        async with process("relay", *where):
            await all_succeeded(db, 20)
    await broker.close()
    assert await count(db, "begun") == 20
    assert (await store.list_jobs(db, state="failed")) == []
