"""What holds the messages that wait, in Postgres."""

from __future__ import annotations

from datetime import datetime

from omni.dispatch.types import Gate
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.dispatch", "held")

MAX_MARKED = 10_000


async def waiting_platforms(db: Executor) -> list[str]:
    """Return the platforms that have approved messages."""
    return [row["platform"] for row in await db.fetch(QUERIES["list_waiting_platforms"])]


async def mark_waiting(db: Executor, platform: str, gate: Gate, now: datetime) -> int:
    """Write on the platform's due messages what holds them; return how many are due, to a bound."""
    waiting: int = await db.fetchval(
        QUERIES["mark_waiting"], platform=platform, gate=gate, now=now, limit=MAX_MARKED
    )
    return waiting


async def count_held(db: Executor) -> dict[str, int]:
    """Return how many messages each gate holds, those that wait for approval included."""
    rows = await db.fetch(QUERIES["count_held"], approval=Gate.APPROVAL, limit=MAX_MARKED)
    return {row["gate"]: row["messages"] for row in rows}
