"""Makes the calls that are due: claim, post, record; a call that is lost is made again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from omni.base.clock import Clock
from omni.base.errors import Ambiguous, OmniError, Rejected, Transient
from omni.base.log import get_logger
from omni.base.vault import Vault
from omni.storage.db import Database
from omni.webhooks import plan, store
from omni.webhooks.types import Call, Outcome

AT_ONCE = 8
"""Calls that are under way at the same time."""

BATCH = 50
CALL_S = 20.0
LEASE = timedelta(minutes=5)
"""After so long a claimed call of a lost run is due again; a batch takes less."""

RUN_S = 90.0
"""A run takes no new batch after so long."""

GONE = 410


class Poster(Protocol):
    """Posts bytes once; whoever implements it guards which addresses may be asked."""

    async def hand_over(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> object:
        """Return when the other side has taken it.

        Raises:
            Rejected: It was refused, or the address must not be asked.
            Transient: Surely not taken.
            Ambiguous: Perhaps taken.
        """
        ...


async def deliver(db: Database, http: Poster, vault: Vault, *, clock: Clock) -> dict[str, int]:
    """Make the calls that are due; return how many came to what.

    A call is made at least once: after a crash it may be made again, with the same id.

    Raises:
        Transient: The database failed.
    """
    outcomes = {"delivered": 0, "pending": 0, "failed": 0, "dropped": 0}
    until = asyncio.get_running_loop().time() + RUN_S
    while asyncio.get_running_loop().time() < until:
        now = clock()
        async with db.transaction() as tx:
            calls = await store.claim_due(tx, now=now, until=now + LEASE, limit=BATCH)
        free = asyncio.Semaphore(AT_ONCE)
        for state in await asyncio.gather(
            *[_deliver(db, http, vault, clock, free, call) for call in calls]
        ):
            outcomes[state] += 1
        if len(calls) < BATCH:
            break
    return outcomes


async def _deliver(
    db: Database, http: Poster, vault: Vault, clock: Clock, free: asyncio.Semaphore, call: Call
) -> str:
    async with free:
        outcome = await _call(db, http, vault, clock, call)
    async with db.transaction() as tx:
        await store.record(tx, call, outcome, now=clock())
    if outcome.disable is not None:
        get_logger().warning(
            "webhooks.endpoint_disabled", endpoint_id=call.endpoint_id, because=outcome.disable
        )
    return outcome.state


async def _call(db: Database, http: Poster, vault: Vault, clock: Clock, call: Call) -> Outcome:
    data = await store.data_of(db, call)
    if data is None:
        return plan.gone()
    body = plan.body_of(call.kind, call.occurred_at, data)
    roll = random.random()  # noqa: S311 - jitter
    try:
        headers = plan.headers_of(vault.decrypt(call.secret).decode(), call.event_id, clock(), body)
        async with asyncio.timeout(CALL_S):
            await http.hand_over(call.url, body, headers=headers)
    except (OmniError, TimeoutError) as error:
        told = str(error) or f"no answer within {CALL_S:g} s"
        retry_after = error.retry_after if isinstance(error, Transient) else None
        lost = isinstance(error, Rejected) and getattr(error, "status", None) == GONE
        level = (
            get_logger().info if isinstance(error, Transient | Ambiguous) else get_logger().warning
        )
        level("webhooks.call_failed", endpoint_id=call.endpoint_id, error=told)
        return plan.failed(
            call, told, now=clock(), roll=roll, retry_after=retry_after, gone_for_good=lost
        )
    return plan.taken()
