"""The runs that a worker has in hand: their leases, their progress, their interruption."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import Literal

from omni.base.errors import Transient
from omni.base.log import get_logger
from omni.jobs import store
from omni.jobs.plan import to_json
from omni.jobs.types import Beat, Claimed, Progress
from omni.storage.db import Database

Interruption = Literal["cancelled", "lost", "released"]
"""Why a run is stopped from outside: a person asked, its lease is gone, the worker stops."""

MIN_AGE_S = 0.5
"""A run that is younger needs no sign of life."""

RELISTEN_S = 60.0
"""A listening connection can die without a sign, so that it is taken anew now and then."""

MAX_NOTE = 200
"""The most characters of a progress note that the ledger keeps."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things may take, in seconds.

    Attributes:
        lease: A run whose worker has been silent for so long may be given to another.
        beat: Between two signs of life; a cancellation of which no word came is noticed then.
        drain: How long running jobs may go on after the worker was told to stop.
        abandon: How long a step may take to notice that it was interrupted.
    """

    lease: float = 8.0
    beat: float = 1.5
    drain: float = 10.0
    abandon: float = 15.0


class Run:
    """One run in hand."""

    def __init__(self, claimed: Claimed) -> None:
        self.claimed = claimed
        self.began = monotonic()
        self.leased = self.began
        self.interruption: Interruption | None = None
        self._scope: asyncio.Timeout | None = None
        self._progress: Progress | None = None
        self._told: Progress | None = None

    def report(self, progress: Progress) -> None:
        """Keep the newest progress; the next heartbeat tells the ledger."""
        self._progress = progress

    def take_progress(self) -> str | None:
        """Return the progress as JSON text, or None when the ledger has been told."""
        news = self._progress
        if news is None or news is self._told:
            return None
        self._told = news
        return to_json(replace(news, note=news.note[:MAX_NOTE]))

    @asynccontextmanager
    async def limited(self, seconds: float) -> AsyncGenerator[None]:
        """Run the block for so long at most; an interruption ends it early.

        Raises:
            Transient: The time was over.
            TimeoutError: The run was interrupted.
        """
        scope = asyncio.timeout(seconds)
        try:
            async with scope:
                self._scope = scope
                yield
        except TimeoutError as error:
            if scope.expired() and self.interruption is None:
                raise Transient(f"timed out after {seconds:g} s") from error
            raise
        finally:
            self._scope = None

    def interrupt(self, why: Interruption) -> None:
        """Stop the step, if it still runs; the first reason counts."""
        if self._scope is not None and self.interruption is None:
            self.interruption = why
            self._scope.reschedule(asyncio.get_running_loop().time())


class Heart:
    """Keeps the leases of all runs of a worker alive, by one statement a beat."""

    def __init__(self, db: Database, worker: str, timing: Timing, runs: Collection[Run]) -> None:
        self._db = db
        self._worker = worker
        self._timing = timing
        self._runs = runs
        self._stop_heard = asyncio.Event()
        self._log = get_logger()

    async def beat_forever(self) -> None:
        """Beat until this task is cancelled; nothing else may end it."""
        listening = asyncio.create_task(self._listen_forever())
        try:
            while True:
                young = MIN_AGE_S if not await self._told_to_stop() else 0.0
                try:
                    await self.beat(young)
                except Exception:
                    self._log.exception("jobs.heartbeat_failed")
        finally:
            listening.cancel()

    async def _told_to_stop(self) -> bool:
        """Wait for the next beat; True when it comes early, as one of our runs is to stop."""
        try:
            async with asyncio.timeout(self._timing.beat):
                await self._stop_heard.wait()
        except TimeoutError:
            return False
        self._stop_heard.clear()
        return True

    async def _listen_forever(self) -> None:
        """Hear of cancellations at once; while that fails, the heartbeat finds them."""
        while True:
            try:
                async with self._db.listen(store.CANCELS, self._hear):
                    await asyncio.sleep(RELISTEN_S)
            except Transient as error:
                self._log.warning("jobs.listening_faltered", error=str(error))
                await asyncio.sleep(self._timing.beat)

    def _hear(self, job_id: str) -> None:
        if any(str(run.claimed.job_id) == job_id for run in self._runs):
            self._stop_heard.set()

    async def beat(self, min_age_s: float = MIN_AGE_S) -> None:
        """Extend the leases, tell the progress, and learn who is to stop.

        Args:
            min_age_s: Runs that are younger are left out: most end before they need a beat.
        """
        now = monotonic()
        due = [
            run for run in self._runs if now - run.began >= min_age_s and run.interruption != "lost"
        ]
        if not due:
            return
        try:
            async with asyncio.timeout(self._timing.lease / 2):
                answers = await self._extend(due)
        except (Transient, TimeoutError) as error:
            self._log.warning("jobs.heartbeat_missed", error=str(error), runs=len(due))
            self._give_up_silent(due)
            return
        for run, stop in zip(due, answers, strict=True):
            if stop is None:
                run.interrupt("lost")
                continue
            run.leased = now
            if stop:
                run.interrupt("cancelled")

    async def _extend(self, runs: Sequence[Run]) -> list[bool | None]:
        beats = [Beat(run.claimed, run.take_progress()) for run in runs]
        return await store.extend(self._db, self._worker, beats, lease_s=self._timing.lease)

    def _give_up_silent(self, runs: Sequence[Run]) -> None:
        """Stop what another worker may have begun anew, since our lease cannot be extended."""
        for run in runs:
            if monotonic() - run.leased > self._timing.lease:
                run.interrupt("lost")
