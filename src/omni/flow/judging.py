"""Looks at the judges themselves: are they steered by strangers, do they say the same again?"""

from __future__ import annotations

from omni.base.clock import Clock, utc_now
from omni.llm.pool import Pool
from omni.llm.ports import Meter, Unmetered
from omni.llm.replay import ReplayJudge
from omni.qualification.recordings_store import KeptRecordings
from omni.qualification.redteam import Finding, RedTeamReport
from omni.qualification.redteam_work import recorded, red_team
from omni.storage.db import Database

__all__ = ["Finding", "RedTeamReport", "attack_judge", "attack_recordings"]


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
