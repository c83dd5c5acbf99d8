"""The inbox: who wrote back, what it means, and what is answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from omni.api.cursors import moment_cursor, read_moment_cursor
from omni.api.deps import Deps
from omni.api.doors import DOORS
from omni.api.holding import shown_now
from omni.api.idempotency import RunOnce
from omni.api.routes.params import Cursor, Limit, OptionalId, RowId
from omni.api.schemas import MessageOut, Page
from omni.api.schemas.inbox import (
    ClassChangeOut,
    ClassIn,
    ConversationOut,
    EventOut,
    ReplyIn,
    SaidOut,
    StandingOut,
    ThreadOut,
    UnreadOut,
)
from omni.base.errors import Conflict
from omni.connectors.types import EventKind
from omni.dispatch import store as dispatch
from omni.feedback import store as feedback
from omni.feedback import threads_store as threads
from omni.feedback.plan import next_step, what_follows
from omni.feedback.types import Thread
from omni.leads import suppressions_store as suppressions
from omni.storage.db import Tx

router = APIRouter(tags=["inbox"])


@router.get("/threads", summary="List conversations, the last that moved first")
async def list_threads(
    deps: Deps,
    kind: Annotated[EventKind | None, Query(description="Whose newest event says this")] = None,
    unread: Annotated[bool, Query(description="Only those that nobody has looked at")] = False,
    campaign_id: OptionalId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ThreadOut]:
    """List the people who wrote back."""
    found = await threads.list_threads(
        deps.db,
        kind=kind,
        unread=unread,
        campaign_id=campaign_id,
        before=read_moment_cursor(cursor),
        limit=limit + 1,
    )
    page = found[:limit]
    return Page(
        items=[_shown(thread) for thread in page],
        next_cursor=moment_cursor(page[-1].last_at, page[-1].id) if len(found) > limit else None,
    )


@router.get("/threads/unread", summary="Count the conversations that nobody has looked at")
async def count_unread(deps: Deps) -> UnreadOut:
    """Count the conversations that moved since somebody looked at them, up to 1,000."""
    return UnreadOut(unread=await threads.count_unread(deps.db))


@router.get("/threads/{thread_id}", summary="Show a conversation")
async def get_thread(thread_id: RowId, deps: Deps) -> ConversationOut:
    """Show what was said, what it was taken for, and what keeps messages from this person."""
    thread = await threads.get_thread(deps.db, thread_id)
    said = await threads.list_said(deps.db, thread)
    classes = await threads.list_classes(deps.db, [each.id for each in said if not each.ours])
    standing = await suppressions.suppressions_of(
        deps.db,
        platform=thread.platform,
        platform_id=thread.platform_id,
        username=thread.username,
    )
    waiting = await dispatch.list_open_to(
        deps.db, platform=thread.platform, platform_id=thread.platform_id
    )
    return ConversationOut(
        thread=_shown(thread),
        said=[SaidOut.model_validate(each) for each in said],
        classes=[ClassChangeOut.model_validate(each) for each in classes],
        suppressions=[StandingOut.model_validate(each) for each in standing],
        open=await shown_now(deps.db, waiting, deps.senders, deps.clock()),
        follows=what_follows(thread, said, classes, waiting),
    )


@router.post(
    "/threads/{thread_id}/read", response_model=ThreadOut, summary="Note that it was looked at"
)
async def mark_read(thread_id: RowId, deps: Deps, once: RunOnce) -> Response:
    """Take a conversation out of those that nobody has looked at."""

    async def effect(tx: Tx) -> ThreadOut:
        await threads.mark_read(tx, thread_id)
        return _shown(await threads.get_thread(tx, thread_id))

    return await once.run(200, effect)


@router.post(
    "/threads/{thread_id}/replies",
    status_code=201,
    response_model=MessageOut,
    summary="Answer somebody",
)
async def write_reply(thread_id: RowId, body: ReplyIn, deps: Deps, once: RunOnce) -> Response:
    """Write an answer. It waits for approval, and passes every gate like any other message."""
    now = deps.clock()

    async def effect(tx: Tx) -> MessageOut:
        thread = await threads.get_thread(tx, thread_id)
        if thread.suppressed:
            raise Conflict("nobody writes to this person any more: they are suppressed")
        if thread.campaign_id is None:
            raise Conflict("no campaign has written to this person: answer them on the platform")
        message = await dispatch.write_answer(
            tx,
            campaign_id=thread.campaign_id,
            lead_id=thread.lead_id,
            profile_id=thread.profile_id,
            platform=thread.platform,
            platform_id=thread.platform_id,
            username=thread.username,
            answers=thread.last_event_id,
            body=body.body,
            now=now,
        )
        await threads.mark_read(tx, thread_id)
        return MessageOut.model_validate(message)

    return await once.run(201, effect)


@router.post(
    "/feedback/{event_id}/class", response_model=EventOut, summary="Say what a reply means"
)
async def set_class(event_id: RowId, body: ClassIn, deps: Deps, once: RunOnce) -> Response:
    """Take a reply for something else, with all that follows: `opt_out` suppresses at once.

    Taking an opt-out for something else does not lift the suppression: that is done expressly.
    """
    now = deps.clock()

    async def effect(tx: Tx) -> EventOut:
        event = await feedback.reclass(
            tx, event_id, body.kind, by="person", note=body.note, doors=DOORS, now=now
        )
        assert event is not None
        return EventOut(
            id=event.id,
            kind=event.kind,
            classed_by=event.classed_by,
            platform=event.platform,
            platform_id=event.platform_id,
            campaign_id=event.campaign_id,
            lead_id=event.lead_id,
            message_id=event.message_id,
            occurred_at=event.occurred_at,
        )

    return await once.run(200, effect)


def _shown(thread: Thread) -> ThreadOut:
    fields = {name: getattr(thread, name) for name in Thread.__slots__}
    return ThreadOut(**fields, next_step=next_step(thread))
