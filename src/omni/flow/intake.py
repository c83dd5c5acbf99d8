"""How people who were found are taken in, with the jobs that follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from omni.connectors.types import RawProfile
from omni.flow import follow
from omni.flow.types import JobContext
from omni.flow.world import World
from omni.jobs import store as ledger
from omni.profiles import work as profiles
from omni.profiles.types import StoredBatch
from omni.storage.db import Tx

Also = Callable[[Tx, StoredBatch], Awaitable[None]]
"""What else is written together with a batch, once it is known what the batch did."""

NOTHING = StoredBatch((), (), 0)


async def write(
    world: World, job: JobContext, batch: Sequence[RawProfile], *, also: Also | None = None
) -> StoredBatch:
    """Write profiles, features, the jobs that follow and what `also` writes as one."""
    now = world.clock()
    async with world.db.transaction() as tx:
        stored = await profiles.store_batch(
            tx, batch, now=now, campaign_id=job.campaign_id, job_id=job.id
        )
        await ledger.enqueue(tx, follow.after_profiles(stored), now=now)
        if also is not None:
            await also(tx, stored)
    return stored


def add(one: StoredBatch, other: StoredBatch) -> StoredBatch:
    """Return what two batches did together."""
    return StoredBatch(
        one.new + other.new, one.changed + other.changed, one.unchanged + other.unchanged
    )


def counts(stored: StoredBatch) -> dict[str, Any]:
    """Return a job's result."""
    found = len(stored.new) + len(stored.changed) + stored.unchanged
    return {
        "profiles": found,
        "new": len(stored.new),
        "changed": len(stored.changed),
        "unchanged": stored.unchanged,
    }
