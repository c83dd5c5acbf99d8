"""Conversations in Postgres: who wrote back, and what was said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from omni.base.errors import NotFound
from omni.connectors.types import EventKind
from omni.feedback.types import ClassChange, Said, Thread
from omni.storage.db import Executor
from omni.storage.sql import Fragment, load_queries

QUERIES = load_queries("omni.feedback", "threads")

MAX_SAID = 500
"""The most entries of a conversation that are shown, the newest."""
MAX_COUNTED = 1_000

_NEWEST = (datetime(9999, 1, 1, tzinfo=UTC), 2**63 - 1)
_OF_KIND = "and t.kind = :kind"
_OF_CAMPAIGN = "and t.campaign_id = :campaign_id"
_UNREAD = "and t.unread"


async def list_threads(
    db: Executor,
    *,
    kind: EventKind | None = None,
    unread: bool = False,
    campaign_id: int | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int,
) -> list[Thread]:
    """Return a page of conversations, the last that moved first.

    Args:
        db: Where to read.
        kind: Only those whose newest event says this.
        unread: Only those that nobody has looked at since they moved.
        campaign_id: Only those of this campaign.
        before: Moment and id of the last one of the page before; None begins.
        limit: The most.
    """
    at, last_id = before or _NEWEST
    asked = [
        part
        for part, wanted in (
            (_OF_KIND, kind is not None),
            (_OF_CAMPAIGN, campaign_id is not None),
            (_UNREAD, unread),
        )
        if wanted
    ]
    rows = await db.fetch(
        QUERIES["page_threads"],
        {"filter": Fragment(" ".join(asked))},
        before_at=at,
        before_id=last_id,
        kind=kind,
        campaign_id=campaign_id,
        limit=limit,
    )
    return [Thread(**row) for row in rows]


async def get_thread(db: Executor, thread_id: int) -> Thread:
    """Return a conversation.

    Raises:
        NotFound: There is none.
    """
    row = await db.fetchrow(QUERIES["get_thread"], id=thread_id)
    if row is None:
        raise NotFound(f"there is no conversation {thread_id}")
    return Thread(**row)


async def list_said(db: Executor, thread: Thread, *, limit: int = MAX_SAID) -> list[Said]:
    """Return what was said, the oldest first, of the newest `limit` entries."""
    rows = await db.fetch(
        QUERIES["list_said"],
        platform=thread.platform,
        platform_id=thread.platform_id,
        account_id=thread.account_id,
        limit=limit,
    )
    return [Said(**row) for row in reversed(rows)]


async def mark_read(tx: Executor, thread_id: int) -> None:
    """Note that somebody has looked at a conversation."""
    await tx.execute(QUERIES["mark_read"], id=thread_id)


async def list_classes(db: Executor, event_ids: Sequence[int]) -> list[ClassChange]:
    """Return what these events were taken for, one after the other."""
    rows = await db.fetch(QUERIES["list_classes"], event_ids=list(event_ids))
    return [ClassChange(**row) for row in rows]


async def count_unread(db: Executor) -> int:
    """Return how many conversations nobody has looked at since they moved, up to `MAX_COUNTED`."""
    return await db.fetchval(QUERIES["count_unread"], limit=MAX_COUNTED)
