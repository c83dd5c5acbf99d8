"""Reads what an estimate of a run stands on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from omni.qualification.types import Cost, LastCall, Pace, Spent
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.qualification", "costing")
LEDGER = load_queries("omni.qualification", "ledger")
LAST_CALLS = 200


async def get_pace(db: Executor, campaign_id: int, model: str, *, since: date) -> Pace:
    """Return what a campaign's last calls of a model took and used."""
    row = await db.fetchrow(
        QUERIES["get_pace"], campaign_id=campaign_id, model=model, since=since, limit=LAST_CALLS
    )
    return Pace(**row) if row else Pace()


async def list_views(db: Executor, profile_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return what judges may see of these people."""
    rows = await db.fetch(QUERIES["list_shown_views"], profile_ids=list(profile_ids))
    return [row["view"] for row in rows]


async def spent(db: Executor, campaign_id: int, day: date) -> Spent:
    """Return what a campaign has used up of a day's budget, reservations included."""
    row = await db.fetchrow(LEDGER["get_spent"], campaign_id=campaign_id, day=day)
    return Spent(**row) if row else Spent()


async def costs(db: Executor, campaign_id: int, *, since: date) -> list[Cost]:
    """Return what a campaign's calls cost, by day, model and purpose, the newest day first."""
    rows = await db.fetch(LEDGER["sum_calls"], campaign_id=campaign_id, since=since)
    return [Cost(**row) for row in rows]


async def last_calls(
    db: Executor,
    campaign_id: int,
    models: Sequence[str],
    purposes: Sequence[str],
    *,
    since: date,
) -> list[LastCall]:
    """Return how each model's newest call for these purposes ended, for those that have one."""
    rows = await db.fetch(
        QUERIES["list_last_calls"],
        campaign_id=campaign_id,
        models=list(models),
        purposes=list(purposes),
        since=since,
    )
    return [LastCall(**row) for row in rows]


async def all_costs(db: Executor, *, since: date) -> list[Cost]:
    """Return what all calls cost, by day, model and purpose, the newest day first."""
    rows = await db.fetch(LEDGER["sum_all_calls"], since=since)
    return [Cost(**row) for row in rows]
