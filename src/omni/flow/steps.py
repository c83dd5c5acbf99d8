"""The conductor: each step opens the doors of the rooms that its job needs, in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from omni.base.errors import Fatal, Snooze, Transient
from omni.base.log import get_logger
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.candidates import marks_work as marks
from omni.candidates import work as candidates
from omni.candidates.plan import add_reports
from omni.candidates.types import CandidateReport
from omni.dispatch import reconcile_work as reconciling
from omni.dispatch import work as dispatching
from omni.flow import caring, follow, judging
from omni.flow.crowds import target_of
from omni.flow.delivering import deliver_webhooks
from omni.flow.drafting import draft_messages, follow_up, write_drafts
from omni.flow.erasing import erase_person
from omni.flow.finding import crawl_seed
from omni.flow.importing import import_profiles
from omni.flow.inboxes import classify_replies, read_before_sending, sweep_feedback
from omni.flow.pictures import HeldAlbum, fetch_images, sweep_images
from omni.flow.reenriching import reenrich_profiles
from omni.flow.rereading import crawl_refresh
from omni.flow.restored import note_sent, pause_if_restored
from omni.flow.sweeping import sweep_storage
from omni.flow.types import JobContext, Step, StepResult, Steps
from omni.flow.world import World
from omni.jobs import store as ledger
from omni.jobs.types import (
    AttackJudge,
    ClassifyReplies,
    CompareJudges,
    CrawlRefresh,
    CrawlSeed,
    DeliverWebhooks,
    DispatchMessages,
    DraftMessages,
    ErasePerson,
    FetchImages,
    FollowUp,
    ImportProfiles,
    JobArgs,
    MaintainCandidates,
    Noop,
    QualifyCampaign,
    ReconcileMessages,
    ReenrichProfiles,
    RefreshCandidates,
    SweepFeedback,
    SweepImages,
    SweepStorage,
    UpdateWeights,
    WriteDrafts,
)
from omni.leads import store as leads_store
from omni.leads import work as leads
from omni.leads.types import LeadReport
from omni.predicate.parse import parse
from omni.predicate.plan import compile_criteria
from omni.qualification import work as qualification
from omni.qualification.plan import PROMPT_VERSION
from omni.weights import work as weights

QUALIFY_PAUSE = timedelta(seconds=2)
"""Between two looks at whether a qualification may begin."""


async def maintain_candidates(
    world: World, job: JobContext, args: MaintainCandidates
) -> StepResult:
    """Hold the changed profiles against every active campaign that their change can concern."""
    reports: list[CandidateReport] = []
    served = 0
    async with aclosing(world.crowds.pages(world.db)) as pages:
        async for crowd in pages:
            now = world.clock()
            reports.append(
                await candidates.maintain(
                    world.db, crowd, args.profile_ids, now=now, changes=follow.changes_of(args)
                )
            )
            served += len(crowd.targets)
    await marks.reopen(world.db, args.profile_ids, follow.changes_of(args))
    await caring.note_people(world, args.profile_ids)
    return StepResult({"campaigns": served, **asdict(add_reports(reports))})


async def refresh_candidates(world: World, job: JobContext, args: RefreshCandidates) -> StepResult:
    """Hold every profile against one campaign."""
    campaign = await campaigns.get(world.db, args.campaign_id)
    target = target_of(campaign, parse(campaign.criteria))
    done = await candidates.refresh(
        world.db, target, now=world.clock(), report=job.report, job_id=job.id
    )
    await caring.note_candidates(world, campaign.id)
    return StepResult(asdict(done))


async def qualify_campaign(world: World, job: JobContext, args: QualifyCampaign) -> StepResult:
    """Judge the shortlist, then turn verdicts into leads.

    Raises:
        Snooze: The candidates are being brought up to date, or another qualification of the
            campaign runs: the wait is bounded, since only what came before is waited for.
        Transient: The judge is down; what it has said until then is leads already.
    """
    obstacle = await ledger.find_obstacle(world.db, job.id, args.campaign_id, now=world.clock())
    if obstacle is not None:
        raise Snooze(world.clock() + QUALIFY_PAUSE, f"waits for {obstacle}")
    if not world.judges:
        return StepResult({"shortlisted": 0, "calls": 0, "note": "the model is off (OMNI_JUDGE)"})
    campaign = await campaigns.get(world.db, args.campaign_id)
    if not campaign.judge_share:
        return await _without_judges(world, job, campaign)
    try:
        judged = await qualification.qualify(
            world.db,
            world.judges,
            campaign,
            compile_criteria(campaign.criteria).english,
            limit=args.limit or campaign.shortlist_size,
            clock=world.clock,
            report=job.report,
            job_id=job.id,
            prices=world.prices,
            answer_tokens=world.settings.llm_max_tokens,
            explore=world.settings.shortlist_explore,
            share=world.settings.judge_share * campaign.judge_share,
            mark=partial(marks.mark_judged, world.db, campaign.id, model=world.judges[0].model),
            album=HeldAlbum(world),
        )
    except (Transient, Fatal):
        await _promote(world, campaign)
        raise
    promoted = await _promote(world, campaign)
    return StepResult(
        {**asdict(judged), "leads": asdict(promoted)},
        follow.after_qualification(campaign.id, job.id),
    )


async def _without_judges(world: World, job: JobContext, campaign: Campaign) -> StepResult:
    """Call nobody; what was said before still becomes leads."""
    promoted = await _promote(world, campaign)
    get_logger().info("qualification.judges_left_out")
    return StepResult(
        {"shortlisted": 0, "calls": 0, "note": "judges are off for this campaign",
         "leads": asdict(promoted)},
        follow.after_qualification(campaign.id, job.id),
    )  # fmt: skip


async def _promote(world: World, campaign: Campaign) -> LeadReport:
    now = world.clock()
    report = await leads.promote(
        world.db,
        campaign,
        models=[judge.model for judge in world.judges],
        prompt_version=PROMPT_VERSION,
        now=now,
    )
    await caring.note_leads(world, campaign.id, now)
    return report


async def dispatch_messages(world: World, job: JobContext, args: DispatchMessages) -> StepResult:
    """Send what was approved, as far as the accounts' limits allow.

    From a database that was restored from a backup nothing goes until a person says so. Nobody is
    written to once more whose answer is there to be read.
    """
    await pause_if_restored(world)
    again = await read_before_sending(world)
    report = await dispatching.dispatch(
        world.db,
        world.senders,
        world.vault,
        clock=world.clock,
        report=job.report,
        cooldown=timedelta(hours=world.settings.person_cooldown_h),
    )
    async with world.db.transaction() as tx:
        await leads_store.mark_contacted(tx, report.contacted_lead_ids, now=world.clock())
    if report.sent:
        await note_sent(world)
    moments = [at for at in (report.next_eligible, again) if at is not None]
    return StepResult(_plain(asdict(report)), follow.after_dispatch(min(moments, default=None)))


async def reconcile_messages(world: World, job: JobContext, args: ReconcileMessages) -> StepResult:
    """Look for ambiguous messages in their threads; what stays in doubt goes to a person."""
    report = await reconciling.reconcile(
        world.db,
        world.senders,
        world.vault,
        clock=world.clock,
        report=job.report,
    )
    return StepResult(asdict(report))


async def update_weights(world: World, job: JobContext, args: UpdateWeights) -> StepResult:
    """Learn from the outcomes; the new weights and the re-scoring they call for are one write."""
    campaign = await campaigns.get(world.db, args.campaign_id)
    learned = await weights.learn(world.db, campaign, now=world.clock())
    if learned is None:
        return StepResult({"learned": False})
    now = world.clock()
    async with world.db.transaction() as tx:
        version = await campaigns.add_weights(tx, campaign.id, **asdict(learned), now=now)
        await ledger.enqueue(tx, follow.after_learning(campaign.id, version), now=now)
    return StepResult({"learned": True, "version": version, **_plain(asdict(learned))})


async def noop(world: World, job: JobContext, args: Noop) -> StepResult:
    """Do nothing."""
    return StepResult()


def bind_steps(world: World) -> Steps:
    """Return the step of each kind of job, with the world in its hands."""
    steps: dict[type[JobArgs], Callable[[World, JobContext, Any], Awaitable[StepResult]]] = {
        CrawlSeed: crawl_seed,
        CrawlRefresh: crawl_refresh,
        ReenrichProfiles: reenrich_profiles,
        ImportProfiles: import_profiles,
        FetchImages: fetch_images,
        SweepImages: sweep_images,
        SweepStorage: sweep_storage,
        MaintainCandidates: maintain_candidates,
        RefreshCandidates: refresh_candidates,
        QualifyCampaign: qualify_campaign,
        CompareJudges: judging.compare,
        AttackJudge: judging.attack,
        DraftMessages: draft_messages,
        WriteDrafts: write_drafts,
        FollowUp: follow_up,
        DispatchMessages: dispatch_messages,
        ReconcileMessages: reconcile_messages,
        SweepFeedback: sweep_feedback,
        ErasePerson: erase_person,
        DeliverWebhooks: deliver_webhooks,
        ClassifyReplies: classify_replies,
        UpdateWeights: update_weights,
        Noop: noop,
    }
    return {args.kind: _bind(world, step) for args, step in steps.items()}


def _bind(world: World, step: Callable[[World, JobContext, Any], Awaitable[StepResult]]) -> Step:
    def bound(job: JobContext, args: JobArgs) -> Awaitable[StepResult]:
        return step(world, job, args)

    return bound


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as the ledger's JSON has them."""
    return msgspec.to_builtins(values)
