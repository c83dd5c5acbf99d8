"""Many messages at once, and the autopilot: what a person lets go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter, Response

from omni.api.deps import Deps
from omni.api.drafting import drafting_now, preview_drafts
from omni.api.idempotency import RunOnce
from omni.api.routes.params import RowId
from omni.api.routes.soon import dispatch_soon, draft_soon
from omni.api.routes.work import accept
from omni.api.schemas import JobAccepted
from omni.api.schemas.drafting import (
    ApproveManyIn,
    AutopilotIn,
    AutopilotOut,
    BatchOut,
    Done,
    DraftingOut,
    DraftsPreview,
    DraftsPreviewIn,
    EditManyIn,
    RejectManyIn,
    WriteIn,
)
from omni.base.errors import Conflict, NotFound, Rejected
from omni.base.log import get_logger
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.dispatch import drafts_store as drafts
from omni.dispatch import store as dispatch
from omni.dispatch.types import Message
from omni.jobs import store as jobs
from omni.jobs.types import WriteDrafts
from omni.storage.db import Tx

router = APIRouter(tags=["messages"])


@router.post("/messages/approve", response_model=BatchOut, summary="Approve many messages")
async def approve_messages(body: ApproveManyIn, deps: Deps, once: RunOnce) -> Response:
    """Approve exactly these texts. One that has changed meanwhile stays as it is, and says so."""
    now = deps.clock()
    hashes = {item.id: item.body_hash for item in body.items}

    async def effect(tx: Tx) -> BatchOut:
        async def approve(message_id: int) -> Message:
            return await dispatch.approve(tx, message_id, body_hash=hashes[message_id], now=now)

        result = await _each([item.id for item in body.items], approve)
        if result.done:
            await jobs.enqueue(tx, [dispatch_soon(now)], now=now)
        return result

    return await once.run(200, effect)


@router.post("/messages/edit", response_model=BatchOut, summary="Edit many messages")
async def edit_messages(body: EditManyIn, deps: Deps, once: RunOnce) -> Response:
    """Give each message another text. Approvals are void after that.

    With the `body_hash` of the text that was read, one that has changed meanwhile stays as it is.
    """
    now = deps.clock()
    texts = {item.id: item for item in body.items}

    async def effect(tx: Tx) -> BatchOut:
        async def edit(message_id: int) -> Message:
            item = texts[message_id]
            return await dispatch.edit(
                tx, message_id, body=item.body, now=now, body_hash=item.body_hash
            )

        return await _each([item.id for item in body.items], edit)

    return await once.run(200, effect)


@router.post("/messages/reject", response_model=BatchOut, summary="Reject many messages")
async def reject_messages(body: RejectManyIn, deps: Deps, once: RunOnce) -> Response:
    """Cancel these messages for good."""
    now = deps.clock()

    async def effect(tx: Tx) -> BatchOut:
        async def reject(message_id: int) -> Message:
            return await dispatch.reject(tx, message_id, now=now)

        return await _each(body.ids, reject)

    return await once.run(200, effect)


@router.get("/campaigns/{campaign_id}/drafts", summary="Say why nobody is drafted for")
async def get_drafting(campaign_id: RowId, deps: Deps) -> DraftingOut:
    """Say how many people wait for a first message, and what keeps it from being written.

    Whether models answer is told by the campaign's last calls of them; nobody is asked for it.
    """
    return await drafting_now(deps, campaign_id)


@router.post("/campaigns/{campaign_id}/drafts/preview", summary="Preview drafts")
async def preview(campaign_id: RowId, body: DraftsPreviewIn, deps: Deps) -> DraftsPreview:
    """Show the texts that the best leads would get; nothing is written down, nothing is sent."""
    return await preview_drafts(deps, campaign_id, body)


@router.post(
    "/campaigns/{campaign_id}/drafts/write",
    status_code=202,
    response_model=JobAccepted,
    summary="Let a model write for a preview",
)
async def write(campaign_id: RowId, body: WriteIn, deps: Deps, once: RunOnce) -> Response:
    """Ask the model, on the campaign's budget, for the texts of the best leads.

    Its answers are kept, and are the drafts' later: nobody pays twice. No draft is made.
    """

    async def effect(tx: Tx) -> JobAccepted:
        await campaigns.get(tx, campaign_id)
        args = WriteDrafts(campaign_id=campaign_id, limit=body.limit)
        return await accept(tx, args, now=deps.clock())

    return await once.run(202, effect)


@router.get("/campaigns/{campaign_id}/autopilot", summary="Show the autopilot")
async def get_autopilot(campaign_id: RowId, deps: Deps) -> AutopilotOut:
    """Show whether messages go without a look, how many a day, and how much of that is used."""
    campaign = await campaigns.get(deps.db, campaign_id)
    used = await drafts.autopilot_used(deps.db, campaign_id, now=deps.clock())
    return _autopilot(campaign, used)


@router.put("/campaigns/{campaign_id}/autopilot", summary="Set the autopilot")
async def set_autopilot(campaign_id: RowId, body: AutopilotIn, deps: Deps) -> AutopilotOut:
    """Let so many messages go without a look in any 24 hours, or none.

    Every change takes back what the autopilot had approved and is not on the wire yet; under a new
    cap that is approved anew.
    """
    now = deps.clock()
    async with deps.db.transaction() as tx:
        campaign = await campaigns.set_autopilot(tx, campaign_id, body.daily_cap, now=now)
        taken_back = await drafts.void_autopilot(tx, campaign_id, now=now)
        if body.daily_cap is not None:
            await jobs.enqueue(tx, [draft_soon(campaign_id, now)], now=now)
        used = await drafts.autopilot_used(tx, campaign_id, now=now)
    get_logger().info(
        "api.autopilot_set", for_campaign=campaign_id, cap=body.daily_cap, taken_back=taken_back
    )
    return _autopilot(campaign, used, taken_back)


def _autopilot(campaign: Campaign, used: int, taken_back: int = 0) -> AutopilotOut:
    return AutopilotOut(
        campaign_id=campaign.id,
        daily_cap=campaign.autopilot_cap,
        since=campaign.autopilot_since,
        used=used,
        taken_back=taken_back,
        off_because=campaign.autopilot_off_because,
        off_at=campaign.autopilot_off_at,
    )


async def _each(ids: Sequence[int], act: Callable[[int], Awaitable[Message]]) -> BatchOut:
    """Act on each message; they are locked in one order, so that two batches never cross."""
    outcomes: dict[int, Done] = {}
    for message_id in sorted(set(ids)):
        try:
            changed = await act(message_id)
        except NotFound as error:
            outcomes[message_id] = Done(id=message_id, outcome="not found", problem=str(error))
        except Conflict as error:
            outcomes[message_id] = Done(id=message_id, outcome="conflict", problem=str(error))
        except Rejected as error:
            outcomes[message_id] = Done(id=message_id, outcome="rejected", problem=str(error))
        else:
            outcomes[message_id] = Done(id=message_id, outcome="done", body_hash=changed.body_hash)
    items = [outcomes[message_id] for message_id in dict.fromkeys(ids)]
    return BatchOut(items=items, done=sum(item.outcome == "done" for item in items))
