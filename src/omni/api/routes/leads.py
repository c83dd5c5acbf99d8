"""Leads: who was found, and what a person decides about them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from omni.api.cursors import id_cursor, read_id_cursor, read_score_cursor, score_cursor
from omni.api.deps import Deps
from omni.api.holding import shown_now
from omni.api.idempotency import RunOnce
from omni.api.routes.direct import describe_params, read_params
from omni.api.routes.params import Cursor, Digits, Limit, RowId
from omni.api.routes.soon import draft_soon
from omni.api.schemas import (
    MAX_ID,
    FeedbackIn,
    LeadChangeOut,
    LeadOut,
    LeadState,
    MessageOut,
    MessageState,
    Page,
)
from omni.campaigns import store as campaigns
from omni.dispatch import store as dispatch
from omni.dispatch.types import LEAD_REJECTED
from omni.feedback import store as feedback
from omni.jobs import store as jobs
from omni.leads import store as leads
from omni.leads.types import Lead, profile_url
from omni.storage.db import Database, Tx

router = APIRouter(tags=["leads"])


class LeadPageParams(BaseModel):
    """What a page of leads is asked with."""

    campaign_id: Digits = Field(ge=1, le=MAX_ID)
    state: LeadState | None = None
    limit: int = Field(default=50, ge=1, le=200, description="The most leads of one page")
    cursor: str | None = Field(
        default=None, max_length=100, description="`next_cursor` of the page before"
    )


@router.get(
    "/campaigns/{campaign_id}/leads",
    response_model=Page[LeadOut],
    summary="List leads, best first",
    openapi_extra=describe_params(LeadPageParams, in_path=frozenset({"campaign_id"})),
)
async def list_leads(request: Request) -> Response:
    """List the campaign's leads with their reasons.

    Pages follow the score: a lead that arrives while you read never moves the others.
    """
    params = read_params(LeadPageParams, request)
    db: Database = request.app.state.deps.db
    page = await leads.page_json(
        db,
        params.campaign_id,
        state=params.state,
        after=read_score_cursor(params.cursor),
        limit=params.limit,
    )
    if page.items == b"[]":
        await campaigns.get(db, params.campaign_id)
    after = b'"%b"' % score_cursor(*page.next_after).encode() if page.next_after else b"null"
    # Postgres wrote the items; nothing here reads them.
    body = b'{"items":%b,"next_cursor":%b}' % (page.items, after)
    return Response(body, media_type="application/json")


@router.get("/leads/{lead_id}", summary="Show a lead")
async def get_lead(lead_id: RowId, deps: Deps) -> LeadOut:
    """Show one lead with its reasons."""
    return lead_out(await leads.get_lead(deps.db, lead_id))


@router.get("/leads/{lead_id}/changes", summary="Show a lead's history")
async def list_lead_changes(lead_id: RowId, deps: Deps, limit: Limit = 50) -> Page[LeadChangeOut]:
    """Show what became of a lead, the newest first, in one page."""
    await leads.get_lead(deps.db, lead_id)
    found = await leads.list_changes(deps.db, lead_id, limit=limit)
    return Page(items=[LeadChangeOut.model_validate(each) for each in found], next_cursor=None)


@router.post("/leads/{lead_id}/feedback", response_model=LeadOut, summary="Accept or reject a lead")
async def decide_lead(lead_id: RowId, body: FeedbackIn, deps: Deps, once: RunOnce) -> Response:
    """Record a person's decision; the campaign's weights learn from it.

    Rejecting a lead cancels what waits to be sent to it; accepting it after all brings that back,
    to be approved anew, and a lead without a message gets a draft.
    """
    now = deps.clock()

    async def effect(tx: Tx) -> LeadOut:
        lead = await leads.decide(tx, lead_id, accepted=body.kind == "accepted", now=now)
        # Deciding the same again leaves `decided_at` as it was, and so is the same event.
        event_id = f"{body.kind}@{lead.id}.{lead.decided_at}"
        await feedback.record_person(tx, lead=lead, kind=body.kind, now=now, event_id=event_id)
        if body.kind == "rejected":
            await dispatch.cancel_for_lead(tx, lead_id, reason=LEAD_REJECTED, now=now)
        elif not await dispatch.reopen_for_lead(tx, lead_id, now=now):
            await jobs.enqueue(tx, [draft_soon(lead.campaign_id, now)], now=now)
        return lead_out(lead)

    return await once.run(200, effect)


@router.get("/campaigns/{campaign_id}/messages", summary="List messages, newest first")
async def list_messages(
    campaign_id: RowId,
    deps: Deps,
    state: Annotated[MessageState | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MessageOut]:
    """List the campaign's messages, and what holds each one."""
    found = await dispatch.list_messages(
        deps.db,
        campaign_id=campaign_id,
        state=state,
        before_id=read_id_cursor(cursor),
        limit=limit + 1,
    )
    if not found:
        await campaigns.get(deps.db, campaign_id)
    page = found[:limit]
    return Page(
        items=await shown_now(deps.db, page, deps.senders, deps.clock()),
        next_cursor=id_cursor(page[-1].id) if len(found) > limit else None,
    )


def lead_out(lead: Lead) -> LeadOut:
    """Show a lead as a page of leads has it."""
    link = profile_url(lead.platform, lead.platform_id)
    return LeadOut.model_validate({**asdict(lead), "profile_url": link})
