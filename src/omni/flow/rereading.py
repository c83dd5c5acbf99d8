"""The step that looks at people again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from omni.base.errors import Cancelled, OmniError, Transient
from omni.base.log import get_logger
from omni.connectors.ports import ProfileSource
from omni.connectors.types import RawProfile
from omni.flow import follow, intake
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs import store as ledger
from omni.jobs.plan import describe
from omni.jobs.types import CrawlRefresh, Progress
from omni.profiles import work as profiles
from omni.profiles.types import StoredBatch


@dataclass(frozen=True, slots=True)
class _Reread:
    """What a refresh has done so far."""

    stored: StoredBatch = intake.NOTHING
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
    return StepResult(
        {**intake.counts(done.stored), "gone": done.gone, "failed_batches": done.failed}
    )


async def _reread(
    world: World, job: JobContext, source: ProfileSource, ids: Sequence[str], done: _Reread
) -> tuple[_Reread, bool]:
    """Read one batch again; return what is done now, and whether to go on with the platform."""
    asked = world.clock()
    try:
        found = await source.fetch(ids)
        stored = await intake.write(world, job, found)
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
        intake.add(done.stored, stored), done.gone + gone, done.looked + len(ids), done.failed
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
