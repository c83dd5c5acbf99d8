"""Writes what was found: content first compared by hash, so that the unchanged cost little."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from omni.base.clock import utc_now
from omni.base.errors import Rejected, Transient
from omni.base.log import get_logger
from omni.connectors.types import RawProfile
from omni.profiles import store
from omni.profiles.enrich import enrich
from omni.profiles.images import MAX_BYTES, check_image
from omni.profiles.plan import Arranged, Known, Met, arrange, sort_out
from omni.profiles.types import StoredBatch, StoredImage
from omni.storage.db import Database, Executor
from omni.storage.objects import Objects

IMAGE_CONCURRENCY = 8
IMAGE_BATCH = 100
"""Pictures that are recorded with one statement."""


class Http(Protocol):
    """The HTTP layer, as far as pictures need it."""

    async def get_bytes(
        self, url: str, *, max_bytes: int | None = None, accept: str = "*/*"
    ) -> bytes:
        """Return the body at `url`."""
        ...


async def store_batch(
    tx: Executor,
    profiles: Sequence[RawProfile],
    *,
    now: datetime,
    campaign_id: int | None,
    job_id: UUID | None,
) -> StoredBatch:
    """Write what a platform says of people: all of the batch, or nothing with the transaction.

    The unchanged only get a new `last_seen`. Raw profile and features of the new and the changed
    are written together, so `version_hash` always is the `content_hash`. People without a usable
    id, and those who do not want to be found, are not written. Several writers may bring the same
    people at once.

    Args:
        tx: A transaction; it may do more than this, but not store a second batch: who holds the
            people of one batch must not wait for those of another.
        profiles: In any order; of two for the same person the last one counts.
        now: The moment of the crawl.
        campaign_id: For whom they were found, if for a campaign.
        job_id: The job that found them; needed with `campaign_id`.

    Raises:
        Rejected: `campaign_id` without `job_id`.
        Transient: The database failed.
    """
    if campaign_id is not None and job_id is None:
        raise Rejected("a discovery needs the job that made it", field="job_id")
    arranged = await asyncio.to_thread(arrange, profiles)
    if len(arranged) < len(profiles):
        get_logger().info("profiles.left_out", people=len(profiles) - len(arranged))
    new = await _add_new(tx, arranged, now)
    met = await _lock_known(tx, [a for a in arranged if a.key not in new])
    await store.touch_unchanged(tx, met.unchanged, now)
    await store.write_changed(tx, [(each, _row(a)) for each, a in met.changed], now)
    written = [*met.changed, *((new[a.key], a) for a in arranged if a.key in new)]
    await store.put_features(tx, await asyncio.to_thread(_features, written, now), now)
    if campaign_id is not None and job_id is not None:
        everyone = [*(each for each, _ in written), *met.unchanged]
        await store.add_discoveries(tx, campaign_id, everyone, job_id=job_id, now=now)
    return StoredBatch(
        new=tuple(sorted(new.values())),
        changed=tuple(sorted(each for each, _ in met.changed)),
        unchanged=len(met.unchanged),
    )


async def stale_refs(db: Executor, *, platforms: Sequence[str], limit: int) -> dict[str, list[str]]:
    """Return whom we have not seen for the longest time: platform → ids, the longest first."""
    refs: dict[str, list[str]] = {}
    for platform, platform_id in await store.stale_refs(db, platforms, limit):
        refs.setdefault(platform, []).append(platform_id)
    return refs


async def mark_gone(
    tx: Executor, *, platform: str, platform_ids: Sequence[str], now: datetime
) -> int:
    """Note that a platform no longer shows these people, so that they are not refreshed again.

    Without it, those who left would stay the ones not seen for the longest time, and every refresh
    would ask for them before anybody else.
    """
    return await store.mark_gone(tx, platform, platform_ids, now=now)


async def store_images(
    db: Database, objects: Objects, http: Http, profile_ids: Sequence[int]
) -> int:
    """Fetch the pictures of these people that are not held yet; return how many were kept.

    At most three each. A picture that cannot be had, or is none, is left out and logged; it never
    fails its profile. The same URL is not fetched again.

    Raises:
        Transient: The database or the object storage failed.
    """
    if not profile_ids:
        return 0
    wanted = await store.missing_images(db, profile_ids)
    slots = asyncio.Semaphore(IMAGE_CONCURRENCY)
    kept = 0
    for start in range(0, len(wanted), IMAGE_BATCH):
        fetching = (
            _fetch_image(objects, http, slots, *each)
            for each in wanted[start : start + IMAGE_BATCH]
        )
        images = [image for image in await asyncio.gather(*fetching) if image is not None]
        kept += await store.put_images(db, images, now=utc_now())
    await store.drop_images(db, profile_ids)
    return kept


async def _add_new(
    tx: Executor, arranged: Sequence[Arranged], now: datetime
) -> dict[store.Key, int]:
    """Add those who are not known; return the ids of those whom nobody else has added meanwhile.

    This comes before anybody is locked. An insert may have to wait for a writer who has inserted
    the same person, or who is updating them; whoever waits here holds nobody whom such a writer
    could be waiting for, so that no circle can arise.
    """
    known = await store.find_ids(tx, [a.key for a in arranged])
    return await store.add_new(tx, [_row(a) for a in arranged if a.key not in known], now)


async def _lock_known(tx: Executor, arranged: Sequence[Arranged]) -> Met:
    known = await store.lock_known(tx, [(a.key, a.content_hash) for a in arranged])
    return sort_out(arranged, [Known(*each) for each in known])


def _row(arranged: Arranged) -> store.RawRow:
    profile = arranged.profile
    return store.RawRow(
        profile.platform,
        profile.platform_id,
        profile.username,
        arranged.payload,
        arranged.content_hash,
    )


def _features(written: Sequence[tuple[int, Arranged]], now: datetime) -> list[store.FeatureRow]:
    return [
        store.FeatureRow(profile_id, enrich(a.profile, now=now), a.content_hash)
        for profile_id, a in sorted(written, key=lambda each: each[0])
    ]


async def _fetch_image(
    objects: Objects, http: Http, slots: asyncio.Semaphore, profile_id: int, position: int, url: str
) -> StoredImage | None:
    async with slots:
        try:
            data = await http.get_bytes(url, max_bytes=MAX_BYTES, accept="image/*")
            content_type = check_image(data)
        except (Rejected, Transient) as error:
            get_logger().info("profiles.image_left_out", profile_id=profile_id, error=str(error))
            return None
        name = await objects.put(data)
    return StoredImage(profile_id, position, url, name, content_type, len(data))
