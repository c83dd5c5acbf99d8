"""Looks at the judges themselves: are they steered by strangers, do they say the same again?"""

from __future__ import annotations

from omni.base.clock import Clock, utc_now
from omni.campaigns import store as campaigns
from omni.llm.pool import Pool
from omni.llm.ports import Meter, Unmetered
from omni.llm.replay import ReplayJudge
from omni.llm.types import Prices
from omni.predicate.plan import compile_criteria
from omni.qualification.comparison import Comparison, Pair
from omni.qualification.comparison_work import Contender, Trial, compare_judges
from omni.qualification.ledger import LedgerMeter
from omni.qualification.recordings_store import KeptRecordings
from omni.qualification.redteam import Finding, RedTeamReport
from omni.qualification.redteam_work import recorded, red_team
from omni.storage.db import Database

__all__ = [
    "Comparison", "Contender", "Finding", "Pair", "RedTeamReport", "attack_judge",
    "attack_recordings", "compare_on",
]  # fmt: skip


async def attack_judge(
    db: Database, judge: Pool, *, meter: Meter | None = None, clock: Clock = utc_now
) -> RedTeamReport:
    """Ask a judge about every hostile profile; its answers are kept."""
    return await red_team(judge, recorded(meter or Unmetered(), db, clock))


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
    clock: Clock = utc_now,
) -> tuple[int, Comparison, list[Pair]]:
    """Ask two judges about the same people of a campaign, on its budget, and keep what they say.

    Raises:
        NotFound: There is no such campaign.
        BudgetSpent: The campaign's budget of the day does not take the calls.
    """
    campaign = await campaigns.get(db, campaign_id)
    paid = prices or Prices()

    def meter(profile_id: int) -> Meter:
        return LedgerMeter(
            db, clock, "compare", paid, campaign_id=campaign_id, profile_id=profile_id
        )

    english = compile_criteria(campaign.criteria).english
    trial = Trial(db, campaign, english, meter, paid, clock)
    return await compare_judges(trial, left, right, sample=sample, seed=seed)
