"""Jobs: what the ledger says, straight from Postgres."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from omni.api.cursors import read_time_cursor, time_cursor
from omni.api.deps import Deps
from omni.api.idempotency import RunOnce
from omni.api.routes.params import Cursor, Limit, OptionalId
from omni.api.routes.work import accept
from omni.api.schemas import JobAccepted, JobIn, JobOut, Page
from omni.campaigns import store as campaigns
from omni.jobs import store as jobs
from omni.jobs.types import (
    CrawlRefresh,
    DispatchMessages,
    FollowUp,
    JobArgs,
    JobState,
    ReconcileMessages,
    SweepFeedback,
    UpdateWeights,
)
from omni.storage.db import Tx

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("", summary="List jobs, newest first")
async def list_jobs(
    deps: Deps,
    campaign_id: OptionalId = None,
    state: Annotated[JobState | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[JobOut]:
    """List the jobs of all kinds, or those of one campaign or in one state."""
    found = await jobs.list_jobs(
        deps.db,
        campaign_id=campaign_id,
        state=state,
        before=read_time_cursor(cursor),
        limit=limit + 1,
    )
    page = found[:limit]
    return Page(
        items=[JobOut.model_validate(job) for job in page],
        next_cursor=time_cursor(page[-1].created_at, page[-1].id) if len(found) > limit else None,
    )


@router.post("", status_code=202, response_model=JobAccepted, summary="Run a job now")
async def run_now(body: JobIn, deps: Deps, once: RunOnce) -> Response:
    """Run a job of the timetable now, instead of waiting for its time."""

    async def effect(tx: Tx) -> JobAccepted:
        if body.campaign_id is not None:
            await campaigns.get(tx, body.campaign_id)
        return await accept(tx, _timetable_args(body), now=deps.clock())

    return await once.run(202, effect)


def _timetable_args(body: JobIn) -> JobArgs:
    match body.kind:
        case "crawl.refresh":
            return CrawlRefresh()
        case "dispatch.dm":
            return DispatchMessages()
        case "dispatch.follow_up":
            return FollowUp()
        case "dispatch.reconcile":
            return ReconcileMessages()
        case "feedback.sweep":
            return SweepFeedback()
        case "weights.update":
            return UpdateWeights(campaign_id=body.campaign_id or 0)


@router.get("/{job_id}", summary="Follow a job")
async def get_job(job_id: UUID, deps: Deps) -> JobOut:
    """Show state, progress, attempts, result and error of a job."""
    return JobOut.model_validate(await jobs.get_job(deps.db, job_id))


@router.post("/{job_id}/cancel", response_model=JobOut, summary="Cancel a job")
async def cancel_job(job_id: UUID, deps: Deps, once: RunOnce) -> Response:
    """Cancel a queued job at once; a running one is asked to stop, and its worker stops it."""

    async def effect(tx: Tx) -> JobOut:
        return JobOut.model_validate(await jobs.request_cancel(tx, job_id, now=deps.clock()))

    return await once.run(200, effect)
