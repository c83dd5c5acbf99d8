"""What is held of candidates."""

from __future__ import annotations

from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.candidates")


async def count(db: Executor, campaign_id: int) -> int:
    """Return how many candidates the campaign has right now."""
    return await db.fetchval(QUERIES["count_candidates"], campaign_id=campaign_id)
