"""One process of the jobs benchmark: a relay, a worker of the ledger, or a bare BullMQ worker.

Usage: python -m benchmarks.jobs_process ROLE JOBS REDIS_URL PREFIX [DATABASE_URL]
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from time import monotonic, perf_counter

from bullmq import Worker
from redis.asyncio import Redis

from omni.base.clock import utc_now
from omni.base.log import configure_logging
from omni.flow.types import JobContext, Step, StepResult
from omni.flow.worker import run_worker
from omni.jobs.bullmq import BullBroker, PipeliningRedis
from omni.jobs.relay import run_relay
from omni.jobs.types import JobArgs, Noop
from omni.storage.db import Database

CONCURRENCY = 50


class Stopwatch:
    """Times from the first of `jobs` jobs to the moment when the worker has closed."""

    def __init__(self, jobs: int) -> None:
        self._left = jobs
        self._began: float | None = None
        self.over = asyncio.Event()

    def tick(self) -> None:
        """Count a job."""
        self._began = self._began or perf_counter()
        self._left -= 1
        if not self._left:
            self.over.set()

    def read(self) -> float:
        """Return the seconds since the first job."""
        assert self._began is not None
        return perf_counter() - self._began


async def bare(jobs: int, connection: str | Redis, prefix: str) -> None:
    """Run no-op jobs with BullMQ's own worker and nothing else."""
    watch = Stopwatch(jobs)

    async def process(_job: object, _token: str) -> None:
        watch.tick()

    options = {"lockDuration": 5_000, "stalledInterval": 5_000, "maxStalledCount": 1_000_000}
    options |= {"removeOnComplete": True, "removeOnFail": True, "concurrency": CONCURRENCY}
    worker = Worker("qualify", process, {"connection": connection, "prefix": prefix, **options})
    await watch.over.wait()
    await worker.close()
    print(watch.read(), flush=True)


async def ledger(jobs: int, broker: BullBroker, db: Database) -> None:
    """Run no-op jobs as `omni worker` does."""
    watch = Stopwatch(jobs)

    async def step(_job: JobContext, _args: JobArgs) -> StepResult:
        watch.tick()
        return StepResult()

    await work(broker, db, step, watch.over)
    print(watch.read(), flush=True)


async def begun(broker: BullBroker, db: Database) -> None:
    """Tell when each job begins; one with a payload then runs for ever at its first attempt."""

    async def step(job: JobContext, args: JobArgs) -> StepResult:
        print(job.attempt, monotonic(), flush=True)
        assert isinstance(args, Noop)
        if args.payload and job.attempt == 1:
            await asyncio.sleep(3_600)
        return StepResult()

    await work(broker, db, step, told_to_stop())


async def work(broker: BullBroker, db: Database, step: Step, stop: asyncio.Event) -> None:
    """Run a worker until `stop` is set."""
    await run_worker(
        db=db,
        broker=broker,
        steps={"jobs.noop": step},
        queues=["qualify"],
        concurrency=CONCURRENCY,
        clock=utc_now,
        stop=stop,
    )


def told_to_stop() -> asyncio.Event:
    """Return an event that SIGTERM sets."""
    stop = asyncio.Event()
    on_signal: Callable[..., object] = stop.set
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, on_signal)
    return stop


async def main(role: str, jobs: int, redis_url: str, prefix: str, database_url: str = "") -> None:
    """Run one role."""
    if role == "bare":
        return await bare(jobs, redis_url, prefix)
    if role == "pipelined":
        client = PipeliningRedis.from_url(redis_url, decode_responses=True)
        return await bare(jobs, client, prefix)
    broker = BullBroker(redis_url, prefix=prefix)
    db = await Database.connect(database_url)
    if role == "relay":
        await run_relay(db=db, broker=broker, clock=utc_now, stop=told_to_stop())
    elif role == "ledger":
        await ledger(jobs, broker, db)
    else:
        await begun(broker, db)
    await broker.close()
    await db.close()
    return None


if __name__ == "__main__":
    configure_logging("info", "json")
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
