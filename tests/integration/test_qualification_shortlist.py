"""Who is on the shortlist: marks against a naive look, chance with its odds, judges in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from omni.base.errors import Transient
from omni.campaigns.types import Campaign
from omni.candidates.marks_work import mark_judged, reopen
from omni.jobs.types import Progress
from omni.leads.work import promote
from omni.llm.ports import Answer
from omni.qualification import shortlist_store as shortlists
from omni.qualification.plan import PROMPT_VERSION
from omni.qualification.types import MOST_REFUSALS, QualificationReport, VerdictKey
from omni.qualification.work import qualify
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.qualification_fixtures import (
    ENGLISH,
    FITTING,
    NOW,
    UNFITTING,
    WatchedJudge,
    add_campaign,
    add_candidate,
    add_person,
    count,
    evict,
    once,
    rewrite_bio,
    rows,
    with_criteria,
)

EVERYBODY = 1_000
NAIVE = Query(
    "naive",
    """
    select c.profile_id
    from campaign_candidates c join profile_features f using (profile_id)
    where c.campaign_id = :campaign_id and not exists (
        select from llm_scores s
        where s.campaign_id = c.campaign_id and s.profile_id = c.profile_id
          and s.profile_hash = f.view_hash and s.criteria_hash = :criteria_hash
          and s.model = :model and s.prompt_version = :prompt_version and s.outcome = 'verdict'
    ) and (
        select count(*) from llm_scores s
        where s.campaign_id = c.campaign_id and s.profile_id = c.profile_id
          and s.profile_hash = f.view_hash and s.criteria_hash = :criteria_hash
          and s.model = :model and s.prompt_version = :prompt_version and s.outcome = 'refused'
    ) < :most_refusals::int
    """,
)
"""Who is open, without any mark: those without a verdict, and not refused too often."""


def unheard(progress: Progress) -> None:
    del progress


async def run(
    db: Database, judges: Sequence[WatchedJudge], campaign: Campaign, **parts: Any
) -> QualificationReport:
    given: dict[str, Any] = {
        "limit": 50, "clock": lambda: NOW, "report": unheard,
        "mark": partial(mark_judged, db, campaign.id),
    }  # fmt: skip
    return await qualify(
        db, [once(judge) for judge in judges], campaign, ENGLISH, **{**given, **parts}
    )


def key_of(campaign: Campaign, model: str) -> VerdictKey:
    return VerdictKey.of(campaign, model=model, prompt_version=PROMPT_VERSION)


async def look_both_ways(db: Database, campaign: Campaign, model: str) -> int:
    """Hold the marked look to the naive one; return how many are open."""
    key = key_of(campaign, model)
    epoch = await shortlists.epoch_of(db, key, campaign.criteria, NOW)
    mark = partial(mark_judged, db, campaign.id)
    found = await shortlists.list_open(db, key, epoch, limit=EVERYBODY, mark=mark)
    values: dict[str, Any] = {
        "campaign_id": key.campaign_id, "criteria_hash": key.criteria_hash, "model": key.model,
        "prompt_version": key.prompt_version, "most_refusals": MOST_REFUSALS,
    }  # fmt: skip
    naive = {row["profile_id"] for row in await db.fetch(NAIVE, **values)}
    assert {one.profile_id for one in found} == naive
    return len(found)


@pytest.mark.parametrize("seed", range(4))
async def test_marks_show_the_same_people_as_a_look_without_them(db: Database, seed: int) -> None:
    rng = Random(seed)
    campaign = await add_campaign(db)
    people = [
        await add_person(db, f"p{number}", rng.choice((FITTING, UNFITTING)), candidate_of=campaign,
                         score=rng.random())
        for number in range(30)
    ]  # fmt: skip
    stubborn = Answer("no JSON", complete=True, latency_ms=1.0)
    seen = set[int]()
    for turn in range(25):
        match rng.choice(("judge", "judge", "change", "leave", "come", "criteria")):
            case "judge":
                model = rng.choice(("rules-1", "rules-2"))
                mood = rng.random()
                judge = WatchedJudge(
                    model, instead=lambda bio, mood=mood: stubborn if mood < 0.3 else None
                )
                await run(db, [judge], campaign, limit=rng.randint(1, 20))
            case "change":
                changed = rng.sample(people, 5)
                for profile_id in changed:
                    await rewrite_bio(db, profile_id, f"{FITTING} {rng.choice('ab')}")
                await reopen(db, changed, None)
            case "leave":
                await evict(db, campaign, rng.choice(people))
            case "come":
                gone = rng.choice(people)
                await evict(db, campaign, gone)
                await add_candidate(db, campaign, gone, rng.random())
            case _:
                campaign = await with_criteria(db, campaign, rng.choice((1, 2)))
        seen.add(await look_both_ways(db, campaign, rng.choice(("rules-1", "rules-2"))))
        assert await look_both_ways(db, campaign, "rules-1") <= 30, turn
    assert len(seen) > 3


async def test_a_judge_that_fails_leaves_the_person_to_the_next_one_alone(db: Database) -> None:
    campaign = await add_campaign(db)
    for name, bio in (("ann", f"{FITTING} one"), ("ben", f"{FITTING} two")):
        await add_person(db, name, bio, candidate_of=campaign)
    first = WatchedJudge("first", instead=lambda bio: Transient("down") if "two" in bio else None)
    second = WatchedJudge("second")
    done = await run(db, [first, second], campaign)
    assert (done.verdicts, done.failed) == (2, 1)
    by_person = {
        row["username"]: row["model"] for row in await rows(db, "select * from llm_scores")
    }
    assert by_person == {"ann": "first", "ben": "second"}
    assert second.asked == [f"{FITTING} two"]
    # The first one is still owed: when it is back, it is asked of nobody else's.
    first.instead = lambda bio: None
    first.asked.clear()
    await run(db, [first, second], campaign)
    assert first.asked == [f"{FITTING} two"]
    assert await count(db, "llm_flights") == 0


async def test_of_several_judges_verdicts_the_preferred_ones_makes_the_lead(db: Database) -> None:
    campaign = await add_campaign(db)
    await add_person(db, "ann", candidate_of=campaign)
    no = Answer(
        '{"reasons": [], "qualified": false, "score": 0.1, "confidence": 0.9}',
        complete=True, latency_ms=1.0,
    )  # fmt: skip
    for judge in (WatchedJudge("yes"), WatchedJudge("no", instead=lambda bio: no)):
        await run(db, [judge], campaign)

    async def state(*models: str) -> list[str]:
        await promote(db, campaign, models=models, prompt_version=PROMPT_VERSION, now=NOW)
        return [row["state"] for row in await rows(db, "select state from leads")]

    assert await state("no", "yes") == []
    assert await state("other", "yes", "no") == ["new"]
    assert await state("no", "yes") == ["withdrawn"]
    assert await state("yes", "no") == ["new"]


async def test_what_chance_had_to_do_with_a_choice_is_noted(db: Database) -> None:
    campaign = await add_campaign(db)
    for number in range(40):
        await add_person(db, f"p{number}", candidate_of=campaign, score=number / 40)
    judge, job = WatchedJudge(), uuid4()
    done = await run(db, [judge], campaign, limit=10, explore=0.3, share=0.5, job_id=job)
    noted = await rows(db, "select * from llm_choices order by cheap_score")
    assert {row["job_id"] for row in noted} == {job}
    assert len(noted) == len(judge.asked) == done.verdicts == 5
    assert done.explored == sum(row["explored"] for row in noted)
    for row in noted:
        # Three of ten places go by chance to the 33 who are not the best; half of ten are judged.
        assert row["propensity"] == pytest.approx(0.5 * (3 / 33 if row["explored"] else 1.0))
        assert row["explored"] == (row["cheap_score"] < 33 / 40)


async def test_the_same_job_draws_the_same_people(db: Database) -> None:
    drawn: list[set[float]] = []
    for job in (UUID(int=7), UUID(int=7), UUID(int=8)):
        campaign = await add_campaign(db)
        for number in range(40):
            name = f"c{campaign.id}p{number}"
            await add_person(db, name, candidate_of=campaign, score=number / 40)
        await run(db, [WatchedJudge()], campaign, limit=10, explore=1.0, job_id=job)
        where = f"select cheap_score from llm_choices where campaign_id = {campaign.id}"
        drawn.append({row["cheap_score"] for row in await rows(db, where)})
    assert drawn[0] == drawn[1] != drawn[2]


async def test_whom_another_job_asks_of_is_left_to_it_until_it_is_silent_for_too_long(
    db: Database,
) -> None:
    campaign = await add_campaign(db)
    people = [await add_person(db, name, candidate_of=campaign) for name in ("ann", "ben", "cho")]
    judge = WatchedJudge()
    key = key_of(campaign, judge.model)
    taken = await shortlists.take_flights(db, key, people[:2], holder=uuid4(), now=NOW)
    assert sorted(taken) == people[:2]
    assert (await run(db, [judge], campaign)).calls == len(judge.asked) == 1
    still = NOW + shortlists.FLIGHT - timedelta(seconds=1)
    assert (await run(db, [judge], campaign, clock=lambda: still)).calls == 0
    late = NOW + shortlists.FLIGHT + timedelta(seconds=1)
    assert (await run(db, [judge], campaign, clock=lambda: late)).calls == 2
    assert await count(db, "llm_flights") == 0
