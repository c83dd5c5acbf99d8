"""The step that fetches people's pictures."""

from __future__ import annotations

from omni.flow import follow
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs.types import FetchImages
from omni.profiles import work as profiles

IMAGES_S = 60.0
"""How long one job may fetch pictures: a host that hangs must not hold a place of the queue."""


async def fetch_images(world: World, job: JobContext, args: FetchImages) -> StepResult:
    """Fetch the pictures that are not held yet, within a time; what did not come is tried later."""
    fetched = await profiles.store_images(
        world.db, world.objects, world.http, args.profile_ids, seconds=IMAGES_S
    )
    return StepResult(
        {"kept": fetched.kept, "refused": fetched.refused, "people_missing": len(fetched.missing)},
        follow.after_images(job.id, args, fetched.missing, now=world.clock()),
    )
