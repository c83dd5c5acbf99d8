"""Reads leads for their replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.leads", "replay")


@dataclass(frozen=True, slots=True)
class StandingLead:
    """A lead as it stands, and which verdict it came from."""

    id: int
    profile_id: int
    username: str
    score_id: int
    score: float
    confidence: float | None
    reasons: list[dict[str, Any]]


async def page_standing(
    db: Executor, campaign_id: int, *, after: int, limit: int
) -> list[StandingLead]:
    """Return a page of the campaign's leads that are not withdrawn, by id."""
    rows = await db.fetch(
        QUERIES["page_leads_to_replay"], campaign_id=campaign_id, after=after, limit=limit
    )
    return [StandingLead(**row) for row in rows]
