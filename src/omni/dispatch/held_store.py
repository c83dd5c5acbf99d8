"""What holds the messages that wait, in Postgres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from omni.dispatch.held import Waiting
from omni.dispatch.types import Gate
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.dispatch", "held")

MAX_MARKED = 10_000
MAX_BOUND = 1_000
MAX_ASKED = 200
"""The most accounts of which it is looked up when they may send."""


async def waiting_platforms(db: Executor) -> list[str]:
    """Return the platforms that have approved messages."""
    return [row["platform"] for row in await db.fetch(QUERIES["list_waiting_platforms"])]


async def mark_waiting(db: Executor, platform: str, gate: Gate, now: datetime) -> int:
    """Write on the platform's due messages what holds them; return how many are due, to a bound."""
    waiting: int = await db.fetchval(
        QUERIES["mark_waiting"], platform=platform, gate=gate, now=now, limit=MAX_MARKED
    )
    return waiting


async def mark_bound(db: Executor, gates: Mapping[int, Gate], now: datetime) -> frozenset[int]:
    """Write on due messages that may only go from one account what holds them.

    Args:
        db: Where to write.
        gates: What holds each account.
        now: The present moment.

    Returns:
        The accounts that messages wait for.
    """
    rows = await db.fetch(
        QUERIES["mark_bound"],
        account_ids=list(gates),
        gates=list(gates.values()),
        now=now,
        limit=MAX_BOUND,
    )
    return frozenset(row["account_id"] for row in rows)


async def count_waiting(db: Executor, campaign_id: int, now: datetime) -> list[Waiting]:
    """Return what of a campaign waits, counted up to a bound by what is written on it."""
    rows = await db.fetch(
        QUERIES["count_held_by"], campaign_id=campaign_id, now=now, limit=MAX_MARKED
    )
    return [Waiting(**{name: row[name] for name in Waiting.__slots__}) for row in rows]


async def count_held(db: Executor) -> dict[str, int]:
    """Return how many messages each gate holds, those that wait for approval included."""
    rows = await db.fetch(QUERIES["count_held"], approval=Gate.APPROVAL, limit=MAX_MARKED)
    return {row["gate"]: row["messages"] for row in rows}


async def count_concerned(
    db: Executor, *, platform: str | None, domains: Sequence[str] | None
) -> tuple[int, bool]:
    """Return how many messages wait for those whom a suppression would concern.

    Args:
        db: Where to read.
        platform: Theirs; None: any.
        domains: They are of one of these, or below it; None: any.

    Returns:
        The messages among the first that wait, and whether more wait than were looked at.
    """
    row = await db.fetchrow(
        QUERIES["count_concerned"],
        platform=platform,
        domains=None if domains is None else list(domains),
        limit=MAX_MARKED,
    )
    assert row is not None
    return row["messages"], row["more"]
