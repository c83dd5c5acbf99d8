"""The step that brings stored profiles to the present version of enrichment."""

from __future__ import annotations

from omni.flow import follow
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs import store as ledger
from omni.jobs.types import Progress, ReenrichProfiles
from omni.profiles import reenrich_work as profiles

PAGES = 200
"""Pages that one job looks at; the next one goes on behind them."""


async def reenrich_profiles(world: World, job: JobContext, args: ReenrichProfiles) -> StepResult:
    """Walk through the profiles; renew, page by page, features that an older version made.

    Each page is one transaction with the maintenance of those whom it changes. A run that is
    stopped loses nothing: what is renewed already is passed over.
    """
    after, renewed = args.after, 0
    for page in range(PAGES):
        last, outdated = await profiles.find_outdated(world.db, after=after)
        if last is None:
            return StepResult({"renewed": renewed})
        if outdated:
            now = world.clock()
            async with world.db.transaction() as tx:
                stored = await profiles.reenrich(tx, outdated, now=now)
                await ledger.enqueue(tx, follow.after_reenriching(stored), now=now)
            renewed += len(stored.changed)
        after = last
        job.report(Progress((page + 1) * profiles.PAGE, None, f"{renewed} renewed"))
    return StepResult({"renewed": renewed}, follow.after_part(job.id, after))
