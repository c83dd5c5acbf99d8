"""Messages: a person approves, edits or rejects each one."""

from __future__ import annotations

from fastapi import APIRouter, Response

from omni.api.deps import Deps
from omni.api.idempotency import RunOnce
from omni.api.routes.params import RowId
from omni.api.routes.soon import dispatch_soon
from omni.api.schemas import ApproveIn, MessageOut, MessagePatch, SettleIn
from omni.dispatch import store as dispatch
from omni.jobs import store as jobs
from omni.leads import store as leads
from omni.storage.db import Tx

router = APIRouter(prefix="/messages", tags=["messages"])


@router.post("/{message_id}/approve", response_model=MessageOut, summary="Approve a message")
async def approve_message(
    message_id: RowId, body: ApproveIn, deps: Deps, once: RunOnce
) -> Response:
    """Approve exactly the text with this `body_hash`; it goes out within the account's limits."""
    now = deps.clock()

    async def effect(tx: Tx) -> MessageOut:
        message = await dispatch.approve(tx, message_id, body_hash=body.body_hash, now=now)
        await jobs.enqueue(tx, [dispatch_soon(now)], now=now)
        return MessageOut.model_validate(message)

    return await once.run(200, effect)


@router.patch("/{message_id}", summary="Edit a message")
async def edit_message(message_id: RowId, body: MessagePatch, deps: Deps) -> MessageOut:
    """Give the message another text. An approval is void after that."""
    async with deps.db.transaction() as tx:
        message = await dispatch.edit(
            tx, message_id, body=body.body, now=deps.clock(), body_hash=body.body_hash
        )
    return MessageOut.model_validate(message)


@router.post("/{message_id}/reject", response_model=MessageOut, summary="Reject a message")
async def reject_message(message_id: RowId, deps: Deps, once: RunOnce) -> Response:
    """Cancel the message for good."""

    async def effect(tx: Tx) -> MessageOut:
        return MessageOut.model_validate(await dispatch.reject(tx, message_id, now=deps.clock()))

    return await once.run(200, effect)


@router.post(
    "/{message_id}/settle", response_model=MessageOut, summary="Settle an ambiguous message"
)
async def settle_message(message_id: RowId, body: SettleIn, deps: Deps, once: RunOnce) -> Response:
    """Say whether an `ambiguous` message has arrived, after looking at the platform.

    It ends as `sent` or as `failed`. It is never sent again, even if it did not arrive: to write to
    this person after all is left to you.
    """
    now = deps.clock()

    async def effect(tx: Tx) -> MessageOut:
        message = await dispatch.settle(tx, message_id, arrived=body.arrived, now=now)
        if body.arrived and message.lead_id is not None:
            await leads.mark_contacted(tx, [message.lead_id], now)
        return MessageOut.model_validate(message)

    return await once.run(200, effect)
