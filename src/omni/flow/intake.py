"""How people who were found are taken in, with the jobs that follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from omni.connectors.types import RawProfile
from omni.erasures import store as erasures
from omni.flow import follow
from omni.flow.types import JobContext
from omni.flow.world import World
from omni.jobs import store as ledger
from omni.leads import suppressions_store as suppressions
from omni.profiles import image_store
from omni.profiles import work as profiles
from omni.profiles.types import StoredBatch
from omni.storage.db import Database, Tx

Also = Callable[[Tx, StoredBatch], Awaitable[None]]
"""What else is written together with a batch, once it is known what the batch did."""

NOTHING = StoredBatch((), (), 0)


async def write(
    world: World, job: JobContext, batch: Sequence[RawProfile], *, also: Also | None = None
) -> StoredBatch:
    """Write profiles, features, the jobs that follow and what `also` writes as one.

    See `take_in` for who is left out. Two batches may be written at once: while Postgres writes
    one, the other is hashed and enriched. Who hides is let go before: a batch that was written is
    never read again, while letting go twice changes nothing.
    """
    await forget_hidden(world.db, batch, now=world.clock())
    return await take_in(
        world.db,
        batch,
        now=world.clock(),
        campaign_id=job.campaign_id,
        job_id=job.id,
        also=also,
    )


async def take_in(
    db: Database,
    batch: Sequence[RawProfile],
    *,
    now: datetime,
    campaign_id: int | None,
    job_id: UUID | None,
    also: Also | None = None,
) -> StoredBatch:
    """Write a batch of people with the jobs that follow; all of it, or nothing.

    Who is suppressed or was erased is left out: nothing new is stored of people who asked us to
    leave them alone.
    Who asks the platform not to be found is left out as well; `forget_hidden` lets go of them.

    Raises:
        Transient: The database failed.
    """
    ready = await profiles.prepare(db, batch, now=now)
    async with db.transaction() as tx:
        keys = [a.key for a in ready.arranged]
        names = [a.profile.username for a in ready.arranged]
        unwanted = await suppressions.suppressed_among(tx, keys, names)
        unwanted |= await erasures.erased_among(tx, keys)
        stored = await profiles.store_batch(
            tx, ready.without(unwanted), now=now, campaign_id=campaign_id, job_id=job_id
        )
        stored = replace(stored, left_out=len(unwanted))
        await ledger.enqueue(tx, follow.after_profiles(stored), now=now)
        if also is not None:
            await also(tx, stored)
    return stored


async def forget_hidden(
    db: Database, batch: Sequence[RawProfile], *, now: datetime
) -> tuple[int, ...]:
    """Let go, at once, of those of a batch who are known and ask not to be found any more.

    They lose their features and pictures, and leave every campaign. This has a transaction of its
    own for each platform: it must not wait for people while it holds those of another batch.

    Returns:
        The profile_ids of those for whom that is news.
    """
    everyone: list[int] = []
    hidden: dict[str, set[str]] = {}
    for profile in batch:
        # Postgres takes no NUL, so that nobody is known by such an id.
        if not profile.discoverable and "\0" not in profile.platform_id:
            hidden.setdefault(profile.platform, set()).add(profile.platform_id)
    for platform, people in sorted(hidden.items()):
        async with db.transaction() as tx:
            gone = await profiles.mark_missing(
                tx, platform=platform, shown=(), hidden=sorted(people), left_out=(), now=now
            )
            await image_store.drop_images_of(tx, gone)
            await ledger.enqueue(tx, follow.after_leaving(gone), now=now)
        everyone += gone
    return tuple(everyone)


def add(one: StoredBatch, other: StoredBatch) -> StoredBatch:
    """Return what two batches did together."""
    return StoredBatch(
        one.new + other.new,
        one.changed + other.changed,
        one.unchanged + other.unchanged,
        left_out=one.left_out + other.left_out,
    )


def counts(stored: StoredBatch) -> dict[str, Any]:
    """Return a job's result."""
    found = len(stored.new) + len(stored.changed) + stored.unchanged
    return {
        "profiles": found,
        "new": len(stored.new),
        "changed": len(stored.changed),
        "unchanged": stored.unchanged,
        "left_out": stored.left_out,
    }
