"""Reads and writes what processes tell of hosts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from omni.connectors.types import HostMetrics
from omni.hosts.types import HostSeen
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.hosts")

FRESH = timedelta(minutes=5)
"""How long a report is shown: a process that says nothing for longer is gone."""
MAX_PROCESSES = 100


async def put_report(
    db: Executor, process: str, hosts: Sequence[HostMetrics], *, now: datetime
) -> None:
    """Replace what a process told before, and forget processes that are gone."""
    await db.execute(
        QUERIES["put_report"], process=process, hosts=msgspec.to_builtins(hosts), now=now
    )
    await db.execute(QUERIES["forget_gone"], before=now - FRESH)


async def drop_report(db: Executor, process: str) -> None:
    """Forget a process that ends."""
    await db.execute(QUERIES["drop_report"], process=process)


async def list_hosts(db: Executor, *, now: datetime) -> list[HostSeen]:
    """Return every host of every process that told of it lately, in no order."""
    rows = await db.fetch(QUERIES["list_reports"], since=now - FRESH, limit=MAX_PROCESSES)
    return [
        HostSeen(row["process"], row["reported_at"], metrics)
        for row in rows
        for metrics in msgspec.convert(row["hosts"], list[HostMetrics])
    ]
