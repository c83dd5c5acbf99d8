"""What profiles keep of one person, and how a person is found."""

from __future__ import annotations

from omni.base.errors import Rejected
from omni.storage.db import Executor
from omni.storage.personal import Share
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.profiles", "erase")
SHARE = Share(QUERIES)


async def find_person(db: Executor, platform: str, platform_id: str) -> int | None:
    """Return the profile_id of a person; None where there is no profile."""
    return await db.fetchval(QUERIES["find_person"], platform=platform, platform_id=platform_id)


async def has_people(db: Executor, platform: str) -> bool:
    """Tell whether anybody of this platform is kept."""
    return bool(await db.fetchval(QUERIES["has_people"], platform=platform))


async def find_immutable_id(db: Executor, platform: str, given: str) -> str:
    """Return the immutable id of whom `given` means: it is that id, or else a name.

    What no profile has is taken for an immutable id.

    Raises:
        Rejected: Several people have this name.
    """
    if await find_person(db, platform, given) is not None:
        return given
    rows = await db.fetch(
        QUERIES["find_by_name"], platform=platform, username=given.removeprefix("@")
    )
    if len(rows) > 1:
        raise Rejected("several people have this name: give the immutable id", field="platform_id")
    return rows[0]["platform_id"] if rows else given
