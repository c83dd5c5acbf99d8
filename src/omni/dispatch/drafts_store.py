"""Drafts in Postgres: who may get one, writing them down, and the autopilot's approvals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

import msgspec

from omni.dispatch.drafting_types import Draft, Recipient
from omni.dispatch.rows import recipient_from
from omni.dispatch.types import Gate, MessageState
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.dispatch", "drafts")

MAX_COUNTED = 10_000
"""The most recipients that are counted for a preview."""
AUTOPILOT_WINDOW = timedelta(hours=24)
REFUSED = (Gate.RECIPIENT, Gate.SUPPRESSED, Gate.LEAD, Gate.CONVERSATION)
"""What these gates hold may never go, so that no cap is used up by it."""
_NEWEST = 2**63 - 1
FIRST_PAGE = (float("inf"), _NEWEST)


async def list_recipients(
    db: Executor,
    campaign_id: int,
    state: str,
    *,
    before: tuple[float, int] = FIRST_PAGE,
    open_states: Sequence[MessageState],
    conversation_since: datetime,
    limit: int,
) -> list[Recipient]:
    """Return the next leads that may get a first draft, best first.

    Args:
        db: Where to read.
        campaign_id: Whose leads.
        state: `accepted` or `new`.
        before: Score and id of the last one before.
        open_states: A message of another campaign in one of these is an open conversation.
        conversation_since: So is one that was sent after this moment.
        limit: The most.
    """
    rows = await db.fetch(
        QUERIES["page_recipients"],
        campaign_id=campaign_id,
        state=state,
        before_score=before[0],
        before_id=before[1],
        open_states=list(open_states),
        conversation_since=conversation_since,
        limit=limit,
    )
    return [recipient_from(row) for row in rows]


async def list_due(
    db: Executor,
    campaign_id: int,
    step: int,
    *,
    states: Sequence[str],
    sent_after: datetime,
    sent_before: datetime,
    after_id: int,
    limit: int,
) -> list[tuple[int, Recipient]]:
    """Return those whose follow-up is due, each with the id of the message that it follows.

    Args:
        db: Where to read.
        campaign_id: Whose messages.
        step: Which one is to be written, from 1 on.
        states: What the lead may be.
        sent_after: What was sent before is not followed up any more.
        sent_before: What was sent later is not due yet.
        after_id: The last id of the page before; 0 begins.
        limit: The most.
    """
    rows = await db.fetch(
        QUERIES["page_due"],
        campaign_id=campaign_id,
        step=step,
        states=list(states),
        sent_after=sent_after,
        sent_before=sent_before,
        after_id=after_id,
        limit=limit,
    )
    return [(row["follows"], recipient_from(row)) for row in rows]


async def insert(
    db: Executor,
    campaign_id: int,
    step: int,
    drafts: Sequence[Draft],
    *,
    states: Sequence[str],
    now: datetime,
) -> int:
    """Write drafts; return how many of the people had none for this step and may have one.

    Who was suppressed, rejected, or has replied since they were read gets none.
    """
    if not drafts:
        return 0
    people = [draft.recipient for draft in drafts]
    return await db.execute(
        QUERIES["insert_drafts"],
        campaign_id=campaign_id,
        step=step,
        states=list(states),
        held_by=Gate.APPROVAL,
        now=now,
        lead_ids=[person.lead_id for person in people],
        profile_ids=[person.profile_id for person in people],
        platforms=[person.platform for person in people],
        platform_ids=[person.platform_id for person in people],
        usernames=[person.username for person in people],
        bodies=[draft.body for draft in drafts],
        body_hashes=[draft.body_hash for draft in drafts],
        writers=[draft.writer for draft in drafts],
        claims=[_json([asdict(claim) for claim in draft.claims]) for draft in drafts],
    )


async def count_recipients(
    db: Executor,
    campaign_id: int,
    *,
    open_states: Sequence[MessageState],
    conversation_since: datetime,
) -> dict[str, int]:
    """Return how many leads of each platform may get a first draft now, up to `MAX_COUNTED`."""
    rows = await db.fetch(
        QUERIES["count_recipients"],
        campaign_id=campaign_id,
        open_states=list(open_states),
        conversation_since=conversation_since,
        limit=MAX_COUNTED,
    )
    return {row["platform"]: row["people"] for row in rows}


async def count_in_conversation(
    db: Executor,
    campaign_id: int,
    *,
    open_states: Sequence[MessageState],
    conversation_since: datetime,
) -> int:
    """Return how many of the best `MAX_COUNTED` leads get no first draft: they are talked with."""
    return await db.fetchval(
        QUERIES["count_in_conversation"],
        campaign_id=campaign_id,
        open_states=list(open_states),
        conversation_since=conversation_since,
        limit=MAX_COUNTED,
    )


async def approve_by_autopilot(
    tx: Executor, campaign_id: int, *, states: Sequence[str], now: datetime
) -> int:
    """Approve drafts that no person has touched, as far as the campaign's cap allows.

    What the autopilot approved and is still under way counts, and what of it went out in the last
    24 hours: so no more than the cap go out by it in any 24 hours, whatever delays them. What a
    person's own gate holds goes back to pending, and is tried again when the gate is asked again.

    Args:
        tx: A transaction: those of one campaign come one after the other.
        campaign_id: Whose messages.
        states: What the lead may be.
        now: The present moment.
    """
    cap = await tx.fetchval(QUERIES["lock_autopilot"], campaign_id=campaign_id)
    if cap is None:
        return 0
    await tx.execute(
        QUERIES["give_back_refused"],
        campaign_id=campaign_id,
        gates=list(REFUSED),
        held_by=Gate.APPROVAL,
        now=now,
    )
    used = await tx.fetchval(
        QUERIES["count_autopilot"], campaign_id=campaign_id, since=now - AUTOPILOT_WINDOW
    )
    if used >= cap:
        return 0
    return await tx.execute(
        QUERIES["approve_automatically"],
        campaign_id=campaign_id,
        states=list(states),
        now=now,
        limit=cap - used,
    )


async def void_autopilot(tx: Executor, campaign_id: int, *, now: datetime) -> int:
    """Take back what the autopilot approved and is not on the wire yet; return how many.

    Whoever changes the autopilot calls it in the same transaction.
    """
    return await tx.execute(
        QUERIES["void_autopilot"], campaign_id=campaign_id, held_by=Gate.APPROVAL, now=now
    )


async def autopilot_used(db: Executor, campaign_id: int, *, now: datetime) -> int:
    """Return how much of the autopilot's cap is used up at this moment."""
    return await db.fetchval(
        QUERIES["count_autopilot"], campaign_id=campaign_id, since=now - AUTOPILOT_WINDOW
    )


def _json(values: Sequence[object]) -> str:
    """Return values as JSON text: an array of arrays would be taken for a matrix."""
    return msgspec.json.encode(values).decode()
