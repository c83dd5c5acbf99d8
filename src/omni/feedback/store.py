"""Feedback events and inbox cursors in Postgres."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from omni.base.errors import NotFound
from omni.base.log import get_logger
from omni.connectors.types import EventKind, InboxEvent
from omni.feedback.meaning import check_class, consequences
from omni.feedback.types import ClassedBy, Doors, RecordedEvent, Unclear
from omni.leads.types import Lead
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.feedback")
THREADS = load_queries("omni.feedback", "threads")


async def record(
    tx: Executor,
    account_id: int,
    events: Sequence[InboxEvent],
    cursor: str | None,
    now: datetime,
    *,
    source: str | None = None,
    said: Collection[str] = (),
) -> list[RecordedEvent]:
    """Write what came back to an account, together with how far its inbox was read.

    Args:
        tx: The transaction that also writes the consequences.
        account_id: Whose inbox.
        events: As `omni.feedback.work.read_inbox` returned them.
        cursor: Where the next reading begins; None leaves it as it was.
        now: The present moment.
        source: Who tells it, where it is not the account's inbox: then no cursor is written.
        said: Ids of events of which the source itself says what they mean.

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
        source=source or f"{platform}:{account_id}",
        platform=platform,
        account_id=account_id,
        event_ids=[event.event_id for event in events],
        kinds=[event.kind for event in events],
        platform_ids=[event.platform_id for event in events],
        bodies=[event.text for event in events],
        occurred_at=[event.occurred_at for event in events],
        replies_to=[event.in_reply_to for event in events],
        classed_by=[
            "rules" if event.text and event.event_id not in said else "platform" for event in events
        ],
        now=now,
    )
    if source is None:
        await tx.execute(QUERIES["put_cursor"], account_id=account_id, cursor=cursor, now=now)
    new = [RecordedEvent(**row) for row in rows]
    ids = [event.id for event in new]
    await tx.execute(THREADS["renew_threads"], account_id=account_id, ids=ids)
    return new


async def apply(tx: Executor, events: Sequence[RecordedEvent], doors: Doors, now: datetime) -> None:
    """Write what must follow from new events, in the transaction that wrote them.

    A reply stops every waiting message to the person, in all campaigns; who opts out or blocks is
    suppressed.
    """
    for event in events:
        await doors.note_answer(
            tx,
            platform=event.platform,
            platform_id=event.platform_id,
            kind=event.kind,
            at=event.occurred_at,
            now=now,
        )
    outcome = consequences(events)
    await doors.mark_replied(tx, outcome.replied_leads, now=now)
    for person in outcome.suppress:
        await doors.suppress(tx, **asdict(person), now=now)
    for each in outcome.cancel:
        await doors.cancel(tx, **asdict(each), now=now)


async def reclass(
    tx: Executor,
    event_id: int,
    kind: EventKind,
    *,
    by: ClassedBy,
    note: str | None = None,
    doors: Doors,
    now: datetime,
) -> RecordedEvent | None:
    """Take an event for something else, with all that follows from it; what it was stays written.

    Taking somebody's opt-out for another thing does not lift their suppression.

    Args:
        tx: The transaction.
        event_id: Which event.
        kind: What it is.
        by: A `person` may say so of any reply; a `model` only where the rules left it open.
        note: Why, in words.
        doors: What other rooms write.
        now: The present moment.

    Returns:
        The event as it is then; None if a model came too late: somebody has read it.

    Raises:
        NotFound: There is no such event.
        Conflict: It is nothing that somebody wrote.
    """
    row = await tx.fetchrow(QUERIES["lock_event"], id=event_id)
    if row is None:
        raise NotFound(f"there is no event {event_id}")
    event = RecordedEvent(**row)
    if by == "model" and (event.kind, event.classed_by) != ("replied", "rules"):
        return None
    check_class(event.kind, kind)
    await tx.execute(QUERIES["set_class"], id=event_id, kind=kind, classed_by=by)
    await tx.execute(
        THREADS["note_class"],
        event_id=event_id,
        old_kind=event.kind,
        new_kind=kind,
        classed_by=by,
        note=note,
        now=now,
    )
    await tx.execute(
        THREADS["move_thread"],
        platform=event.platform,
        platform_id=event.platform_id,
        event_id=event_id,
        kind=kind,
    )
    read = replace(event, kind=kind, classed_by=by)
    await apply(tx, [read], doors, now)
    get_logger().info("feedback.event_reclassed", event_id=event_id, kind=kind, by=by)
    return read


async def list_unclear(db: Executor, *, after: int, limit: int) -> list[Unclear]:
    """Return replies that the rules leave open and no model has read, the oldest first."""
    rows = await db.fetch(QUERIES["list_unclear"], after=after, limit=limit)
    return [Unclear(**row) for row in rows]


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


async def swept_at(db: Executor, account_id: int) -> datetime | None:
    """Return when an account's inbox was last read; None if it never was."""
    return await db.fetchval(QUERIES["get_swept"], account_id=account_id)


async def get_cursor(db: Executor, account_id: int) -> str | None:
    """Return how far an account's inbox was read; None if it never was."""
    return await db.fetchval(QUERIES["get_cursor"], account_id=account_id)
