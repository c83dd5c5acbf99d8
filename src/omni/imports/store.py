"""Reads and writes imports and what was wrong with their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import msgspec

from omni.base.errors import Conflict, NotFound, Transient
from omni.connectors.file.types import Problem, RowMap, Shape
from omni.imports.types import Counts, Import
from omni.storage.db import Executor, Row
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.imports")

MAX_PROBLEMS = 100_000
"""The most problems of an import that are kept; the rest is only counted."""

_LAST_ID = 2**63 - 1
_MAX_WORDS = 300


async def create(
    tx: Executor,
    *,
    name: str,
    sha256: str,
    size: int,
    shape: Shape,
    mapping: RowMap,
    campaign_id: int | None,
    now: datetime,
) -> Import:
    """Note a file that was handed in, as a draft."""
    row = await tx.fetchrow(
        QUERIES["insert_import"],
        name=name,
        sha256=sha256,
        bytes=size,
        shape=msgspec.to_builtins(shape),
        mapping=msgspec.to_builtins(mapping),
        campaign_id=campaign_id,
        now=now,
    )
    assert row is not None
    return _import(row)


async def get(db: Executor, import_id: int) -> Import:
    """Return an import.

    Raises:
        NotFound: There is none of this id.
    """
    row = await db.fetchrow(QUERIES["get_import"], id=import_id)
    if row is None:
        raise NotFound(f"there is no import {import_id}")
    return _import(row)


async def lock(tx: Executor, import_id: int) -> Import:
    """Return an import that nobody else starts, changes or removes until the transaction ends.

    Raises:
        NotFound: There is none of this id.
    """
    await tx.execute(QUERIES["lock_import"], id=import_id)
    return await get(tx, import_id)


async def list_imports(db: Executor, *, before: int | None, limit: int) -> list[Import]:
    """Return imports, newest first, with ids under `before`."""
    rows = await db.fetch(
        QUERIES["list_imports"], before=_LAST_ID if before is None else before, limit=limit
    )
    return [_import(row) for row in rows]


async def change(
    tx: Executor, import_id: int, *, shape: Shape, mapping: RowMap, campaign_id: int | None
) -> Import:
    """Change how a draft is to be read.

    Raises:
        NotFound: There is none of this id.
        Conflict: It was started.
    """
    row = await tx.fetchrow(
        QUERIES["change_import"],
        id=import_id,
        shape=msgspec.to_builtins(shape),
        mapping=msgspec.to_builtins(mapping),
        campaign_id=campaign_id,
    )
    if row is None:
        await get(tx, import_id)
        raise Conflict("the import was started: upload the file again to read it in another way")
    return _import(row)


async def begin(tx: Executor, import_id: int, job_id: UUID, *, instead_of: UUID | None) -> Import:
    """Note the job that takes the file in.

    Args:
        instead_of: The job that has ended without taking in all, if there was one.

    Raises:
        Conflict: All of it is in, or another job takes it in.
    """
    row = await tx.fetchrow(
        QUERIES["begin_import"], id=import_id, job_id=job_id, instead_of=instead_of
    )
    if row is None:
        raise Conflict("the import was started already")
    return _import(row)


async def advance(
    tx: Executor, import_id: int, before: Counts, after: Counts, problems: Sequence[Problem]
) -> None:
    """Note how far an import is, in the transaction that writes the people.

    Raises:
        Transient: It is further than the caller thinks: another run has taken over.
    """
    touched = await tx.execute(
        QUERIES["advance_import"], id=import_id, from_row=before.rows, **asdict(after)
    )
    if not touched:
        raise Transient("another run has taken this import over")
    kept = problems[: max(0, MAX_PROBLEMS - before.problems)]
    if kept:
        await tx.execute(
            QUERIES["insert_problems"],
            id=import_id,
            numbers=[before.problems + place for place in range(1, len(kept) + 1)],
            rows=[each.row for each in kept],
            columns=[_words(each.column or "") for each in kept],
            whats=[_words(each.what) for each in kept],
            mends=[_words(each.mend) for each in kept],
            losts=[each.lost for each in kept],
        )


async def finish(tx: Executor, import_id: int, *, now: datetime) -> None:
    """Note that all of an import is in."""
    await tx.execute(QUERIES["finish_import"], id=import_id, now=now)


async def problems_of(
    db: Executor, import_id: int, *, after: int = 0, limit: int = 1_000
) -> list[tuple[int, Problem]]:
    """Return problems behind the number `after`, in the file's order, each with its number."""
    rows = await db.fetch(QUERIES["list_problems"], id=import_id, after=after, limit=limit)
    return [
        (r["number"], Problem(r["row"], r["column_name"], r["what"], r["mend"], r["lost"]))
        for r in rows
    ]


async def delete(tx: Executor, import_id: int) -> str | None:
    """Remove an import; return the file that no other import needs, if that is so.

    Raises:
        NotFound: There is none of this id.
    """
    sha256: str | None = await tx.fetchval(QUERIES["delete_import"], id=import_id)
    if sha256 is None:
        raise NotFound(f"there is no import {import_id}")
    return None if await is_file_used(tx, sha256) else sha256


async def is_file_used(db: Executor, sha256: str) -> bool:
    """Tell whether an import needs the file."""
    return bool(await db.fetchval(QUERIES["is_file_used"], sha256=sha256))


async def expired(db: Executor, *, before: datetime, limit: int) -> list[int]:
    """Return imports from before a moment, except those that a job is to take in."""
    rows = await db.fetch(QUERIES["list_expired"], before=before, limit=limit)
    return [row["id"] for row in rows]


def _words(text: str) -> str:
    """Return text that Postgres takes, within its bound."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:_MAX_WORDS]


def _import(row: Row) -> Import:
    return Import(
        id=row["id"],
        name=row["name"],
        sha256=row["sha256"],
        bytes=row["bytes"],
        shape=msgspec.convert(row["shape"], Shape),
        mapping=msgspec.convert(row["mapping"], RowMap),
        campaign_id=row["campaign_id"],
        job_id=row["job_id"],
        counts=Counts(
            rows=row["rows"],
            added=row["added"],
            changed=row["changed"],
            unchanged=row["unchanged"],
            left_alone=row["left_alone"],
            skipped=row["skipped"],
            problems=row["problems"],
        ),
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )
