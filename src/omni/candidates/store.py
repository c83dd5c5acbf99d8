"""What is held of candidates."""

from __future__ import annotations

import math
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


async def find_held(db: Executor, profile_ids: Sequence[int]) -> set[int]:
    """Return who of these people is a candidate of a campaign that runs."""
    rows = await db.fetch(QUERIES["find_held"], ids=list(profile_ids))
    return {row["profile_id"] for row in rows}


async def next_mark(db: Executor, campaign_id: int, *, after: int) -> int | None:
    """Return the next greater mark that candidates of a campaign have; None if there is none."""
    return await db.fetchval(QUERIES["next_mark"], campaign_id=campaign_id, after=after)


async def page_held(
    db: Executor,
    campaign_id: int,
    *,
    judged_epoch: int,
    after: tuple[float, int] | None,
    limit: int,
) -> list[tuple[float, int]]:
    """Return a page of a campaign's candidates with one mark, best first: score and profile_id.

    Args:
        after: The last one of the page before; None for the first page.
    """
    after_score, after_id = after or (math.inf, 0)
    rows = await db.fetch(
        QUERIES["page_held"],
        campaign_id=campaign_id,
        judged_epoch=judged_epoch,
        after_score=after_score,
        after_id=after_id,
        limit=limit,
    )
    return [(row["score"], row["profile_id"]) for row in rows]
