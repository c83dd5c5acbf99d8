"""The crawler service: crawls that are asked of it directly, and how they go."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from omni.api.deps import Deps
from omni.api.idempotency import RunOnce
from omni.api.platforms import check_seed
from omni.api.routes.work import accept
from omni.api.schemas import CrawlJobIn, JobAccepted, JobOut
from omni.base.errors import NotFound
from omni.campaigns import store as campaigns
from omni.jobs import store as jobs
from omni.jobs.types import CrawlConfig, CrawlSeed
from omni.storage.db import Tx

router = APIRouter(prefix="/crawl/jobs", tags=["crawl"])


@router.post("", status_code=202, response_model=JobAccepted, summary="Start a crawl")
async def create_crawl_job(
    request: Request, body: CrawlJobIn, deps: Deps, once: RunOnce
) -> Response:
    """Write a crawl to the ledger; a worker of the queue `crawl` takes it up."""
    platform = body.platform or str(request.app.state.default_platform)
    check_seed(deps.platforms, platform, body.seed_type, body.crawl_config.max_depth)
    args = CrawlSeed(
        platform=platform,
        seed_type=body.seed_type,
        seed_value=body.seed_value,
        config=CrawlConfig(**body.crawl_config.model_dump()),
        campaign_id=body.campaign_id,
    )

    async def effect(tx: Tx) -> JobAccepted:
        if body.campaign_id is not None:
            await campaigns.get(tx, body.campaign_id)
        return await accept(tx, args, now=deps.clock(), base_path="/crawl/jobs")

    return await once.run(202, effect)


@router.get("/{job_id}", summary="Follow a crawl")
async def get_crawl_job(job_id: UUID, deps: Deps) -> JobOut:
    """Show state, progress, attempts, result and error of a crawl."""
    job = await jobs.get_job(deps.db, job_id)
    if job.queue != "crawl":
        raise NotFound(f"there is no crawl {job_id}")
    return JobOut.model_validate(job)
