"""Runs jobs: claim in the ledger, run the step, record how it ended. The broker only rings."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import TypeVar
from uuid import uuid4

from omni.base.clock import Clock
from omni.base.errors import Fatal, OmniError, Snooze, Transient
from omni.base.log import bound_contextvars, get_logger
from omni.flow.runs import Heart, Run, Timing
from omni.flow.types import JobContext, StepResult, Steps
from omni.jobs import plan, store
from omni.jobs.coalesce import Coalescer
from omni.jobs.ports import Broker, Consumer
from omni.jobs.types import Claimed, Delivery, Ended, Finish, QueueName
from omni.storage.db import Database

MAX_PAUSE_S = 2.0
RECORD_FOR_S = 60.0
"""How long a worker tries to record an end that the database does not take."""

T = TypeVar("T")

_EVENTS = {
    "cancelled": "jobs.run_cancelled",
    "failed": "jobs.run_failed",
    "queued": "jobs.run_postponed",
}


async def run_worker(
    *,
    db: Database,
    broker: Broker,
    steps: Steps,
    queues: Sequence[QueueName],
    concurrency: int,
    clock: Clock,
    stop: asyncio.Event,
    timing: Timing = Timing(),  # noqa: B008 - frozen
) -> None:
    """Run jobs of these queues until `stop` is set.

    Then no new job is taken; those that run get `timing.drain` seconds to end, and what is left is
    queued again without costing an attempt.

    Args:
        concurrency: The most jobs of each queue that run at once.
    """
    worker = Worker(db, steps, clock, timing)
    log = get_logger().bind(worker=worker.name)
    heart = asyncio.create_task(worker.heart.beat_forever())
    consumers = [broker.consume(name, worker.answer, concurrency=concurrency) for name in queues]
    log.info("jobs.worker_started", queues=list(queues), concurrency=concurrency)
    try:
        await stop.wait()
    finally:
        await worker.drain(consumers)
        heart.cancel()
        log.info("jobs.worker_stopped")


class Worker:
    """One worker of the ledger; `run_worker` connects it to the broker."""

    def __init__(self, db: Database, steps: Steps, clock: Clock, timing: Timing) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._db = db
        self._steps = steps
        self._clock = clock
        self._timing = timing
        self._runs: set[Run] = set()
        self.heart = Heart(db, self.name, timing, self._runs)
        self._claims = Coalescer[Delivery, Claimed | None](self._claim_batch)
        self._ends = Coalescer[Ended, bool](self._end_batch)
        self._stopping = asyncio.Event()
        self._log = get_logger().bind(worker=self.name)

    async def answer(self, delivery: Delivery) -> bool:
        """Run the job that this ring is for; False when another worker should hear the ring."""
        if self._stopping.is_set():
            return False
        try:
            claimed = await self._insist(
                lambda: self._claims.submit(delivery), "jobs.claim_faltered", self._stopping.is_set
            )
        except Transient:
            return False
        if claimed is not None:
            with bound_contextvars(job_id=str(claimed.job_id), campaign_id=claimed.campaign_id):
                await self._perform(Run(claimed))
        return True

    async def drain(self, consumers: Sequence[Consumer]) -> None:
        """Take no more jobs, let the running ones end within bounds, release the rest."""
        self._stopping.set()
        closing = [asyncio.create_task(consumer.close()) for consumer in consumers]
        if not closing:
            return
        await asyncio.wait(closing, timeout=self._timing.drain)
        for run in tuple(self._runs):
            run.interrupt("released")
        _, late = await asyncio.wait(closing, timeout=self._timing.abandon)
        if late:
            self._log.error("jobs.runs_abandoned", count=len(self._runs))
        for task in late:
            task.cancel()
        await asyncio.gather(*closing, return_exceptions=True)

    async def _perform(self, run: Run) -> None:
        """Run the step and record its end; the lease is kept alive until both are done."""
        self._runs.add(run)
        try:
            self._log.info("jobs.run_started", kind=run.claimed.kind, attempt=run.claimed.attempt)
            ended, error = await self._run_to_end(run)
            if run.interruption == "lost":
                self._log.warning("jobs.run_superseded", kind=run.claimed.kind)
                return
            until = monotonic() + RECORD_FOR_S
            accepted = await self._insist(
                lambda: self._ends.submit(ended), "jobs.end_faltered", lambda: monotonic() > until
            )
            self._note(run, ended.finish, error, accepted)
        finally:
            self._runs.discard(run)

    async def _run_to_end(self, run: Run) -> tuple[Ended, Exception | None]:
        if self._stopping.is_set():
            return Ended(run.claimed, plan.release(self._clock())), None
        try:
            result = await self._run_step(run)
            plan.check_jobs(result.follow_ups)
            finish = plan.succeed(result.result)
        except Exception as error:
            return Ended(run.claimed, self._plan_failure(run, error), run.take_progress()), error
        return Ended(run.claimed, finish, run.take_progress(), result.follow_ups), None

    async def _run_step(self, run: Run) -> StepResult:
        claimed = run.claimed
        args = plan.decode_args(claimed.kind, claimed.args)
        step = self._steps.get(claimed.kind)
        if step is None:
            raise Fatal(f"this worker has no step for {claimed.kind}")
        job = JobContext(claimed.job_id, claimed.campaign_id, claimed.attempt, run.report)
        async with run.limited(args.timeout_s):
            return await step(job, args)

    def _plan_failure(self, run: Run, error: Exception) -> Finish:
        now = self._clock()
        if run.interruption == "cancelled":
            return plan.cancel()
        if run.interruption == "released":
            return plan.release(now)
        return plan.fail(
            error,
            attempt=run.claimed.attempt,
            max_attempts=run.claimed.max_attempts,
            now=now,
            roll=random.random(),  # noqa: S311 - jitter
        )

    def _note(self, run: Run, finish: Finish, error: Exception | None, accepted: bool) -> None:
        """Log how the run ended; the traceback only of what nobody raised on purpose."""
        if not accepted:
            self._log.warning("jobs.run_superseded", kind=run.claimed.kind)
            return
        about = {
            "kind": run.claimed.kind,
            "attempt": run.claimed.attempt,
            "seconds": round(monotonic() - run.began, 3),
        }
        if error is None and finish.state == "succeeded":
            self._log.info("jobs.run_succeeded", **about)
            return
        unexpected = run.interruption is None and not isinstance(error, OmniError)
        level = self._log.error if finish.state == "failed" else self._log.warning
        if isinstance(error, Snooze):
            level = self._log.debug
        level(
            _EVENTS[finish.state],
            error=finish.error,
            run_at=finish.run_at and finish.run_at.isoformat(),
            exc_info=error if unexpected else None,
            **about,
        )

    async def _claim_batch(self, deliveries: Sequence[Delivery]) -> list[Claimed | None]:
        return await store.claim(
            self._db, self.name, deliveries, lease_s=self._timing.lease, now=self._clock()
        )

    async def _end_batch(self, ended: Sequence[Ended]) -> Sequence[bool | Exception]:
        try:
            return await store.finish(self._db, self.name, ended, now=self._clock())
        except Transient:
            raise
        except Exception as error:
            if len(ended) == 1:
                return [error]
        # One end that the database refuses must not cost the others theirs.
        return [(await self._end_batch([one]))[0] for one in ended]

    async def _insist(
        self, call: Callable[[], Awaitable[T]], event: str, give_up: Callable[[], bool]
    ) -> T:
        """Repeat a call until the database takes it, or until giving up is due."""
        failures = 0
        while True:
            try:
                return await call()
            except Transient as error:
                failures += 1
                self._log.warning(event, error=str(error), failures=failures)
                if give_up():
                    raise
                ceiling = min(MAX_PAUSE_S, 0.1 * 2 ** min(failures, 10))
                await asyncio.sleep(ceiling * (0.5 + random.random() / 2))  # noqa: S311 - jitter
