"""What a step reads and writes, table by table, from Postgres' own counters.

`seq_scan = 0` alone proves little: a bitmap scan can read a whole table, too. So the blocks are
counted, those of indexes and of oversized values included, and the rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from typing import TypeVar
from uuid import uuid4

from omni.storage.db import Database
from omni.storage.sql import Query

T = TypeVar("T")

COUNTERS = Query(
    "counters",
    """
    select
        s.relname as table, s.seq_scan as scans, s.seq_tup_read as scanned,
        coalesce(s.idx_tup_fetch, 0) as fetched,
        s.n_tup_ins + s.n_tup_upd + s.n_tup_del as written,
        coalesce(io.heap_blks_read + io.heap_blks_hit, 0) as heap,
        coalesce(io.idx_blks_read + io.idx_blks_hit, 0) as index,
        coalesce(io.toast_blks_read + io.toast_blks_hit, 0)
            + coalesce(io.tidx_blks_read + io.tidx_blks_hit, 0) as toast
    from pg_stat_user_tables s
    join pg_statio_user_tables io using (relid)
    """,
)
STILL_THERE = Query(
    "still_there", "select count(*) from pg_stat_activity where application_name = :name"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One table's counters.

    Attributes:
        scans: Sequential scans that were begun.
        scanned: Rows that they read.
        fetched: Rows that index and bitmap scans fetched.
        written: Rows inserted, updated and deleted.
        heap: 8 kB blocks of the table itself, from cache or disk.
        index: Blocks of its indexes.
        toast: Blocks of its oversized values, and of their index.
    """

    scans: int = 0
    scanned: int = 0
    fetched: int = 0
    written: int = 0
    heap: int = 0
    index: int = 0
    toast: int = 0

    @property
    def blocks(self) -> int:
        """All blocks together."""
        return self.heap + self.index + self.toast

    def since(self, before: Reading) -> Reading:
        """Return what was added to `before`."""
        return Reading(*(getattr(self, f.name) - getattr(before, f.name) for f in fields(Reading)))


@dataclass(frozen=True, slots=True)
class Measured:
    """What a step did to each table that it touched."""

    tables: Mapping[str, Reading]

    def __getitem__(self, table: str) -> Reading:
        return self.tables.get(table, Reading())

    @property
    def blocks(self) -> int:
        """All blocks of all tables together."""
        return sum(reading.blocks for reading in self.tables.values())

    @property
    def fetched(self) -> int:
        """All rows that indexes led to, in all tables together."""
        return sum(reading.fetched for reading in self.tables.values())

    @property
    def scanned(self) -> dict[str, int]:
        """Rows read by sequential scans, by table."""
        return {t: r.scanned for t, r in self.tables.items() if r.scans or r.scanned}

    def __str__(self) -> str:
        lines = [f"  {table}: {reading}" for table, reading in sorted(self.tables.items())]
        return "\n".join([f"{self.blocks} blocks, {self.fetched} rows", *lines])


async def measured(
    database_url: str, step: Callable[[Database], Awaitable[T]]
) -> tuple[T, Measured]:
    """Run a step on connections of its own; return its result and what it read.

    A server process adds its counts to the shared ones when it ends, if not before; so the step's
    connections are closed, and gone, before the counters are read.
    """
    watching = await Database.connect(database_url, size=1, name="omni-watching")
    try:
        before = await _read(watching)
        name = f"omni-measured-{uuid4().hex[:12]}"
        db = await Database.connect(database_url, size=4, name=name)
        try:
            result = await step(db)
        finally:
            await db.close()
        async with asyncio.timeout(30):
            while await watching.fetchval(STILL_THERE, name=name):
                pass
        after = await _read(watching)
    finally:
        await watching.close()
    changes = {
        table: reading.since(before.get(table, Reading())) for table, reading in after.items()
    }
    return result, Measured({t: r for t, r in changes.items() if r != Reading()})


async def _read(db: Database) -> dict[str, Reading]:
    rows = [dict(row) for row in await db.fetch(COUNTERS)]
    return {row.pop("table"): Reading(**row) for row in rows}
