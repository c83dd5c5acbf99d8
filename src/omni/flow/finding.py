"""The steps that find people and look at them again, and fetch their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Any

from omni.base.errors import Cancelled, OmniError, Transient
from omni.base.log import get_logger
from omni.connectors.ports import ProfileSource
from omni.connectors.types import RawProfile, Seed
from omni.crawl import work as crawling
from omni.flow import follow
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs import store as ledger
from omni.jobs.plan import describe
from omni.jobs.types import CrawlRefresh, CrawlSeed, FetchImages, Progress
from omni.profiles import work as profiles
from omni.profiles.types import StoredBatch

NOTHING = StoredBatch((), (), 0)

IMAGES_S = 60.0
"""How long one job may fetch pictures: a host that hangs must not hold a place of the queue."""


async def crawl_seed(world: World, job: JobContext, args: CrawlSeed) -> StepResult:
    """Walk from the seed; write each batch with its follow-up jobs in one transaction."""
    walk = crawling.crawl(
        world.source(args.platform),
        Seed(args.platform, args.seed_type, args.seed_value),
        args.config,
        concurrency=world.settings.crawler_concurrency,
        monotonic=monotonic,
        report=job.report,
    )
    total = NOTHING
    async with aclosing(walk):
        async for batch in walk:
            total = _sum(total, await _write(world, job, batch))
    return StepResult(_counts(total))


@dataclass(frozen=True, slots=True)
class _Reread:
    """What a refresh has done so far."""

    stored: StoredBatch = NOTHING
    gone: int = 0
    looked: int = 0
    failed: int = 0


async def crawl_refresh(world: World, job: JobContext, args: CrawlRefresh) -> StepResult:
    """Read again whom we have not looked at for the longest time.

    The platforms share the limit, and one that fails does not keep the others from being read. A
    batch that fails goes to the end of its platform's line, so that it cannot stop those behind it;
    `last_seen` stays, for nobody was seen.

    Raises:
        Transient: Batches failed, and none could be read.
    """
    stale = await profiles.stale_refs(world.db, platforms=tuple(world.sources), limit=args.limit)
    total = sum(map(len, stale.values()))
    done = _Reread()
    for platform, ids in stale.items():
        source = world.source(platform)
        for start in range(0, len(ids), source.batch_size):
            part = ids[start : start + source.batch_size]
            done, goes_on = await _reread(world, job, source, part, done)
            job.report(Progress(done.looked, total))
            if not goes_on:
                break
    if done.failed and not done.looked:
        raise Transient(f"{done.failed} batches could not be read: see the log")
    return StepResult({**_counts(done.stored), "gone": done.gone, "failed_batches": done.failed})


async def _reread(
    world: World, job: JobContext, source: ProfileSource, ids: Sequence[str], done: _Reread
) -> tuple[_Reread, bool]:
    """Read one batch again; return what is done now, and whether to go on with the platform."""
    asked = world.clock()
    try:
        found = await source.fetch(ids)
        stored = await _write(world, job, found)
    except Cancelled:
        raise
    except Exception as error:
        get_logger().warning(
            "crawl.batch_unread",
            platform=source.platform,
            people=len(ids),
            error=describe(error),
            exc_info=not isinstance(error, OmniError),
        )
        await profiles.note_looked(
            world.db, platform=source.platform, platform_ids=ids, now=world.clock()
        )
        # A platform that is down is down for its next batch too; one that refuses some may take it.
        return replace(done, failed=done.failed + 1), not isinstance(error, Transient)
    gone = await _note_missing(world, source.platform, ids, found, asked)
    return _Reread(
        _sum(done.stored, stored), done.gone + gone, done.looked + len(ids), done.failed
    ), True


async def _note_missing(
    world: World, platform: str, ids: Sequence[str], found: Sequence[RawProfile], asked: datetime
) -> int:
    """Note who is gone, together with the jobs that let them leave every campaign."""
    shown = {profile.platform_id for profile in found if profile.discoverable}
    hidden = {profile.platform_id for profile in found} - shown
    async with world.db.transaction() as tx:
        gone = await profiles.mark_missing(
            tx,
            platform=platform,
            shown=sorted(shown),
            hidden=sorted(hidden),
            left_out=[person for person in ids if person not in shown | hidden],
            now=asked,
        )
        await ledger.enqueue(tx, follow.after_leaving(gone), now=world.clock())
    return len(gone)


async def fetch_images(world: World, job: JobContext, args: FetchImages) -> StepResult:
    """Fetch the pictures that are not held yet, within a time; what did not come is tried later."""
    fetched = await profiles.store_images(
        world.db, world.objects, world.http, args.profile_ids, seconds=IMAGES_S
    )
    return StepResult(
        {"kept": fetched.kept, "refused": fetched.refused, "people_missing": len(fetched.missing)},
        follow.after_images(job.id, args, fetched.missing, now=world.clock()),
    )


async def _write(world: World, job: JobContext, batch: Sequence[RawProfile]) -> StoredBatch:
    """Write profiles, features and the jobs that follow as one."""
    now = world.clock()
    async with world.db.transaction() as tx:
        stored = await profiles.store_batch(
            tx, batch, now=now, campaign_id=job.campaign_id, job_id=job.id
        )
        await ledger.enqueue(tx, follow.after_profiles(stored.new + stored.changed), now=now)
    return stored


def _sum(one: StoredBatch, other: StoredBatch) -> StoredBatch:
    return StoredBatch(
        one.new + other.new, one.changed + other.changed, one.unchanged + other.unchanged
    )


def _counts(stored: StoredBatch) -> dict[str, Any]:
    found = len(stored.new) + len(stored.changed) + stored.unchanged
    return {
        "profiles": found,
        "new": len(stored.new),
        "changed": len(stored.changed),
        "unchanged": stored.unchanged,
    }
