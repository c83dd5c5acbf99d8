"""A campaign's leads with all that is known of each, read a page at a time."""

from __future__ import annotations

import sys
from array import array
from collections.abc import AsyncIterator, Sequence

from omni.leads.types import PROFILE_URLS
from omni.storage.db import Executor, Row
from omni.storage.sql import Fragment, load_queries

QUERIES = load_queries("omni.api", "lead_files")

PAGE = 1_000

_ANY_STATE = Fragment("")
_ONE_STATE = Fragment("and l.state = :state")


async def rank_leads(db: Executor, campaign_id: int, *, state: str | None) -> Sequence[int]:
    """Return the ids of a campaign's leads as they rank at this moment, best first.

    Eight bytes each are held, so that whatever changes while they are read, nobody is left out and
    nobody comes twice.

    Args:
        db: Where to read.
        campaign_id: Whose leads.
        state: Only leads in this state; None is all.
    """
    found: bytes | None = await db.fetchval(
        QUERIES["rank_leads"],
        {"in_state": _ANY_STATE if state is None else _ONE_STATE},
        campaign_id=campaign_id,
        state=state,
    )
    ids = array("q", found or b"")
    if sys.byteorder == "little":  # Postgres sends the highest byte first
        ids.byteswap()
    return ids


async def pages_of_leads(db: Executor, ids: Sequence[int]) -> AsyncIterator[Sequence[Row]]:
    """Yield these leads in their order, each as it is when it is read; who is gone is left out."""
    for start in range(0, len(ids), PAGE):
        page = list(ids[start : start + PAGE])
        yield await db.fetch(QUERIES["list_leads_whole"], ids=page, profile_urls=PROFILE_URLS)
