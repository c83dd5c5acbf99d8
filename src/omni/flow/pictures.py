"""The steps that fetch people's pictures, and remove those that nobody shows any more.

And the way on which judges are shown them: out of the storage, never from a foreign address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from omni.base.errors import NotFound
from omni.base.log import get_logger
from omni.connectors.fetched import Fetched, Validators
from omni.flow import follow
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs import store as ledger
from omni.jobs.types import FetchImages, SweepImages
from omni.llm.ports import Image
from omni.profiles import image_store
from omni.profiles import image_work as pictures
from omni.profiles.image_work import Brought
from omni.profiles.types import Seen
from omni.qualification import shortlist_store as shortlists
from omni.storage.db import Tx

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
        world.db,
        world.objects,
        WebGallery(world.http),
        args.profile_ids,
        seconds=IMAGES_S,
        tell=partial(_reopen, world),
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


async def _reopen(world: World, tx: Tx, profile_ids: tuple[int, ...]) -> None:
    """Let people whose pictures changed be judged anew, if any judge has ever been shown some."""
    if world.settings.llm_images or await shortlists.has_seen(tx):
        await ledger.enqueue(tx, follow.after_pictures(profile_ids), now=world.clock())


@dataclass(frozen=True, slots=True)
class HeldAlbum:
    """Shows judges the pictures that the storage holds."""

    world: World

    async def show(self, profile_id: int, sha256s: Sequence[str]) -> tuple[Image, ...] | None:
        """Return these pictures of a person; None where one is lost, and fetched again later."""
        world, found, lost = self.world, list[Image](), list[str]()
        for sha256 in sha256s:
            try:
                kept = await image_store.find_shown(world.db, sha256)
                data = await world.objects.get(sha256, copy=kept.copy)
                found.append(Image(kept.content_type, data))
            except NotFound:
                lost.append(sha256)
        if not lost:
            return tuple(found)
        now = world.clock()
        again = follow.after_pictures((profile_id,)), follow.after_looking((profile_id,), now=now)
        async with world.db.transaction() as tx:
            await image_store.lose_images(tx, profile_id, lost)
            await ledger.enqueue(tx, [job for jobs in again for job in jobs], now=now)
        get_logger().warning("profiles.images_lost", profile_id=profile_id, pictures=len(lost))
        return None


async def sweep_images(world: World, job: JobContext, args: SweepImages) -> StepResult:
    """Give up pictures that nobody shows, and remove those that were given up a while ago."""
    given_up, removed = await pictures.sweep(world.db, world.objects, now=world.clock())
    return StepResult({"given_up": given_up, "removed": removed})
