"""Writes messages: first ones to new leads, later ones to those who have not replied."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import asdict, replace

from omni.base.errors import Rejected, Transient
from omni.base.log import get_logger
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.dispatch import drafting_work as drafting
from omni.dispatch.types import DraftReport
from omni.flow import follow
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs.types import DraftMessages, FollowUp, Progress

CAMPAIGNS_PER_PAGE = 100


async def draft_messages(world: World, job: JobContext, args: DraftMessages) -> StepResult:
    """Write what a person may approve."""
    campaign = await campaigns.get(world.db, args.campaign_id)
    report = await drafting.draft(world.db, campaign, now=world.clock())
    approved = await drafting.approve_by_autopilot(world.db, campaign, now=world.clock())
    return StepResult(
        asdict(replace(report, approved=approved)), follow.after_drafting(approved, job.id)
    )


async def follow_up(world: World, job: JobContext, args: FollowUp) -> StepResult:
    """Write what is due after an earlier message, and let autopilots approve what waits.

    A campaign that cannot be served does not keep the others waiting.

    Raises:
        Transient: None could be served.
    """
    drafted, approved, skipped, served, failed = 0, 0, Counter[str](), 0, 0
    async for campaign in _concerned(world):
        try:
            report = await _serve(world, campaign)
        except (Rejected, Transient) as error:
            failed += 1
            get_logger().warning(
                "dispatch.campaign_unserved", for_campaign=campaign.id, error=str(error)
            )
            continue
        served += 1
        drafted += report.drafted
        approved += report.approved
        skipped.update(report.skipped)
        job.report(Progress(drafted, None, campaign.name))
    if failed and not served:
        raise Transient(f"no follow-up could be written for {failed} campaigns: see the log")
    result = DraftReport(drafted, dict(skipped), approved=approved)
    return StepResult(
        {"campaigns": served, "unserved": failed, **asdict(result)},
        follow.after_drafting(approved, job.id),
    )


async def _serve(world: World, campaign: Campaign) -> DraftReport:
    report = await drafting.follow_up(world.db, campaign, now=world.clock())
    approved = await drafting.approve_by_autopilot(world.db, campaign, now=world.clock())
    return replace(report, approved=approved)


async def _concerned(world: World) -> AsyncGenerator[Campaign]:
    """Yield the active campaigns that have follow-ups or an autopilot."""
    after_id = 0
    while page := await campaigns.active(world.db, CAMPAIGNS_PER_PAGE, after_id=after_id):
        for campaign in page:
            if campaign.follow_ups or campaign.autopilot_cap is not None:
                yield campaign
        after_id = page[-1].id
