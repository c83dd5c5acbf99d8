"""Reads and writes erasures, and tells who was erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from omni.base.errors import NotFound
from omni.erasures.types import Erasure, Target
from omni.storage.db import Executor, Row
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.erasures")

_LAST = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


async def hash_of(db: Executor, platform: str, platform_id: str) -> str:
    """Return what stays of a person who is erased."""
    return await db.fetchval(QUERIES["hash_person"], platform=platform, platform_id=platform_id)


async def erased_among(db: Executor, people: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return who of these was erased, by platform and immutable id: nothing is stored of them."""
    if not people:
        return set()
    rows = await db.fetch(
        QUERIES["find_erased"],
        platforms=[platform for platform, _ in people],
        platform_ids=[platform_id for _, platform_id in people],
    )
    return {(row["platform"], row["platform_id"]) for row in rows}


async def ask(
    tx: Executor,
    *,
    platform: str,
    platform_id: str,
    erasure_id: UUID,
    now: datetime,
) -> Erasure:
    """Keep a person out from the end of this transaction on, and note that they are to be erased.

    Where that was asked for and is not done yet, the same erasure is returned.

    Args:
        erasure_id: Of a new erasure.
    """
    digest = await hash_of(tx, platform, platform_id)
    await tx.execute(QUERIES["hold_hash"], hash=digest)
    await tx.execute(QUERIES["add_erased"], hash=digest, now=now)
    found = await tx.fetchrow(QUERIES["find_open"], hash=digest)
    if found is not None:
        return _erasure(found)
    row = await tx.fetchrow(
        QUERIES["insert_erasure"],
        id=erasure_id,
        hash=digest,
        target=msgspec.to_builtins(Target(platform, platform_id)),
        now=now,
    )
    assert row is not None
    return _erasure(row)


async def note_job(tx: Executor, erasure_id: UUID, job_id: UUID) -> Erasure:
    """Note the job that the caller has written for an erasure."""
    row = await tx.fetchrow(QUERIES["note_job"], id=erasure_id, job_id=job_id)
    assert row is not None
    return _erasure(row)


async def get(db: Executor, erasure_id: UUID) -> Erasure:
    """Return an erasure.

    Raises:
        NotFound: There is none of this id.
    """
    row = await db.fetchrow(QUERIES["get_erasure"], id=erasure_id)
    if row is None:
        raise NotFound(f"there is no erasure {erasure_id}")
    return _erasure(row)


async def list_erasures(
    db: Executor, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Erasure]:
    """Return erasures, the newest first, from behind `(asked_at, id)` on."""
    at, number = before or _LAST
    rows = await db.fetch(QUERIES["list_erasures"], before_at=at, before_id=number, limit=limit)
    return [_erasure(row) for row in rows]


async def is_settled(db: Executor, erasure_id: UUID) -> bool:
    """Tell whether everybody who was writing when the erasure was asked for is done."""
    return bool(await db.fetchval(QUERIES["is_settled"], id=erasure_id))


async def note_target(db: Executor, erasure_id: UUID, target: Target) -> None:
    """Keep by which names the person is looked for: once they are removed, nothing else knows."""
    await db.execute(QUERIES["note_target"], id=erasure_id, target=msgspec.to_builtins(target))


async def note_waiting(db: Executor, erasure_id: UUID, words: str | None) -> None:
    """Note why the erasure does not go on, or that it does."""
    await db.execute(QUERIES["note_waiting"], id=erasure_id, words=words)


async def note_removed(tx: Executor, erasure_id: UUID, removed: Mapping[str, int]) -> None:
    """Add to the receipt, in the transaction that removes."""
    await tx.execute(
        QUERIES["note_removed"],
        id=erasure_id,
        places=list(removed),
        counts=list(removed.values()),
    )


async def finish(
    tx: Executor, erasure_id: UUID, mentions: Mapping[str, int], *, now: datetime
) -> None:
    """Note that all is removed, and forget whom it was about."""
    await tx.execute(QUERIES["finish_erasure"], id=erasure_id, mentions=dict(mentions), now=now)


def _erasure(row: Row) -> Erasure:
    target = row["target"]
    return Erasure(
        id=row["id"],
        hash=row["hash"],
        state=row["state"],
        target=None if target is None else msgspec.convert(target, Target),
        removed=row["removed"],
        mentions=row["mentions"],
        waits_for=row["waits_for"],
        job_id=row["job_id"],
        asked_at=row["asked_at"],
        finished_at=row["finished_at"],
    )
