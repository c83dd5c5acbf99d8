"""A relay or a worker as a process of its own, for tests that kill it.

Usage: python -m tests.integration.jobs_process ROLE DATABASE_URL REDIS_URL PREFIX
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence

from omni.base.clock import utc_now
from omni.flow.types import JobContext, StepResult
from omni.flow.worker import run_worker
from omni.jobs.bullmq import BullBroker
from omni.jobs.relay import run_relay
from omni.jobs.types import Delivery, JobArgs, Noop, QueueName
from omni.storage.db import Database
from tests.jobs_fixtures import NOTE_BEGUN, TAKE_EFFECT


class DeadlyBroker(BullBroker):
    """Rings, and then dies before the relay can mark that it rang."""

    async def publish(self, queue: QueueName, deliveries: Sequence[Delivery]) -> None:
        await super().publish(queue, deliveries)
        os.kill(os.getpid(), signal.SIGKILL)


async def relay(db: Database, broker: BullBroker, stop: asyncio.Event) -> None:
    await run_relay(db=db, broker=broker, clock=utc_now, stop=stop)


async def worker(db: Database, broker: BullBroker, stop: asyncio.Event) -> None:
    """Run jobs that take effect once, however often they run; a `hang` never ends by itself."""

    async def step(job: JobContext, args: JobArgs) -> StepResult:
        assert isinstance(args, Noop)
        await db.execute(NOTE_BEGUN, job_id=job.id, attempt=job.attempt, pid=os.getpid())
        if args.payload == "hang at first" and job.attempt == 1:
            await asyncio.sleep(3600)
        await db.execute(TAKE_EFFECT, job_id=job.id)
        return StepResult()

    await run_worker(
        db=db,
        broker=broker,
        steps={"jobs.noop": step},
        queues=["qualify"],
        concurrency=16,
        clock=utc_now,
        stop=stop,
    )


ROLES: dict[str, Callable[[Database, BullBroker, asyncio.Event], Awaitable[None]]] = {
    "relay": relay,
    "deadly-relay": relay,
    "worker": worker,
}


async def main(role: str, database_url: str, redis_url: str, prefix: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    db = await Database.connect(database_url)
    kind = DeadlyBroker if role == "deadly-relay" else BullBroker
    broker = kind(redis_url, prefix=prefix)
    await ROLES[role](db, broker, stop)
    await broker.close()
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
