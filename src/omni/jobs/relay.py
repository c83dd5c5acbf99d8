"""Carries doorbells from the ledger to the broker, and sweeps up after what was lost.

The order is: read, ring, mark. A relay that is killed between ringing and marking has the next one
ring the same doorbells again, which is harmless; the other order would lose them for a minute. For
the same reason, and because a network call has no place in a transaction, nothing is locked between
reading and marking: two relays at once only do some work twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from time import monotonic

from omni.base.clock import Clock
from omni.base.errors import Transient
from omni.base.log import get_logger
from omni.jobs import store
from omni.jobs.ports import Broker
from omni.jobs.types import Delivery, QueueName
from omni.storage.db import Database

BATCH = 500
"""The most doorbells of one round."""

POLL_S = 0.5
"""How long a due job waits when no notification wakes the relay, as after a snooze."""

SWEEP_S = 1.0
RELISTEN_S = 60.0
"""A listening connection can die without a sign, so that it is taken anew now and then."""

STALE_S = 60.0
"""A doorbell that nobody answered for so long is rung again."""

GRACE_S = 3.0
"""How long a lease is over before its run is given up, so that a stalled worker may recover it."""

READY = "ready"
"""The epoch mark of a broker that holds every doorbell which the ledger says it holds."""

RESTORING = "restoring"
"""The epoch mark while everything is rung again."""

MAX_PAUSE_S = 5.0

Doorbells = dict[QueueName, list[Delivery]]


async def run_relay(*, db: Database, broker: Broker, clock: Clock, stop: asyncio.Event) -> None:
    """Relay and sweep until `stop` is set; a database or broker that is gone is waited for."""
    log = get_logger()
    relay = Relay(db, broker, clock)
    failures = 0
    while not stop.is_set():
        began = monotonic()
        try:
            await relay.run_for(RELISTEN_S, stop)
        except Transient as error:
            failures = 1 if monotonic() - began > MAX_PAUSE_S else failures + 1
            log.warning("jobs.relay_faltered", error=str(error), failures=failures)
            ceiling = min(MAX_PAUSE_S, 0.1 * 2 ** min(failures, 10))
            await wait_for_any(stop, timeout_s=ceiling * (0.5 + random.random() / 2))  # noqa: S311


class Relay:
    """One relay; `run_relay` keeps it going."""

    def __init__(self, db: Database, broker: Broker, clock: Clock) -> None:
        self._db = db
        self._broker = broker
        self._clock = clock
        self._log = get_logger()
        self._next_sweep = 0.0
        self._next_backstop = 0.0

    async def run_for(self, seconds: float, stop: asyncio.Event) -> None:
        """Relay and sweep, woken by the ledger's notifications, for about that long."""
        woken = asyncio.Event()
        until = monotonic() + seconds
        async with self._db.listen(store.CHANNEL, lambda _: woken.set()):
            while not stop.is_set() and monotonic() < until:
                woken.clear()
                count = await self.publish_due()
                if monotonic() >= self._next_sweep:
                    await self.sweep()
                    self._next_sweep = monotonic() + SWEEP_S
                if count < BATCH:
                    await wait_for_any(woken, stop, timeout_s=POLL_S)

    async def publish_due(self) -> int:
        """Ring one batch of due doorbells; return how many."""
        due = await store.list_unpublished(self._db, now=self._clock(), limit=BATCH)
        return await self._ring(due)

    async def sweep(self) -> None:
        """Set right what a lost broker, a lost ring or a lost worker left behind."""
        await self._restore_epoch()
        if monotonic() >= self._next_backstop:
            await self._ring_stale()
            self._next_backstop = monotonic() + STALE_S / 12
        await self._requeue_lost()

    async def _restore_epoch(self) -> None:
        """Ring everything again when the broker has lost its data.

        A mark stands while we do it: if it is gone at the end, the data were lost once more
        meanwhile, and the next sweep begins anew; so does the next relay if this one dies.
        """
        if await self._broker.epoch() == READY:
            return
        await self._broker.set_epoch(RESTORING)
        before = self._clock()
        total = await self._ring_all(lambda: self._published_before(before))
        if await self._broker.epoch() is not None:
            await self._broker.set_epoch(READY)
            self._log.info("jobs.broker_restored", rung=total)

    async def _ring_all(self, read: Callable[[], Awaitable[Doorbells]]) -> int:
        """Ring batch after batch; marking moves each one out of what `read` finds."""
        total = 0
        while count := await self._ring(await read()):
            total += count
            if count < BATCH:
                break
        return total

    async def _ring_stale(self) -> None:
        """Ring again, one batch, what was rung long ago and never answered."""
        before = self._clock() - timedelta(seconds=STALE_S)
        count = await self._ring(await self._published_before(before))
        if count:
            self._log.info("jobs.stale_rung", count=count)

    def _published_before(self, before: datetime) -> Awaitable[Doorbells]:
        return store.list_published(self._db, before=before, limit=BATCH)

    async def _requeue_lost(self) -> None:
        lost = await store.requeue_lost(self._db, grace_s=GRACE_S, now=self._clock(), limit=BATCH)
        for run in lost:
            self._log.warning(
                "jobs.run_lost",
                job_id=str(run.job_id),
                campaign_id=run.campaign_id,
                kind=run.kind,
                attempts=run.attempts,
                state=run.state,
            )

    async def _ring(self, doorbells: Doorbells) -> int:
        for queue, deliveries in doorbells.items():
            await self._broker.publish(queue, deliveries)
            await store.mark_published(self._db, deliveries, now=self._clock())
        return sum(map(len, doorbells.values()))


async def wait_for_any(*events: asyncio.Event, timeout_s: float) -> None:
    """Return when one of the events is set, or when the time is over."""
    waiters = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiters, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()
