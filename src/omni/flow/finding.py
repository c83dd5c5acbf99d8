"""The step that finds people: a crawl from a seed, which goes on where the run before stopped."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from time import monotonic

import msgspec

from omni.base.errors import OmniError, Transient
from omni.base.log import get_logger
from omni.connectors.meter import Meter, meter
from omni.connectors.types import Seed
from omni.crawl import store as logs
from omni.crawl.types import Begun, Entry, Haul, PageRead, PeopleFound, Spent
from omni.crawl.work import Walk
from omni.flow import intake
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs import store as ledger
from omni.jobs.types import CrawlSeed
from omni.profiles.types import StoredBatch
from omni.storage.db import Executor, Tx

MAX_TRIES_TO_BEGIN = 5
"""How often a run may be overtaken by the run before it, which has not noticed its own end."""

FLUSH_S = 5.0
"""How long a run that is stopped may take to write what it has."""

_OPENING = Entry((Begun(),))
_GAINS = (PageRead, PeopleFound)
_TAKEN = "another run has gone on with this crawl"


async def crawl_seed(world: World, job: JobContext, args: CrawlSeed) -> StepResult:
    """Walk from the seed; write each haul with its follow-up jobs and its log in one transaction.

    While one haul is written, the next one is gathered; no call begins while two wait. A run that
    is stopped writes what it has; the next one goes on from there.

    Raises:
        Rejected: The seed or a bound is wrong.
        Transient: The platform or the database failed; or another run has taken over.
    """
    with meter() as spent:
        walk = _open_walk(world, job, args, spent)
        pen = _Pen(world, job, walk)
        await pen.begin()
        try:
            await _write_all(walk, pen)
        except asyncio.CancelledError:
            await pen.flush()
            raise
        finally:
            job.report(walk.progress())
    return StepResult(walk.result())


async def _write_all(walk: Walk, pen: _Pen) -> None:
    try:
        async with aclosing(walk.hauls()) as hauls:
            async for haul in hauls:
                await pen.write(haul)
    except Exception:
        await pen.rest()
        raise
    await pen.rest()


def _open_walk(world: World, job: JobContext, args: CrawlSeed, spent: Meter) -> Walk:
    return Walk(
        world.source(args.platform),
        Seed(args.platform, args.seed_type, args.seed_value),
        args.config,
        concurrency=world.settings.crawler_concurrency,
        monotonic=monotonic,
        report=job.report,
        spent=lambda: Spent(0.0, spent.requests, spent.bytes_in),
    )


class _Pen:
    """Writes a walk's hauls one after the other, each while the next one is gathered."""

    def __init__(self, world: World, job: JobContext, walk: Walk) -> None:
        self._world = world
        self._job = job
        self._walk = walk
        self._position = 0
        self._spared = False
        self._writing: asyncio.Task[None] | None = None
        self._next: Haul | None = None

    async def begin(self) -> None:
        """Recall the log, and take the next place in it: from now on the crawl is this run's own.

        Raises:
            Transient: Another run writes at the same time, again and again.
        """
        for _ in range(MAX_TRIES_TO_BEGIN):
            async for entry in logs.read(self._world.db, self._job.id, start=self._position):
                self._recall(entry)
            if await self._append(self._world.db, _OPENING):
                self._recall(_OPENING)
                self._job.report(self._walk.progress())
                return
        raise Transient(_TAKEN)

    async def write(self, haul: Haul) -> None:
        """Begin to write a haul, once the one before it is written.

        Raises:
            Transient: The one before it could not be written.
        """
        self._next = haul
        await self.rest()
        self._next = None
        self._writing = asyncio.create_task(self._write(haul))

    async def rest(self) -> None:
        """Wait until everything is written that was begun; whoever stops waiting stops no write.

        Raises:
            Transient: It could not be written.
        """
        if self._writing is not None:
            await asyncio.wait({self._writing})
            writing, self._writing = self._writing, None
            writing.result()

    async def flush(self) -> None:
        """Write what there is, within `FLUSH_S`; the next run finds again what is not written."""
        writing = self._writing
        try:
            async with asyncio.timeout(FLUSH_S):
                await self.rest()
                while haul := self._next or self._walk.leftover():
                    self._next = None
                    await self._write(haul)
        except (OmniError, TimeoutError) as error:
            get_logger().warning("crawl.flush_failed", error=str(error))
            if writing is not None:
                writing.cancel()

    async def _write(self, haul: Haul) -> None:
        async def also(tx: Tx, stored: StoredBatch) -> None:
            if not self._spared and any(isinstance(step, _GAINS) for step in haul.entry.steps):
                await ledger.spare_attempt(tx, self._job.id, self._job.attempt)
            entry = msgspec.structs.replace(haul.entry, wrote=intake.counts(stored))
            if not await self._append(tx, entry):
                raise Transient(_TAKEN)

        if haul.profiles:
            stored = await intake.write(self._world, self._job, haul.profiles, also=also)
        else:
            stored = intake.NOTHING
            async with self._world.db.transaction() as tx:
                await also(tx, stored)
        self._spared = self._spared or any(isinstance(step, _GAINS) for step in haul.entry.steps)
        self._position += 1
        self._walk.note_written(intake.counts(stored))

    async def _append(self, db: Executor, entry: Entry) -> bool:
        now = self._world.clock()
        return await logs.append(db, self._job.id, self._position, entry, now=now)

    def _recall(self, entry: Entry) -> None:
        self._walk.recall(entry)
        self._position += 1
