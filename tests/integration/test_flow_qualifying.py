"""When a qualification may begin, and what it leaves behind when the judge goes down."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from omni.base.clock import utc_now
from omni.base.errors import Snooze, Transient
from omni.client.client import ApiProblem
from omni.flow.world import World
from omni.jobs import store
from omni.jobs.types import (
    JobArgs,
    MaintainCandidates,
    NewJob,
    QualifyCampaign,
    RefreshCandidates,
)
from omni.llm.ports import Answer, Prompt
from omni.llm.rules import RulesJudge
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.api_fixtures import served
from tests.flow_fixtures import run_step, running_world
from tests.jobs_fixtures import rows
from tests.qualification_fixtures import (
    WatchedJudge,
    add_campaign,
    add_candidate,
    add_person,
    once,
)

NOW = utc_now()


@pytest.fixture
async def world(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url) as built:
        yield built


async def write(
    db: Database, args: JobArgs, at: float = 0.0, *, begun: float | None = None
) -> UUID:
    """Write a job of second `at`; it runs if it was `begun`."""
    moment = NOW + timedelta(seconds=at)
    async with db.transaction() as tx:
        (job_id,) = await store.enqueue(tx, [NewJob(args)], now=moment)
    if begun is not None:
        await begin(db, job_id, begun)
    return job_id


async def begin(db: Database, job_id: UUID, at: float) -> None:
    text = "update jobs set state = 'running', started_at = :at where id = :id"
    await db.execute(Query("begin", text), id=job_id, at=NOW + timedelta(seconds=at))


async def end(db: Database, job_id: UUID) -> None:
    text = "update jobs set state = 'succeeded', finished_at = now() where id = :id"
    await db.execute(Query("end", text), id=job_id)


async def test_candidates_that_are_being_brought_up_to_date_are_not_judged(
    db: Database, world: World
) -> None:
    campaign = await add_campaign(db)
    args = QualifyCampaign(campaign_id=campaign.id)
    earlier = await write(db, MaintainCandidates(profile_ids=(1,)), at=-1)
    refresh = await write(db, RefreshCandidates(campaign_id=campaign.id), at=5)
    await write(db, RefreshCandidates(campaign_id=campaign.id + 1), at=-1)
    mine = await write(db, args, begun=1)
    await write(db, MaintainCandidates(profile_ids=(2,)), at=2)
    for job_id, kind in ((refresh, "candidates.refresh"), (earlier, "candidates.maintain")):
        for state in ("queued", "running"):
            if state == "running":
                await begin(db, job_id, 2)
            with pytest.raises(Snooze, match=kind) as wait:
                await run_step(world, args, mine)
            assert wait.value.until > utc_now()
        await end(db, job_id)
    assert (await run_step(world, args, mine)).result["calls"] == 0


@pytest.mark.parametrize(
    ("created", "begun", "waits"),
    [
        (-5, -4, True),  # asked for before, and running
        (-5, None, True),  # asked for before, and about to run
        (5, -4, True),  # asked for later, but past this gate
        (5, 1, False),  # asked for later, and at the gate just now: it yields
        (5, None, False),
    ],
)
async def test_one_qualification_of_a_campaign_at_a_time(
    db: Database, created: float, begun: float | None, waits: bool
) -> None:
    args = QualifyCampaign(campaign_id=7)
    mine = await write(db, args, begun=1)
    await write(db, args, created, begun=begun)
    await write(db, QualifyCampaign(campaign_id=8), -5, begun=-4)
    found = await store.find_obstacle(db, mine, 7, now=NOW)
    assert found == ("qualify.campaign" if waits else None)


async def test_an_earlier_one_that_waits_for_another_attempt_holds_nobody_up(db: Database) -> None:
    args = QualifyCampaign(campaign_id=7)
    other = await write(db, args, -5)
    mine = await write(db, args, begun=1)
    await db.execute(
        Query("delay", "update jobs set run_at = now() + interval '5 minutes' where id = :id"),
        id=other,
    )
    assert await store.find_obstacle(db, mine, 7, now=NOW) is None


class FailingJudge(RulesJudge):
    """Answers two questions, then goes down."""

    def __init__(self) -> None:
        super().__init__(concurrency=1)
        self.answers = 2

    async def ask(self, prompt: Prompt) -> Answer:
        """Answer by the rules, as long as there are answers left."""
        if not self.answers:
            raise Transient("the judge is down")
        self.answers -= 1
        return await super().ask(prompt)


async def test_verdicts_that_are_paid_for_are_leads_though_the_judge_goes_down(
    db: Database, world: World
) -> None:
    campaign = await add_campaign(db)
    for number in range(10):
        await add_person(db, f"person{number}", candidate_of=campaign)
    args = QualifyCampaign(campaign_id=campaign.id)
    with pytest.raises(Transient, match="down"):
        await run_step(replace(world, judges=(once(FailingJudge()),)), args)
    assert await rows(db, "select state, count(*)::int from leads group by state") == [("new", 2)]


async def test_judges_that_are_off_for_a_campaign_are_not_called_and_the_rest_goes_on(
    db: Database, world: World
) -> None:
    campaign = await add_campaign(db)
    other = await add_campaign(db, brief="Photographers")
    for number in range(4):
        person = await add_person(db, f"p{number}", candidate_of=campaign)
        await add_candidate(db, other, person)
    judge = WatchedJudge()
    world = replace(world, judges=(once(judge),))
    async with served(db, judges=world.judges) as api:
        await api.client.update_campaign(campaign.id, judge_share=0.0)
        assert (await api.client.estimate(campaign.id)).model is None
        done = await run_step(world, QualifyCampaign(campaign_id=campaign.id))
        assert (done.result["calls"], judge.asked) == (0, [])
        assert [each.args.kind for each in done.follow_ups] == ["dispatch.draft"]
        done = await run_step(world, QualifyCampaign(campaign_id=other.id))
        assert (done.result["calls"], len(judge.asked)) == (4, 4), "the others go on"
        judge.asked.clear()
        await api.client.update_campaign(campaign.id, judge_share=0.5)
        assert (await api.client.estimate(campaign.id)).calls == 2
        done = await run_step(world, QualifyCampaign(campaign_id=campaign.id))
        assert (done.result["calls"], len(judge.asked)) == (2, 2)
        with pytest.raises(ApiProblem, match="judge_share"):
            await api.client.update_campaign(campaign.id, judge_share=1.5)
        # What was said before counts, although nobody is asked any more.
        await db.execute(Query("forget", "delete from leads"))
        await api.client.update_campaign(campaign.id, judge_share=0.0)
        done = await run_step(world, QualifyCampaign(campaign_id=campaign.id))
        assert (done.result["leads"]["new"], len(judge.asked)) == (2, 2)
