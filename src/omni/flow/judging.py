"""Looks at the judges themselves: are they steered by strangers, do they say the same again?"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from uuid import UUID

import msgspec

from omni.base.clock import Clock, utc_now
from omni.base.errors import Conflict
from omni.campaigns import store as campaigns
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs import store as ledger
from omni.jobs.types import AttackJudge, CompareJudges, Progress
from omni.llm.factory import build_named
from omni.llm.pool import Pool
from omni.llm.ports import Caller, Meter, Unmetered
from omni.llm.replay import ReplayJudge
from omni.llm.types import Prices
from omni.predicate.plan import compile_criteria
from omni.qualification import comparison_store as comparisons
from omni.qualification import redteam_store as redteams
from omni.qualification.attacks import attacks
from omni.qualification.comparison import Comparison, Pair
from omni.qualification.comparison_work import Contender, Trial, compare_judges
from omni.qualification.ledger import LedgerMeter
from omni.qualification.recordings_store import KeptRecordings, Remembering
from omni.qualification.redteam import Finding, RedTeamReport
from omni.qualification.redteam_work import recorded, red_team
from omni.storage.db import Database

__all__ = [
    "Comparison", "Contender", "Finding", "Pair", "RedTeamReport", "attack_judge",
    "attack_recordings", "compare_on",
]  # fmt: skip


async def attack_judge(
    db: Database,
    judge: Caller,
    *,
    prices: Prices | None = None,
    answer_tokens: int = 600,
    clock: Clock = utc_now,
    job_id: UUID | None = None,
    done: Callable[[int], None] = lambda count: None,
) -> RedTeamReport:
    """Ask a judge about every hostile profile; calls, answers and the report are kept.

    Args:
        answer_tokens: The most tokens that an answer may have.
        job_id: Whose report it is; it is kept once.
        done: Told after each answer how many there are.
    """
    meter = LedgerMeter(db, clock, "redteam", prices or Prices(), answer_tokens, job_id=job_id)
    found = await red_team(judge, recorded(meter, db, clock), done=done)
    await redteams.insert_attack(db, found, job_id=job_id, now=clock())
    return found


async def attack_recordings(db: Database, model: str) -> RedTeamReport:
    """Check again what a judge answered when it was attacked last; no model is called.

    What was never recorded counts as unanswered.
    """
    replayed = Pool(ReplayJudge(KeptRecordings(db), model))
    return await red_team(replayed, Unmetered(), gaps=True)


async def compare_on(
    db: Database,
    campaign_id: int,
    left: Contender,
    right: Contender,
    *,
    sample: int,
    seed: str = "1",
    prices: Prices | None = None,
    answer_tokens: int = 600,
    clock: Clock = utc_now,
    job_id: UUID | None = None,
    done: Callable[[int, int], None] = lambda count, of: None,
) -> tuple[int, Comparison, list[Pair]]:
    """Ask two judges about the same people of a campaign, on its budget, and keep what they say.

    Args:
        answer_tokens: The most tokens that an answer may have.
        job_id: Whose comparison it is; it is kept once.
        done: Told after each person how many of how many both were asked about.

    Raises:
        NotFound: There is no such campaign.
        Conflict: Judges are off for it.
        BudgetSpent: The campaign's budget of the day does not take the calls.
    """
    campaign = await campaigns.get(db, campaign_id)
    if not campaign.judge_share:
        raise Conflict("judges are off for this campaign: turn them on first")
    paid = prices or Prices()

    def meter(profile_id: int) -> Meter:
        return LedgerMeter(
            db, clock, "compare", paid, answer_tokens, campaign_id=campaign_id,
            profile_id=profile_id, job_id=job_id,
        )  # fmt: skip

    english = compile_criteria(campaign.criteria).english
    trial = Trial(db, campaign, english, meter, paid, clock)
    return await compare_judges(
        trial, left, right, sample=sample, seed=seed, job_id=job_id, done=done
    )


async def compare(world: World, job: JobContext, args: CompareJudges) -> StepResult:
    """Compare two judges for a person who asked for it.

    A run that was broken off begins anew, and pays only for what is missing.
    """
    made = await comparisons.find_comparison(world.db, job.id)
    if made is not None:
        return StepResult({"comparison_id": made.id, "report": made.report})
    since = (await ledger.get_job(world.db, job.id)).created_at
    async with (
        _opened(world, args.left) as left,
        _opened(world, args.right) as right,
    ):
        number, found, _ = await compare_on(
            world.db,
            args.campaign_id,
            Contender(Remembering(left, world.db, since), args.left_task or None),
            Contender(Remembering(right, world.db, since), args.right_task or None),
            sample=args.sample,
            seed=args.seed,
            prices=world.prices,
            answer_tokens=world.settings.llm_max_tokens,
            clock=world.clock,
            job_id=job.id,
            done=lambda count, of: job.report(Progress(count, of, "asked both")),
        )
    return StepResult({"comparison_id": number, "report": msgspec.to_builtins(asdict(found))})


async def attack(world: World, job: JobContext, args: AttackJudge) -> StepResult:
    """Show a judge hostile profiles for a person who asked for it."""
    since = (await ledger.get_job(world.db, job.id)).created_at
    async with _opened(world, args.judge) as judge:
        found = await attack_judge(
            world.db,
            Remembering(judge, world.db, since),
            prices=world.prices,
            answer_tokens=world.settings.llm_max_tokens,
            clock=world.clock,
            job_id=job.id,
            done=lambda count: job.report(Progress(count, len(attacks()), "attacked")),
        )
    counts = {name: getattr(found, name) for name in ("firm", "led", "harmful", "unanswered")}
    return StepResult(
        {"model": found.model, "attacks": found.attacks, **counts, "passed": found.passed}
    )


@asynccontextmanager
async def _opened(world: World, spec: str) -> AsyncGenerator[Pool]:
    """Open a judge; one that the world has is asked on the same way, with its bounds."""
    judge = build_named(world.settings, spec)
    known = next((pool for pool in world.judges if pool.model == judge.model), None)
    if known is not None:
        await judge.close()
        yield known
        return
    pool = Pool(judge)
    try:
        yield pool
    finally:
        await pool.close()
