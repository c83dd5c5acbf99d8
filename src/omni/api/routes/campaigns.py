"""Campaigns: whom to look for, and the work that finds them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, cast

from fastapi import APIRouter, Body, Request, Response

from omni.api.cursors import id_cursor, read_id_cursor
from omni.api.deps import Deps
from omni.api.funnel import read_status
from omni.api.idempotency import RunOnce
from omni.api.platforms import check_seed
from omni.api.routes.params import Cursor, Limit, RowId
from omni.api.routes.soon import dispatch_soon
from omni.api.routes.work import accept
from omni.api.schemas import (
    CampaignIn,
    CampaignOut,
    CampaignPatch,
    DiscoverIn,
    FollowUpModel,
    JobAccepted,
    NoteOut,
    Page,
    QualifyIn,
    StatusOut,
)
from omni.api.security import demand
from omni.base.errors import Conflict, Rejected
from omni.base.log import get_logger
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign, Changes, FollowUp
from omni.dispatch import drafts_store as drafts
from omni.dispatch import store as dispatch
from omni.dispatch.drafting_plan import rewritten
from omni.dispatch.plan import check_template
from omni.jobs import store as jobs
from omni.jobs.types import CrawlConfig, CrawlSeed, NewJob, QualifyCampaign, RefreshCandidates
from omni.predicate.plan import compile_criteria
from omni.profiles.types import SIGNALS
from omni.storage.db import Tx

MICROS = 1_000_000
"""Money is kept in whole millionths of its currency."""

_WHOM = frozenset({"brief", "compiled", "threshold"})
"""What of a campaign decides who becomes a lead."""

router = APIRouter(prefix="/campaigns", tags=["campaigns"])


@router.post("", status_code=201, response_model=CampaignOut, summary="Create a campaign")
async def create_campaign(body: CampaignIn, deps: Deps, once: RunOnce) -> Response:
    """Create an active campaign; whoever is known already and fits becomes a candidate."""
    compiled = compile_criteria(body.criteria)
    _check_texts(body.message_template, body.follow_ups)
    now = deps.clock()

    async def effect(tx: Tx) -> CampaignOut:
        campaign = await campaigns.create(
            tx,
            name=body.name,
            brief=body.brief,
            compiled=compiled,
            threshold=body.threshold,
            shortlist_size=body.shortlist_size,
            message_template=body.message_template,
            writer=body.writer,
            follow_ups=_follow_ups(body.follow_ups),
            daily_call_limit=body.daily_call_limit,
            daily_cost_limit_micros=_micros(body.daily_cost_limit),
            judge_share=body.judge_share,
            now=now,
        )
        await jobs.enqueue(tx, [_refresh(campaign)], now=now)
        return campaign_out(campaign)

    return await once.run(201, effect)


@router.get("", summary="List campaigns")
async def list_campaigns(deps: Deps, limit: Limit = 50, cursor: Cursor = None) -> Page[CampaignOut]:
    """List the campaigns in the order in which they were created."""
    found = await campaigns.list_all(deps.db, limit=limit + 1, after_id=read_id_cursor(cursor))
    page = found[:limit]
    return Page(
        items=[campaign_out(campaign) for campaign in page],
        next_cursor=id_cursor(page[-1].id) if len(found) > limit else None,
    )


@router.get("/{campaign_id}", summary="Show a campaign")
async def get_campaign(campaign_id: RowId, deps: Deps) -> CampaignOut:
    """Show a campaign with its criteria in words and its current weights."""
    return campaign_out(await campaigns.get(deps.db, campaign_id))


@router.patch("/{campaign_id}", summary="Change a campaign")
async def update_campaign(
    campaign_id: RowId, body: CampaignPatch, request: Request, deps: Deps
) -> CampaignOut:
    """Change what is given.

    New criteria refresh the candidates. A campaign that becomes active again does so too, and what
    was approved goes out: for that a key needs the scope `send`. An autopilot goes off if what it
    would send is changed; while it is on, a key without `send` cannot change to whom it writes.
    """
    changes = _changes(body)
    if body.criteria is not None:
        changes["compiled"] = compile_criteria(body.criteria)
    _check_texts(body.message_template or "", body.follow_ups or ())
    now = deps.clock()
    async with deps.db.transaction() as tx:
        before = await campaigns.lock(tx, campaign_id)
        if not changes:
            return campaign_out(before)
        if _lets_go(before, changes):
            demand(request, "send")
        campaign = await campaigns.update(tx, campaign_id, now=now, **changes)
        campaign = await _mind_autopilot(tx, before, campaign, now)
        if _concerns_others(before, campaign):
            await jobs.enqueue(tx, [_refresh(campaign)], now=now)
        if _wakes(before, campaign):
            await dispatch.release_campaign(tx, campaign_id, now=now)
            await jobs.enqueue(tx, [dispatch_soon(now)], now=now)
    return campaign_out(campaign)


@router.post(
    "/{campaign_id}/discover", status_code=202, response_model=JobAccepted, summary="Find people"
)
async def discover(campaign_id: RowId, body: DiscoverIn, deps: Deps, once: RunOnce) -> Response:
    """Crawl from a seed. Whom it finds is kept, and becomes a candidate where the criteria fit."""
    check_seed(deps.platforms, body.platform, body.seed_type, body.crawl_config.max_depth)
    args = CrawlSeed(
        platform=body.platform,
        seed_type=body.seed_type,
        seed_value=body.seed_value,
        config=CrawlConfig(**body.crawl_config.model_dump()),
        campaign_id=campaign_id,
    )

    async def effect(tx: Tx) -> JobAccepted:
        await _open_campaign(tx, campaign_id)
        return await accept(tx, args, now=deps.clock())

    return await once.run(202, effect)


@router.post(
    "/{campaign_id}/qualify", status_code=202, response_model=JobAccepted, summary="Judge people"
)
async def qualify(
    campaign_id: RowId,
    deps: Deps,
    once: RunOnce,
    body: Annotated[QualifyIn | None, Body()] = None,
) -> Response:
    """Judge the best candidates that have no verdict yet; good ones become leads."""
    args = QualifyCampaign(campaign_id=campaign_id, limit=body.limit if body else None)

    async def effect(tx: Tx) -> JobAccepted:
        await _open_campaign(tx, campaign_id)
        return await accept(tx, args, now=deps.clock())

    return await once.run(202, effect)


@router.get("/{campaign_id}/status", summary="Show the funnel")
async def get_status(campaign_id: RowId, deps: Deps) -> StatusOut:
    """Count how many people got how far, and the work that is still open."""
    return await read_status(deps.db, campaign_id)


def campaign_out(campaign: Campaign) -> CampaignOut:
    """Show a campaign as the API has it."""
    compiled = compile_criteria(campaign.criteria)
    return CampaignOut(
        id=campaign.id,
        name=campaign.name,
        brief=campaign.brief,
        criteria=campaign.criteria,
        criteria_hash=campaign.criteria_hash,
        english=compiled.english,
        notes=[NoteOut.model_validate(note) for note in compiled.notes],
        status=campaign.status,
        threshold=campaign.threshold,
        shortlist_size=campaign.shortlist_size,
        message_template=campaign.message_template,
        writer=campaign.writer,
        follow_ups=[FollowUpModel.model_validate(each) for each in campaign.follow_ups],
        autopilot_cap=campaign.autopilot_cap,
        autopilot_since=campaign.autopilot_since,
        autopilot_off_because=campaign.autopilot_off_because,
        autopilot_off_at=campaign.autopilot_off_at,
        daily_call_limit=campaign.daily_call_limit,
        daily_cost_limit=None
        if campaign.daily_cost_limit_micros is None
        else campaign.daily_cost_limit_micros / MICROS,
        judge_share=campaign.judge_share,
        weights=dict(zip(SIGNALS, campaign.weights, strict=True)),
        weights_version=campaign.weights_version,
        created_at=campaign.created_at,
        updated_at=campaign.updated_at,
    )


async def _mind_autopilot(tx: Tx, before: Campaign, campaign: Campaign, now: datetime) -> Campaign:
    """Turn an autopilot off whose messages would not be those that a person let go unread."""
    changed = rewritten(before, campaign)
    if campaign.autopilot_cap is None or not changed:
        return campaign
    stopped = await campaigns.stop_autopilot(
        tx, campaign.id, f"what it would send was changed: {changed}", now=now
    )
    taken_back = await drafts.void_autopilot(tx, campaign.id, now=now)
    get_logger().warning(
        "api.autopilot_stopped", for_campaign=campaign.id, changed=changed, taken_back=taken_back
    )
    return stopped


def _changes(body: CampaignPatch) -> Changes:
    """Return what is given; null is a value for a limit, which it lifts."""
    apart = {"criteria", "follow_ups", "daily_call_limit", "daily_cost_limit"}
    changes = cast("Changes", body.model_dump(exclude_none=True, exclude=apart))
    if body.follow_ups is not None:
        changes["follow_ups"] = _follow_ups(body.follow_ups)
    if "daily_call_limit" in body.model_fields_set:
        changes["daily_call_limit"] = body.daily_call_limit
    if "daily_cost_limit" in body.model_fields_set:
        changes["daily_cost_limit_micros"] = _micros(body.daily_cost_limit)
    return changes


def _follow_ups(given: Sequence[FollowUpModel]) -> tuple[FollowUp, ...]:
    return tuple(FollowUp(each.delay_hours, each.template) for each in given)


def _check_texts(template: str, follow_ups: Sequence[FollowUpModel]) -> None:
    """Refuse a template that cannot be rendered, naming the one that is wrong."""
    check_template(template)
    for place, each in enumerate(follow_ups):
        try:
            check_template(each.template)
        except Rejected as error:
            raise Rejected(str(error), field=f"follow_ups[{place}].template") from error


def _micros(amount: float | None) -> int | None:
    return None if amount is None else round(amount * MICROS)


def _concerns_others(before: Campaign, after: Campaign) -> bool:
    """Tell whether other people than before may now be candidates."""
    return _wakes(before, after) or after.criteria_hash != before.criteria_hash


def _wakes(before: Campaign, after: Campaign) -> bool:
    return after.status == "active" != before.status


def _lets_go(before: Campaign, changes: Changes) -> bool:
    """Tell whether somebody may be written to by this who was held, or whom nobody has seen."""
    if changes.get("status") == "active" != before.status:
        return True
    return before.autopilot_cap is not None and not _WHOM.isdisjoint(changes)


def _refresh(campaign: Campaign) -> NewJob:
    """Return the job that brings the candidates in line with this version of the campaign."""
    version = f"{campaign.criteria_hash}.{campaign.updated_at.isoformat()}"
    return NewJob(
        RefreshCandidates(campaign_id=campaign.id),
        key=f"candidates.refresh@{campaign.id}.{version}",
    )


async def _open_campaign(tx: Tx, campaign_id: int) -> None:
    """Raise unless there is such a campaign, and it is not archived."""
    campaign = await campaigns.get(tx, campaign_id)
    if campaign.status == "archived":
        raise Conflict("the campaign is archived: set its status to active first")
