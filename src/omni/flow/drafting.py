"""Writes messages: first ones to new leads, later ones to those who have not replied."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import asdict, replace
from uuid import UUID

from omni.base.errors import Rejected, Transient
from omni.base.log import get_logger
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.dispatch import drafting_work as drafting
from omni.dispatch.drafting_types import DraftReport, Recipient, Write
from omni.dispatch.writing import PROMPT_VERSION, writers
from omni.dispatch.writing_work import Author, write_with
from omni.flow import follow
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs.types import DraftMessages, FollowUp, Progress, WriteDrafts
from omni.llm.ports import Meter
from omni.qualification.ledger import LedgerMeter
from omni.qualification.recordings import About
from omni.qualification.recordings_store import KeptRecordings, Recorder

CAMPAIGNS_PER_PAGE = 100


async def draft_messages(world: World, job: JobContext, args: DraftMessages) -> StepResult:
    """Write what a person may approve."""
    campaign = await campaigns.get(world.db, args.campaign_id)
    write = write_for(world, campaign, job.id)
    report = await drafting.draft(world.db, campaign, now=world.clock(), write=write)
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
            report = await _serve(world, campaign, job.id)
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


async def write_drafts(world: World, job: JobContext, args: WriteDrafts) -> StepResult:
    """Let the model write what a preview shows; its answers are kept, and no draft is made."""
    campaign = await campaigns.get(world.db, args.campaign_id)
    write = write_for(world, campaign, job.id)
    if write is None:
        return StepResult({"written": 0, "note": "there is no model to write with (OMNI_JUDGE)"})
    report = await drafting.rehearse(
        world.db, campaign, now=world.clock(), write=write, limit=args.limit
    )
    return StepResult(asdict(report))


def write_for(world: World, campaign: Campaign, job_id: UUID) -> Write | None:
    """Return what lets models write a campaign's messages, one standing in for the other.

    Their calls are in the ledger, within the campaign's budget, and their answers are kept like
    those of verdicts. None where no model can write.
    """
    able = writers([judge.model for judge in world.judges])
    if not able:
        return None
    callers = [world.judges[place] for place in able]

    def meter(person: Recipient, purpose: str) -> Meter:
        about = About(campaign.id, person.profile_id, None, campaign.criteria_hash, PROMPT_VERSION)
        ledger = LedgerMeter(
            world.db, world.clock, purpose, world.prices, world.settings.llm_max_tokens,
            campaign_id=campaign.id, profile_id=person.profile_id, job_id=job_id,
        )  # fmt: skip
        return Recorder(ledger, world.db, about, world.clock)

    return write_with(Author(callers, KeptRecordings(world.db), meter), campaign)


async def _serve(world: World, campaign: Campaign, job_id: UUID) -> DraftReport:
    write = write_for(world, campaign, job_id)
    report = await drafting.follow_up(world.db, campaign, now=world.clock(), write=write)
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
