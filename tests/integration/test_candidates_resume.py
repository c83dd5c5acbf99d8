"""A refresh that was killed goes on where it was, and ends as one that was not."""

from __future__ import annotations

import asyncio
import sys
from uuid import UUID, uuid4

import pytest

from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.candidates import work
from omni.candidates.types import CandidateReport
from omni.jobs.types import Progress
from omni.predicate.plan import compile_criteria
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.candidates_fixtures import (
    NOW,
    add_campaign,
    add_profiles,
    change_profiles,
    crowd_of,
    evaluated,
    held,
    target_of,
)
from tests.candidates_life import POPULAR, UNPOPULAR

PROFILES, RANGE, KILLED_AFTER = 3_000, 10, 700
PLACES = Query("places", "select count(*) from candidate_refreshes")


@pytest.fixture(autouse=True)
def _short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PROFILES_PER_RANGE", RANGE)


async def test_a_killed_refresh_goes_on_where_it_was(db: Database, database_url: str) -> None:
    ids = await add_profiles(db, PROFILES)
    campaign, job_id = await add_campaign(db, POPULAR), uuid4()
    done = await killed(database_url, campaign, job_id)
    early = await held(db, campaign.id)
    assert 0 < len(early) < len(await evaluated(db, campaign.id))
    await change_profiles(db, ids[:50], by=500)  # behind the place: that has a job of its own
    await work.maintain(db, await crowd_of(db, campaign), ids[:50], now=NOW)
    told, report = await refreshed(db, campaign, job_id)
    assert told[0] >= done + RANGE
    assert told[-1] == max(ids)
    assert report.unchanged == 0, "nothing that was done is looked at again"
    assert await held(db, campaign.id) == await evaluated(db, campaign.id)
    assert await db.fetchval(PLACES) == 0


async def test_another_job_and_other_criteria_begin_anew(db: Database, database_url: str) -> None:
    ids = await add_profiles(db, PROFILES)
    campaign, job_id = await add_campaign(db, POPULAR), uuid4()
    await killed(database_url, campaign, job_id)
    told, _ = await refreshed(db, campaign, uuid4())
    assert told[0] == ids[RANGE - 1]
    other = await add_campaign(db, POPULAR)
    await killed(database_url, other, job_id)
    edited = await campaigns.update(db, other.id, now=NOW, compiled=compile_criteria(UNPOPULAR))
    told, _ = await refreshed(db, edited, job_id)
    assert told[0] == ids[RANGE - 1]
    for each in (campaign, other):
        assert await held(db, each.id) == await evaluated(db, each.id)


async def killed(url: str, campaign: Campaign, job_id: UUID) -> int:
    """Refresh in a process of its own, kill that in the middle; return how far it surely was."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.refresh_process"),
        *(url, str(campaign.id), str(job_id), str(RANGE)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    done = 0
    while done < KILLED_AFTER:
        done = int(await process.stdout.readline())
    process.kill()
    await process.wait()
    return done


async def refreshed(
    db: Database, campaign: Campaign, job_id: UUID
) -> tuple[list[int], CandidateReport]:
    """Refresh to the end; return the last profile of each range, and what was done."""
    told: list[int] = []

    def tell(progress: Progress) -> None:
        told.append(progress.done)

    report = await work.refresh(db, target_of(campaign), now=NOW, report=tell, job_id=job_id)
    return told, report
