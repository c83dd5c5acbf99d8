"""Messages in Postgres, as people and the API see and change them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from omni.base.errors import Conflict, NotFound
from omni.dispatch import rules
from omni.dispatch.rows import message_from
from omni.dispatch.types import (
    LEAD_REJECTED,
    Gate,
    Message,
    MessageState,
)
from omni.storage.db import Executor, Row
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.dispatch")

MAX_RELEASED = 10_000
MAX_OPEN = 50
"""The most open messages to one person that are shown."""
FIRST_ANSWER = 1_000
"""Answers that people write in the inbox are steps from here on: behind those of any campaign."""

_NEWEST = 2**63 - 1


async def get_message(db: Executor, message_id: int) -> Message:
    """Return one message.

    Raises:
        NotFound: There is none.
    """
    return _found(await db.fetchrow(QUERIES["get_message"], id=message_id), message_id)


async def list_open_to(db: Executor, *, platform: str, platform_id: str) -> list[Message]:
    """Return what may go out to a person yet, or perhaps did: the oldest `MAX_OPEN`, in order."""
    rows = await db.fetch(
        QUERIES["list_open_to"], platform=platform, platform_id=platform_id, limit=MAX_OPEN
    )
    return [message_from(row) for row in rows]


async def list_messages(
    db: Executor,
    *,
    campaign_id: int,
    state: MessageState | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[Message]:
    """Return a page of a campaign's messages, newest first.

    Args:
        db: Where to read.
        campaign_id: Whose messages.
        state: Only those in this state; None is all.
        before_id: The last id of the page before; None begins.
        limit: The most rows.
    """
    before = _NEWEST if before_id is None else before_id
    if state is None:
        rows = await db.fetch(
            QUERIES["page_messages"], campaign_id=campaign_id, before_id=before, limit=limit
        )
    else:
        rows = await db.fetch(
            QUERIES["page_messages_in_state"],
            campaign_id=campaign_id,
            state=state,
            before_id=before,
            limit=limit,
        )
    return [message_from(row) for row in rows]


async def approve(tx: Executor, message_id: int, *, body_hash: str, now: datetime) -> Message:
    """Approve the text that a person has seen, to the person whom they saw.

    Raises:
        NotFound: There is no such message.
        Conflict: It is not pending, its text or recipient is not the one that was seen, or its lead
            was withdrawn or rejected, or the person must not be written to.
    """
    message = await _locked(tx, message_id)
    if message.state != "pending":
        raise Conflict(f"the message is {message.state}: only a pending one can be approved")
    written = rules.body_hash(message.platform, message.platform_id, message.body)
    if not body_hash == message.body_hash == written:
        raise Conflict("the message has changed since it was shown: look at it again")
    if message.lead_id is not None:
        lead_state = await tx.fetchval(QUERIES["get_lead_state"], lead_id=message.lead_id)
        rules.check_lead(lead_state)
    if await tx.fetchval(
        QUERIES["is_suppressed"],
        platform=message.platform,
        platform_id=message.platform_id,
        username=message.username,
    ):
        raise Conflict("this person must not be written to: they are suppressed")
    row = await tx.fetchrow(QUERIES["approve_message"], id=message_id, body_hash=body_hash, now=now)
    return _found(row, message_id)


async def edit(
    tx: Executor, message_id: int, *, body: str, now: datetime, body_hash: str | None = None
) -> Message:
    """Change the text; an approval that it had is void.

    Args:
        tx: A transaction.
        message_id: Which one.
        body: The new text.
        now: The present moment.
        body_hash: Of the text that the person had before them; None: whatever it is.

    Raises:
        Rejected: The text is empty or too long for the platform.
        NotFound: There is no such message.
        Conflict: It is claimed by a worker or was sent: too late; or somebody has changed it since
            it was shown.
    """
    message = await _locked(tx, message_id)
    if message.state not in ("pending", "approved"):
        raise Conflict(f"the message is {message.state}: too late to change it")
    if body_hash not in (None, message.body_hash):
        raise Conflict("somebody has changed the message since it was shown: look at it again")
    text = rules.checked_body(message.platform, body)
    row = await tx.fetchrow(
        QUERIES["edit_message"],
        id=message_id,
        body=text,
        body_hash=rules.body_hash(message.platform, message.platform_id, text),
        held_by=Gate.APPROVAL,
        now=now,
    )
    return _found(row, message_id)


async def reject(tx: Executor, message_id: int, *, now: datetime) -> Message:
    """Cancel a message that a person does not want to be sent.

    Raises:
        NotFound: There is no such message.
        Conflict: It is claimed by a worker or was sent: too late.
    """
    message = await _locked(tx, message_id)
    if message.state not in ("pending", "approved"):
        raise Conflict(f"the message is {message.state}: too late to reject it")
    row = await tx.fetchrow(
        QUERIES["cancel_message"], id=message_id, reason="rejected by a person", now=now
    )
    return _found(row, message_id)


async def cancel_for_person(
    tx: Executor,
    *,
    platform: str,
    platform_id: str,
    reason: str,
    now: datetime,
    replied: bool = False,
    for_good: bool = True,
) -> int:
    """Stop every message to this person, in all campaigns, that is not on the wire yet.

    Args:
        tx: Where to write.
        platform: The person's.
        platform_id: Their immutable id.
        reason: Why, in words.
        now: The present moment.
        replied: They have written to us, back or first: no step of any campaign goes to them.
        for_good: Answers that a person of ours has written are cancelled, too; else they wait to be
            approved once more.

    Returns:
        How many were stopped.
    """
    if replied:
        await tx.execute(
            QUERIES["mark_answered"], platform=platform, platform_id=platform_id, now=now
        )
        await tx.execute(
            QUERIES["note_correspondent"], platform=platform, platform_id=platform_id, now=now
        )
    return await tx.execute(
        QUERIES["cancel_for_person"],
        platform=platform,
        platform_id=platform_id,
        now=now,
        reason=reason,
        for_good=for_good,
        held_by=Gate.APPROVAL,
    )


async def cancel_for_people(
    tx: Executor, people: Sequence[tuple[str, str]], *, reason: str, now: datetime
) -> int:
    """Cancel every message to these people that is not on the wire yet; return how many.

    Args:
        tx: Where to write.
        people: Platform and immutable id of each.
        reason: Why, in words.
        now: The present moment.
    """
    return await tx.execute(
        QUERIES["cancel_for_people"],
        platforms=[platform for platform, _ in people],
        platform_ids=[platform_id for _, platform_id in people],
        reason=reason,
        now=now,
    )


async def write_answer(
    tx: Executor,
    *,
    campaign_id: int,
    lead_id: int | None,
    profile_id: int | None,
    platform: str,
    platform_id: str,
    username: str,
    answers: int,
    body: str,
    now: datetime,
) -> Message:
    """Write what a person of ours answers: it waits for approval, and passes every gate.

    Args:
        tx: Where to write.
        campaign_id: Whose conversation it is.
        lead_id: Of that campaign, if there is one.
        profile_id: The person's, if they are known.
        platform: Where they are.
        platform_id: Their immutable id.
        username: What people read.
        answers: The id of the event that is answered.
        body: The text.
        now: The present moment.

    Raises:
        Rejected: The text is empty or too long for the platform.
        Conflict: Another answer to them has not gone out yet.
    """
    text = rules.checked_body(platform, body)
    row = await tx.fetchrow(
        QUERIES["insert_answer"],
        campaign_id=campaign_id,
        lead_id=lead_id,
        profile_id=profile_id,
        platform=platform,
        platform_id=platform_id,
        username=username,
        first_step=FIRST_ANSWER,
        body=text,
        body_hash=rules.body_hash(platform, platform_id, text),
        held_by=Gate.APPROVAL,
        answers=answers,
        now=now,
    )
    if row is None:
        raise Conflict("another answer to them has not gone out yet: edit or reject that one")
    return message_from(row)


async def cancel_for_lead(tx: Executor, lead_id: int, *, reason: str, now: datetime) -> int:
    """Cancel every message to this lead that is not on the wire yet; return how many.

    With `LEAD_REJECTED` as the reason, `reopen_for_lead` can undo it.
    """
    return await tx.execute(QUERIES["cancel_for_lead"], lead_id=lead_id, reason=reason, now=now)


async def reopen_for_lead(tx: Executor, lead_id: int, *, now: datetime) -> bool:
    """Put the messages back to pending that were cancelled because the lead was rejected.

    What was cancelled for another reason stays so, and so does every message to somebody who must
    not be written to. What had been approved has to be approved again.

    Returns:
        Whether the lead has a message, in whatever state; if not, there may be a draft.
    """
    await tx.execute(
        QUERIES["reopen_for_lead"],
        lead_id=lead_id,
        reason=LEAD_REJECTED,
        held_by=Gate.APPROVAL,
        now=now,
    )
    has_message: bool = await tx.fetchval(QUERIES["has_message"], lead_id=lead_id)
    return has_message


async def release_campaign(tx: Executor, campaign_id: int, *, now: datetime) -> int:
    """Make due what waits because its campaign was not active; return how many messages."""
    return await tx.execute(
        QUERIES["release_campaign"],
        campaign_id=campaign_id,
        gate=Gate.CAMPAIGN,
        limit=MAX_RELEASED,
        now=now,
    )


async def settle(tx: Executor, message_id: int, *, arrived: bool, now: datetime) -> Message:
    """Record what a person found out about an ambiguous message; it is not sent again either way.

    It ends as `sent` if it has arrived, else as `failed`: a claim that it did not arrive may be
    wrong, so even then the program writes no second message of this campaign to this person.

    Raises:
        NotFound: There is no such message.
        Conflict: It is not ambiguous.
    """
    message = await _locked(tx, message_id)
    if message.state != "ambiguous":
        raise Conflict(f"the message is {message.state}: only an ambiguous one can be settled")
    row = await tx.fetchrow(
        QUERIES["settle_message"],
        id=message_id,
        state="sent" if arrived else "failed",
        error=None if arrived else "did not arrive, says a person",
        now=now,
    )
    return _found(row, message_id)


async def count_contacted(db: Executor, campaign_id: int) -> int:
    """Return how many people a campaign has written to."""
    return await db.fetchval(QUERIES["count_contacted"], campaign_id=campaign_id)


async def count_by_state(db: Executor, campaign_id: int) -> dict[str, int]:
    """Return how many messages of a campaign are in each state that occurs."""
    rows = await db.fetch(QUERIES["count_by_state"], campaign_id=campaign_id)
    return {row["state"]: row["messages"] for row in rows}


async def _locked(tx: Executor, message_id: int) -> Message:
    return _found(await tx.fetchrow(QUERIES["lock_message"], id=message_id), message_id)


def _found(row: Row | None, message_id: int) -> Message:
    if row is None:
        raise NotFound(f"there is no message {message_id}")
    return message_from(row)
