"""Feedback events and inbox cursors in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from omni.base.errors import NotFound
from omni.connectors.types import EventKind, InboxEvent
from omni.feedback.types import RecordedEvent
from omni.leads.types import Lead
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.feedback")


async def record(
    tx: Executor,
    account_id: int,
    events: Sequence[InboxEvent],
    cursor: str | None,
    now: datetime,
) -> list[RecordedEvent]:
    """Write what an account's inbox held, together with how far it was read.

    Args:
        tx: The transaction that also writes the consequences.
        account_id: Whose inbox.
        events: As `omni.feedback.work.read_inbox` returned them.
        cursor: Where the next reading begins; None leaves it as it was.
        now: The present moment.

    Returns:
        The events that were not known, matched to the message that they answer, in their order.

    Raises:
        NotFound: There is no such account.
    """
    platform = await tx.fetchval(QUERIES["get_platform"], account_id=account_id)
    if platform is None:
        raise NotFound(f"there is no account {account_id}")
    rows = await tx.fetch(
        QUERIES["insert_events"],
        source=f"{platform}:{account_id}",
        platform=platform,
        account_id=account_id,
        event_ids=[event.event_id for event in events],
        kinds=[event.kind for event in events],
        platform_ids=[event.platform_id for event in events],
        bodies=[event.text for event in events],
        occurred_at=[event.occurred_at for event in events],
        replies_to=[event.in_reply_to for event in events],
        now=now,
    )
    await tx.execute(QUERIES["put_cursor"], account_id=account_id, cursor=cursor, now=now)
    return [RecordedEvent(**row) for row in rows]


async def record_person(
    tx: Executor, *, lead: Lead, kind: EventKind, now: datetime, event_id: str
) -> bool:
    """Write what a person of ours says about a lead, such as `accepted`.

    Args:
        tx: Where to write.
        lead: Whom it concerns.
        kind: What they say.
        now: The present moment.
        event_id: Stable for one decision: writing it twice is a no-op.

    Returns:
        False if it was written already.
    """
    written = await tx.execute(
        QUERIES["insert_person_event"],
        event_id=event_id,
        kind=kind,
        campaign_id=lead.campaign_id,
        lead_id=lead.id,
        profile_id=lead.profile_id,
        platform=lead.platform,
        platform_id=lead.platform_id,
        now=now,
    )
    return written == 1


async def count_replied(db: Executor, campaign_id: int) -> int:
    """Return how many leads of a campaign have written back; automatic replies do not count."""
    return await db.fetchval(QUERIES["count_replied"], campaign_id=campaign_id)


async def get_cursor(db: Executor, account_id: int) -> str | None:
    """Return how far an account's inbox was read; None if it never was."""
    return await db.fetchval(QUERIES["get_cursor"], account_id=account_id)
