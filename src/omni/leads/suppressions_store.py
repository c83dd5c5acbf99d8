"""Suppressions in Postgres: who must not be written to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from omni.base.errors import NotFound
from omni.base.log import get_logger
from omni.leads.suppressing import keys_of
from omni.leads.suppression_lines import Wanted
from omni.leads.types import Lift, Scope, Suppression
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.leads", "suppressions")

_LAST_ID = 2**63 - 1


async def suppress(
    tx: Executor,
    *,
    platform: str,
    platform_id: str,
    reason: str,
    source: str,
    now: datetime,
    spelling_of: str | None = None,
) -> bool:
    """See to it that a person is never written to again; only a person can lift it.

    Args:
        tx: Where to write.
        platform: Theirs.
        platform_id: Their id or username.
        reason: Why.
        source: Who says so.
        now: The present moment.
        spelling_of: What was meant, if this is another spelling of it.

    Returns:
        False if that was so already; then the first reason stands.
    """
    added = await tx.execute(
        QUERIES["insert_suppression"],
        platform=platform,
        platform_id=platform_id,
        spelling_of=spelling_of,
        reason=reason,
        source=source,
        now=now,
    )
    return added == 1


async def suppress_scope(
    tx: Executor,
    scope: Scope,
    *,
    platform: str | None = None,
    value: str | None = None,
    reason: str,
    source: str,
    now: datetime,
) -> tuple[tuple[str, str], bool]:
    """Suppress a person (by id or username), a domain, a platform or everybody.

    Returns:
        The pair under which it stands, and whether it is new.

    Raises:
        Rejected: A part is missing or makes no sense.
    """
    keys = keys_of(scope, platform, value)
    (_, meant), *_ = keys
    added = [
        await suppress(
            tx,
            platform=of,
            platform_id=named,
            reason=reason,
            source=source,
            now=now,
            spelling_of=None if named == meant else meant,
        )
        for of, named in keys
    ]
    return keys[0], any(added)


async def suppress_many(
    tx: Executor, wanted: Sequence[Wanted], *, source: str, now: datetime
) -> int:
    """Write what a part of a file asks for; return how many of its lines are news."""
    each = [(*key, line.keys[0][1], line.reason) for line in wanted for key in line.keys]
    return await tx.fetchval(
        QUERIES["insert_suppressions"],
        platforms=[platform for platform, _, _, _ in each],
        platform_ids=[platform_id for _, platform_id, _, _ in each],
        spellings_of=[None if named == meant else meant for _, named, meant, _ in each],
        reasons=[reason for _, _, _, reason in each],
        source=source,
        now=now,
    )


async def is_suppressed(
    db: Executor, *, platform: str, platform_id: str, username: str | None = None
) -> bool:
    """Tell whether a person must not be written to, for whatever reason."""
    return await db.fetchval(
        QUERIES["find_suppression"], platform=platform, platform_id=platform_id, username=username
    )


async def suppressed_among(
    db: Executor, people: Sequence[tuple[str, str]], usernames: Sequence[str | None] | None = None
) -> set[tuple[str, str]]:
    """Return who of these must be left alone, by platform and immutable id.

    Suppressions of a whole platform, or of all, do not count: they stop messages alone. Who was
    suppressed by a name and has taken another is left alone as before.

    Args:
        db: Where to read.
        people: Platform and immutable id of each.
        usernames: Theirs, in the same order; None: as they were stored.
    """
    if not people:
        return set()
    rows = await db.fetch(
        QUERIES["find_suppressed"],
        platforms=[platform for platform, _ in people],
        platform_ids=[platform_id for _, platform_id in people],
        usernames=[None] * len(people) if usernames is None else list(usernames),
    )
    return {(row["platform"], row["platform_id"]) for row in rows}


async def list_suppressions(
    db: Executor, *, limit: int, before_id: int | None = None, wide: bool = False
) -> list[Suppression]:
    """Return suppressions, the newest first, from right below `before_id` on.

    Args:
        db: Where to read.
        limit: The most.
        before_id: The last id of the page before; None begins.
        wide: Only those of domains, platforms and all.
    """
    rows = await db.fetch(
        QUERIES["page_wide_suppressions" if wide else "page_suppressions"],
        before_id=_LAST_ID if before_id is None else before_id,
        limit=limit,
    )
    return [Suppression(**row) for row in rows]


async def search_suppressions(
    db: Executor, beginning: str, *, limit: int, after: tuple[str, int] | None = None
) -> list[Suppression]:
    """Return suppressions whose id, username or domain begins so, in the order of the names.

    Args:
        db: Where to read.
        beginning: In small letters or capitals.
        limit: The most.
        after: Name and id of the last one of the page before; None begins.
    """
    rows = await db.fetch(
        QUERIES["search_suppressions"],
        beginning=beginning,
        after_name=after[0] if after else "",
        after_id=after[1] if after else 0,
        limit=limit,
    )
    return [Suppression(**row) for row in rows]


async def suppressions_of(
    db: Executor, *, platform: str, platform_id: str, username: str | None = None
) -> list[Suppression]:
    """Return every suppression that concerns a person, the oldest first."""
    rows = await db.fetch(
        QUERIES["find_for_person"], platform=platform, platform_id=platform_id, username=username
    )
    return [Suppression(**row) for row in rows]


async def lift(tx: Executor, suppression_id: int, *, because: str, now: datetime) -> Suppression:
    """Take a suppression back, because a person says so; that it stood stays written.

    Raises:
        NotFound: There is none with this id.
    """
    row = await tx.fetchrow(
        QUERIES["lift_suppression"], id=suppression_id, because=because, now=now
    )
    if row is None:
        raise NotFound(f"there is no suppression {suppression_id}")
    get_logger().warning("leads.suppression_lifted", suppression_id=suppression_id)
    return Suppression(**row)


async def list_lifts(db: Executor, *, limit: int) -> list[Lift]:
    """Return what was lifted, the newest first."""
    return [Lift(**row) for row in await db.fetch(QUERIES["list_lifts"], limit=limit)]
