"""The tables of pictures: images, and the objects that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from omni.base.errors import NotFound
from omni.profiles.types import KeptObject, Seen, StoredImage
from omni.storage.db import Executor, Tx
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.profiles", "image")


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that a profile shows.

    Attributes:
        held_url: Where the picture came from that is held at its place; None if none is.
        seen: To ask with whether that has changed.
        fetched_at: When it was asked for last.
    """

    profile_id: int
    position: int
    url: str
    held_url: str | None
    seen: Seen
    fetched_at: datetime | None


async def shown_images(db: Executor, profile_ids: Sequence[int]) -> list[Shown]:
    """Return the pictures that these people show, the avatar first."""
    rows = await db.fetch(QUERIES["image_urls"], profile_ids=list(profile_ids))
    return [
        Shown(
            row["profile_id"],
            row["position"],
            row["url"],
            row["held_url"],
            Seen(row["etag"], row["last_modified"]),
            row["fetched_at"],
        )
        for row in rows
    ]


async def put_images(
    db: Executor, images: Iterable[tuple[StoredImage, Seen, str]], *, now: datetime
) -> int:
    """Record pictures, each with its validators and the copy of its object.

    Returns:
        For how many the person still exists, and the object was not given up meanwhile.
    """
    rows = sorted(images, key=lambda each: (each[0].profile_id, each[0].position))
    if not rows:
        return 0
    return await db.execute(
        QUERIES["put_images"],
        profile_ids=[image.profile_id for image, _, _ in rows],
        positions=[image.position for image, _, _ in rows],
        urls=[image.url for image, _, _ in rows],
        sha256s=[image.sha256 for image, _, _ in rows],
        copies=[copy for _, _, copy in rows],
        content_types=[image.content_type for image, _, _ in rows],
        bytes=[image.bytes for image, _, _ in rows],
        etags=[seen.etag for _, seen, _ in rows],
        last_modified=[seen.last_modified for _, seen, _ in rows],
        now=now,
    )


async def note_same(db: Executor, pictures: Sequence[tuple[Shown, Seen]], *, now: datetime) -> None:
    """Note that these pictures were asked for, and are as they were."""
    if pictures:
        await db.execute(
            QUERIES["note_same"],
            profile_ids=[shown.profile_id for shown, _ in pictures],
            positions=[shown.position for shown, _ in pictures],
            urls=[shown.url for shown, _ in pictures],
            etags=[seen.etag for _, seen in pictures],
            last_modified=[seen.last_modified for _, seen in pictures],
            now=now,
        )


async def lock_images(tx: Tx, profile_ids: Iterable[int]) -> dict[tuple[int, int], str]:
    """Return the SHA-256 of each picture of these people, by profile_id and position.

    Nobody else changes them until the transaction ends.
    """
    rows = await tx.fetch(QUERIES["lock_images"], profile_ids=sorted(set(profile_ids)))
    return {(row["profile_id"], row["position"]): row["sha256"] for row in rows}


async def drop_images(db: Executor, profile_ids: Sequence[int]) -> tuple[int, ...]:
    """Forget the pictures that these people no longer show; return who had some."""
    rows = await db.fetch(QUERIES["drop_images"], profile_ids=list(profile_ids))
    return tuple(sorted({row["profile_id"] for row in rows}))


async def lose_images(db: Executor, profile_id: int, sha256s: Sequence[str]) -> None:
    """Forget pictures of a person whose bytes are lost; they are fetched again."""
    await db.execute(QUERIES["lose_images"], profile_id=profile_id, sha256s=list(sha256s))


async def images_of(db: Executor, profile_ids: Sequence[int]) -> dict[int, list[StoredImage]]:
    """Return the pictures that are held, by profile_id, the avatar first."""
    rows = await db.fetch(QUERIES["images_of"], profile_ids=list(profile_ids))
    images: dict[int, list[StoredImage]] = {}
    for row in rows:
        images.setdefault(row["profile_id"], []).append(StoredImage(**row))
    return images


async def find_old_images(
    db: Executor, profile_ids: Sequence[int], *, before: datetime
) -> tuple[int, ...]:
    """Return whose pictures have not been asked for since a moment."""
    rows = await db.fetch(QUERIES["find_old_images"], profile_ids=list(profile_ids), before=before)
    return tuple(row["profile_id"] for row in rows)


async def keep_object(
    db: Executor, sha256: str, *, copy: str, content_type: str, size: int, now: datetime
) -> tuple[str, bool]:
    """Ask to keep an object; nobody gives it up for a while.

    Args:
        copy: A name that nobody has used: that of the copy, if it is a new object.

    Returns:
        The copy that is kept, and whether its bytes are surely there.
    """
    row = await db.fetchrow(
        QUERIES["keep_object"],
        sha256=sha256,
        copy=copy,
        content_type=content_type,
        bytes=size,
        now=now,
    )
    assert row is not None
    return row["copy"], row["stored"]


async def find_shown(db: Executor, sha256: str) -> KeptObject:
    """Return the object that somebody's picture is held in.

    Raises:
        NotFound: Nobody shows such a picture.
    """
    row = await db.fetchrow(QUERIES["find_shown"], sha256=sha256)
    if row is None:
        raise NotFound("there is no such picture")
    return KeptObject(sha256, row["copy"], row["content_type"], row["bytes"])


async def doom_stretch(
    tx: Tx, *, after: str, size: int, unused_since: datetime, now: datetime
) -> tuple[str, int, int]:
    """Give up those of the next objects that nothing shows.

    Args:
        tx: A transaction: the objects are locked first, and looked at again behind the lock.
        after: The SHA-256 at which the stretch begins, without it.
        size: How many objects it has at most.
        unused_since: Who was asked for since then stays.
        now: The present moment.

    Returns:
        Where the stretch ends (empty: at the end of the table), how many objects it had, and how
        many of them were given up.
    """
    stretch: dict[str, Any] = {"after": after, "size": size, "unused_since": unused_since}
    await tx.fetch(QUERIES["lock_unused"], **stretch)
    row = await tx.fetchrow(QUERIES["doom_stretch"], **stretch, now=now)
    assert row is not None
    return row["reached"] or "", row["seen"], row["doomed"]


async def find_doomed(db: Executor, *, before: datetime, limit: int) -> list[tuple[str, str]]:
    """Return SHA-256 and copy of objects that were given up before a moment."""
    rows = await db.fetch(QUERIES["find_doomed"], before=before, limit=limit)
    return [(row["sha256"], row["copy"]) for row in rows]


async def forget_objects(db: Executor, objects: Sequence[tuple[str, str]]) -> None:
    """Forget objects whose bytes are gone."""
    if objects:
        await db.execute(
            QUERIES["forget_objects"],
            sha256s=[sha256 for sha256, _ in objects],
            copies=[copy for _, copy in objects],
        )


async def drop_images_of(db: Executor, profile_ids: Sequence[int]) -> None:
    """Show no picture of these people any more; the sweep removes what nobody else shows."""
    if profile_ids:
        await db.execute(QUERIES["drop_images_of"], profile_ids=list(profile_ids))
