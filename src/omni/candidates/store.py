"""What is held of candidates."""

from __future__ import annotations

from collections.abc import Sequence

from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.candidates")


async def count(db: Executor, campaign_id: int) -> int:
    """Return how many candidates the campaign has right now."""
    return await db.fetchval(QUERIES["count_candidates"], campaign_id=campaign_id)


async def read_words(db: Executor, queries: Sequence[str]) -> dict[str, str]:
    """Return how Postgres reads each websearch query, as the text of a tsquery."""
    if not queries:
        return {}
    rows = await db.fetch(QUERIES["read_words"], queries=list(queries))
    return {row["query"]: row["words"] for row in rows}
