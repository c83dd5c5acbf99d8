"""The steps that fetch people's pictures, and remove those that nobody shows any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from omni.connectors.fetched import Fetched, Validators
from omni.flow import follow
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs.types import FetchImages, SweepImages
from omni.profiles import image_work as pictures
from omni.profiles.image_work import Brought
from omni.profiles.types import Seen

IMAGES_S = 60.0
"""How long one job may fetch pictures: a host that hangs must not hold a place of the queue."""


class Http(Protocol):
    """The HTTP layer, as far as pictures need it."""

    async def get(
        self,
        url: str,
        *,
        accept: str = "*/*",
        max_bytes: int | None = None,
        validators: Validators | None = None,
    ) -> Fetched:
        """Return the answer at `url`."""
        ...


@dataclass(frozen=True, slots=True)
class WebGallery:
    """Fetches pictures from the web, on condition that they have changed."""

    http: Http

    async def bring(self, url: str, seen: Seen, *, max_bytes: int) -> Brought:
        """Return the picture at `url`, if it is not the one that was `seen`."""
        answer = await self.http.get(
            url,
            accept="image/*",
            max_bytes=max_bytes,
            validators=Validators(seen.etag, seen.last_modified),
        )
        known = Seen(answer.validators.etag, answer.validators.last_modified)
        return Brought(None if answer.status == "not_modified" else answer.body, known)


async def fetch_images(world: World, job: JobContext, args: FetchImages) -> StepResult:
    """Fetch the pictures that are not held yet, within a time; what did not come is tried later."""
    fetched = await pictures.store_images(
        world.db, world.objects, WebGallery(world.http), args.profile_ids, seconds=IMAGES_S
    )
    return StepResult(
        {
            "kept": fetched.kept,
            "same": fetched.same,
            "refused": fetched.refused,
            "people_missing": len(fetched.missing),
        },
        follow.after_images(job.id, args, fetched.missing, now=world.clock()),
    )


async def sweep_images(world: World, job: JobContext, args: SweepImages) -> StepResult:
    """Give up pictures that nobody shows, and remove those that were given up a while ago."""
    given_up, removed = await pictures.sweep(world.db, world.objects, now=world.clock())
    return StepResult({"given_up": given_up, "removed": removed})
