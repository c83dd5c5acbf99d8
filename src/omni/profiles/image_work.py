"""Keeps people's pictures: fetched with care, stored once, removed when nothing shows them.

**Why an object that is used is never removed**, whatever runs at once. An object has a row with its
SHA-256 and a copy, a name that was never used before; both together are its name in the storage.

1. Who wants to keep bytes asks first (`keep_object`, a commit of its own), which puts off the
   object's end by `UNUSED_FOR`; then puts the bytes; then records the picture, in one statement
   that changes the object's row, and records nothing if the object was given up meanwhile.
2. Who collects gives an object up (`doom_stretch`) only if no picture shows it, and nobody has
   asked for it within `UNUSED_FOR`. Both sides lock the same row first, so that one of them comes
   second, and looks again with a statement that sees what the other wrote.
3. What was given up is never taken up: who wants the same bytes makes another copy. So the bytes of
   the old one can be removed at any later time, after any crash, as often as one likes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import uuid4

from omni.base.clock import utc_now
from omni.base.errors import OmniError, Transient
from omni.base.hashing import digest_bytes
from omni.base.log import get_logger
from omni.profiles import image_store as store
from omni.profiles import refresh_store as rounds
from omni.profiles.image_store import Shown
from omni.profiles.images import MAX_BYTES, remake
from omni.profiles.lasting import lasting_url
from omni.profiles.refresh_store import Round
from omni.profiles.types import FetchedImages, Seen, StoredImage
from omni.storage.db import Database, Executor, Tx
from omni.storage.objects import Objects

CONCURRENCY = 8
BATCH = 100
"""Pictures that are recorded with one statement."""

FETCH_S = 60.0
"""How long a call fetches pictures, in seconds, if its caller does not say."""

ASKED_AGAIN = timedelta(days=7)
"""After so long a picture is asked for again, on condition that it has changed."""

UNUSED_FOR = timedelta(days=1)
"""An object that nobody has asked to keep for so long may be given up, if nothing shows it."""

REMOVED_AFTER = timedelta(hours=1)
"""When the bytes of what was given up are removed: who was reading them is done by then."""

SWEEP = 10_000
"""How many objects one sweep looks at."""

REMOVED_AT_ONCE = 1_000
_SWEEP_NAME = "images"


@dataclass(frozen=True, slots=True)
class Brought:
    """A picture as its host gave it; `data` is None where it is as it was."""

    data: bytes | None
    seen: Seen


class Gallery(Protocol):
    """Fetches pictures."""

    async def bring(self, url: str, seen: Seen, *, max_bytes: int) -> Brought:
        """Return the picture at `url`, if it is not the one that was `seen`.

        Raises:
            Rejected: It cannot be had, or is no picture.
            Transient: It may come another time.
        """
        ...


Tell = Callable[[Tx, tuple[int, ...]], Awaitable[object]]
"""Told, in the transaction that writes it, who shows other pictures than before."""


async def tell_nobody(tx: Tx, profile_ids: tuple[int, ...]) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    """What became of one picture; `image` only where it came."""

    how: Literal["came", "same", "refused", "missing"]
    shown: Shown
    seen: Seen = field(default_factory=Seen)
    image: StoredImage | None = None
    copy: str = ""


async def store_images(
    db: Database,
    objects: Objects,
    gallery: Gallery,
    profile_ids: Sequence[int],
    *,
    seconds: float = FETCH_S,
    tell: Tell = tell_nobody,
) -> FetchedImages:
    """Fetch the pictures of these people that are not held yet, or not asked for in a long time.

    At most three each. A picture that cannot be had, or is none, is left out and logged; it never
    fails its profile. URLs that differ only in what expires are the same.

    Args:
        seconds: After so long no more is waited for; what has come until then is kept.
        tell: Told who shows other pictures than before, in the transaction that writes it.

    Raises:
        Transient: The database or the object storage failed.
    """
    if not profile_ids:
        return FetchedImages(0, 0, ())
    until = asyncio.get_running_loop().time() + seconds
    now = utc_now()
    wanted = [s for s in await store.shown_images(db, profile_ids) if _is_wanted(s, now)]
    slots = asyncio.Semaphore(CONCURRENCY)
    kept = 0
    done: list[_Fetched] = []
    # One at a time is unpacked: that bounds the memory, whatever the files are.
    with ThreadPoolExecutor(1, "omni-pictures") as unpacking:
        for start in range(0, len(wanted), BATCH):
            came = await asyncio.gather(
                *[
                    _fetch(db, objects, gallery, slots, unpacking, until, shown)
                    for shown in wanted[start : start + BATCH]
                ]
            )
            kept += await _record(db, came, tell)
            same = [(each.shown, each.seen) for each in came if each.how == "same"]
            await store.note_same(db, same, now=utc_now())
            done += came
    async with db.transaction() as tx:
        if dropped := await store.drop_images(tx, profile_ids):
            await tell(tx, dropped)
    missing = {each.shown.profile_id for each in done if each.how == "missing"}
    return FetchedImages(
        kept,
        sum(each.how == "refused" for each in done),
        tuple(sorted(missing)),
        sum(each.how == "same" for each in done),
    )


async def _record(db: Database, came: Sequence[_Fetched], tell: Tell) -> int:
    """Record what came; return how many pictures are kept."""
    new = [(each.image, each.seen, each.copy) for each in came if each.image]
    if not new:
        return 0
    async with db.transaction() as tx:
        before = await store.lock_images(tx, (image.profile_id for image, _, _ in new))
        written = await store.put_images(tx, new, now=utc_now())
        other = {
            i.profile_id for i, _, _ in new if before.get((i.profile_id, i.position)) != i.sha256
        }
        if other:
            await tell(tx, tuple(sorted(other)))
    if written < len(new):
        get_logger().info("profiles.images_unrecorded", pictures=len(new) - written)
    return written


async def old_images(db: Executor, profile_ids: Sequence[int], *, now: datetime) -> tuple[int, ...]:
    """Return whose pictures have not been asked for in a long time."""
    return await store.find_old_images(db, profile_ids, before=now - ASKED_AGAIN)


async def keep(
    db: Executor, objects: Objects, data: bytes, content_type: str, *, now: datetime
) -> tuple[str, str]:
    """Store bytes once; return their SHA-256 and the copy that holds them."""
    sha256 = digest_bytes(data)
    copy, stored = await store.keep_object(
        db, sha256, copy=uuid4().hex[:16], content_type=content_type, size=len(data), now=now
    )
    if not stored:
        await objects.put(data, copy=copy)
    return sha256, copy


async def sweep(db: Database, objects: Objects, *, now: datetime) -> tuple[int, int]:
    """Give up objects that nothing shows, and remove what was given up; both are bounded.

    Returns:
        How many objects were given up, and the bytes of how many were removed.

    Raises:
        Transient: The database or the object storage failed; another sweep goes on.
    """
    walk = await rounds.read_round(db, _SWEEP_NAME)
    async with db.transaction() as tx:
        reached, seen, doomed = await store.doom_stretch(
            tx, after=walk.reached, size=SWEEP, unused_since=now - UNUSED_FOR, now=now
        )
    moved = Round(reached if seen == SWEEP else "", [], None, now)
    await rounds.put_round(db, _SWEEP_NAME, moved, was=walk.reached)
    removable = await store.find_doomed(db, before=now - REMOVED_AFTER, limit=REMOVED_AT_ONCE)
    for sha256, copy in removable:
        await objects.delete(sha256, copy=copy)
        await store.forget_objects(db, [(sha256, copy)])
    if doomed or removable:
        get_logger().info("profiles.images_swept", given_up=doomed, removed=len(removable))
    return doomed, len(removable)


def _is_wanted(shown: Shown, now: datetime) -> bool:
    if shown.held_url is None or lasting_url(shown.url) != lasting_url(shown.held_url):
        return True
    return shown.fetched_at is None or shown.fetched_at < now - ASKED_AGAIN


async def _fetch(
    db: Database,
    objects: Objects,
    gallery: Gallery,
    slots: asyncio.Semaphore,
    unpacking: ThreadPoolExecutor,
    until: float,
    shown: Shown,
) -> _Fetched:
    """Fetch one picture; `missing` is one that may come another time."""
    held = shown.held_url is not None and lasting_url(shown.held_url) == lasting_url(shown.url)
    try:
        async with asyncio.timeout_at(until), slots:
            brought = await gallery.bring(
                shown.url, shown.seen if held else Seen(), max_bytes=MAX_BYTES
            )
            if brought.data is None:
                return _Fetched("same", shown, brought.seen)
            picture = await asyncio.get_running_loop().run_in_executor(
                unpacking, remake, brought.data
            )
    except (OmniError, TimeoutError) as error:
        why = str(error) or "out of time"
        get_logger().info("profiles.image_left_out", profile_id=shown.profile_id, error=why)
        passing = isinstance(error, (Transient, TimeoutError))
        return _Fetched("missing" if passing else "refused", shown)
    sha256, copy = await keep(db, objects, picture.data, picture.content_type, now=utc_now())
    image = StoredImage(
        shown.profile_id,
        shown.position,
        shown.url,
        sha256,
        picture.content_type,
        len(picture.data),
    )
    return _Fetched("came", shown, brought.seen, image, copy)
