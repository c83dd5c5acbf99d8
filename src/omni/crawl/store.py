"""The logs of crawls: from them a crawl that was stopped anywhere goes on where it was."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from uuid import UUID

import msgspec

from omni.crawl.types import Entry
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.crawl")

READ_BATCH = 100
"""Entries that are held at once while a log is read."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Entry)


async def append(tx: Executor, job_id: UUID, position: int, entry: Entry, *, now: datetime) -> bool:
    """Write the entry at its position, in the caller's transaction.

    Returns:
        False where another run of the job has written there: the crawl is its own now, and nothing
        of the transaction may stand.
    """
    written = await tx.execute(
        QUERIES["append_entry"],
        job_id=job_id,
        position=position,
        entry=_ENCODER.encode(entry),
        now=now,
    )
    return written == 1


async def read(db: Executor, job_id: UUID, *, start: int = 0) -> AsyncGenerator[Entry]:
    """Yield the entries from a position on, in order."""
    while True:
        rows = await db.fetch(QUERIES["read_entries"], job_id=job_id, start=start, limit=READ_BATCH)
        for row in rows:
            yield _DECODER.decode(row["entry"])
        start += len(rows)
        if len(rows) < READ_BATCH:
            return


async def delete_ended(db: Executor, *, limit: int) -> int:
    """Delete the logs of jobs that have ended, or are gone; return how many entries went.

    Args:
        limit: The most logs at once.
    """
    return await db.execute(QUERIES["delete_ended"], limit=limit)
