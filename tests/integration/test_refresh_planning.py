"""Planned looks in the database: who is due, what a look changes, and what campaigns care about."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from omni.connectors.types import RawProfile
from omni.flow import caring
from omni.flow.world import World
from omni.jobs.types import CrawlRefresh, MaintainCandidates
from omni.profiles import refresh_store, refresh_work
from omni.profiles.refresh import AGAIN, INTEREST
from omni.profiles.work import store_batch
from omni.storage.db import Database
from tests.candidates_fixtures import add_campaign
from tests.flow_fixtures import AnsweringSource, run_step, running_world
from tests.jobs_fixtures import rows
from tests.profiles_fixtures import NOW, raw_profile

LATER = NOW + timedelta(days=60)
ONE = INTEREST["stranger"]


@pytest.fixture
async def world(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url) as built:
        yield built


async def write(db: Database, people: list[RawProfile], now: datetime = NOW) -> tuple[int, ...]:
    async with db.transaction() as tx:
        found = await store_batch(tx, people, now=now, campaign_id=None, job_id=None)
    return found.new


async def add(db: Database, *numbers: int, now: datetime = NOW) -> list[int]:
    ids = await write(db, [raw_profile(n) for n in numbers], now)
    await refresh_work.note_interest(db, dict.fromkeys(ids, ONE), now=now)
    return list(ids)


async def due(db: Database, now: datetime, limit: int = 100) -> list[str]:
    met = await refresh_work.choose(db, "synthetic", now=now, limit=limit)
    return [each.platform_id for each in met]


async def test_everybody_is_planned_once_and_in_order(db: Database) -> None:
    await add(db, 1, now=NOW + timedelta(hours=2))
    await add(db, 2, now=NOW)
    (again,) = await add(db, 3, now=NOW + timedelta(hours=1))
    before = await rows(db, "select * from refreshes order by 1")
    assert await refresh_work.note_interest(db, {again: ONE, 999: ONE}, now=LATER) == 0
    assert await rows(db, "select * from refreshes order by 1") == before
    assert await due(db, NOW) == []
    assert await due(db, LATER) == ["syn:2", "syn:3", "syn:1"]
    assert await due(db, LATER, limit=1) == ["syn:2"]


async def test_whom_campaigns_care_about_comes_sooner(db: Database) -> None:
    ids = await add(db, 1, 2)
    await refresh_work.note_interest(db, {ids[1]: INTEREST["lead"]}, now=NOW)
    (first,), (second,) = await rows(db, "select refresh_at from refreshes order by profile_id")
    assert isinstance(first, datetime)
    assert isinstance(second, datetime)
    assert NOW < second < first


async def test_a_look_is_remembered_and_plans_the_next_one(db: Database) -> None:
    await add(db, 1, 2)
    taken = await refresh_work.claim(
        db, await refresh_work.choose(db, "synthetic", now=LATER, limit=9), now=LATER
    )
    await write(db, [raw_profile(1), raw_profile(2, bio="Now a sculptor.")], LATER)
    interests = {each.profile_id: ONE for each in taken}
    assert await refresh_work.record(db, taken, interests, now=LATER) == 2
    still, changed = await refresh_store.read_standings(db, sorted(interests))
    assert still.standing is not None
    assert changed.standing is not None
    assert still.standing.history.changes == 0
    assert changed.standing.history.changes == 1
    assert changed.standing.looked_at == LATER
    assert LATER < changed.standing.refresh_at < still.standing.refresh_at
    assert await refresh_work.record(db, taken, interests, now=LATER) == 0, "noted once"


async def test_two_runs_never_ask_for_the_same_person(db: Database) -> None:
    await add(db, 1, 2, 3)
    both = [await refresh_work.choose(db, "synthetic", now=LATER, limit=9) for _ in range(2)]
    one = await refresh_work.claim(db, both[0][:2], now=LATER)
    other = await refresh_work.claim(db, both[1], now=LATER)
    assert sorted(each.platform_id for each in one + other) == ["syn:1", "syn:2", "syn:3"]
    assert await due(db, LATER) == []
    assert len(await due(db, LATER + AGAIN)) == 3, "who was not seen comes back"


async def test_whom_a_crawl_has_met_is_not_asked_for_again(db: Database) -> None:
    await add(db, *range(10))
    await write(db, [raw_profile(n) for n in range(9)], LATER)
    assert await due(db, LATER, limit=3) == ["syn:9"]
    told = await rows(db, "select count(*) from refreshes where looked_at = :at", at=LATER)
    assert told == [(9,)]


async def test_who_is_gone_has_no_plan_and_who_is_erased_neither(db: Database) -> None:
    ids = await add(db, 1, 2, 3)
    gone = "update profiles_raw set gone_since = now() where platform_id = 'syn:1' returning 1"
    await rows(db, gone)
    assert await due(db, LATER) == ["syn:2", "syn:3"]
    await rows(db, "delete from profiles_raw where platform_id = 'syn:2' returning 1")
    assert await rows(db, "select count(*) from refreshes") == [(1,)]
    await refresh_work.note_interest(db, dict.fromkeys(ids, ONE), now=LATER)
    assert await rows(db, "select count(*) from refreshes") == [(1,)]


async def test_a_large_table_is_counted_in_stretches(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh_work, "STRETCH", 4)
    await add(db, *range(10))
    for _ in range(3):
        await refresh_work.review(db, {"synthetic": 1}, people=10, now=NOW)
    walk = await refresh_store.read_round(db, "census")
    assert (walk.reached, walk.counting, walk.counted_at) == ("", [], NOW)
    (counted,) = walk.counted
    assert counted[:2] + counted[3:] == ["synthetic", 1.0, 10, 10, 10, 10]


async def test_the_price_follows_the_budget(db: Database) -> None:
    await add(db, *range(200))
    prices = [
        (await refresh_work.review(db, {"synthetic": 1}, people=people, now=NOW))["synthetic"]
        for people in (1_000, 1)
    ]
    assert prices[0].terms.price <= prices[1].terms.price
    assert await refresh_store.next_due(db, ["synthetic", "none"]) != {}


async def test_candidates_and_leads_weigh_more_in_the_same_job(db: Database, world: World) -> None:
    await add_campaign(db, {"field": "followers", "op": ">=", "value": 1_000})
    ids = await write(db, [raw_profile(1), raw_profile(2, followers=3)])
    held = "select profile_id, interest from refreshes order by 1"
    await run_step(world, MaintainCandidates(profile_ids=ids))
    assert await rows(db, held) == [(ids[0], INTEREST["candidate"]), (ids[1], ONE)]
    await rows(
        db,
        "with s as (insert into llm_scores (campaign_id, profile_id, username, profile_hash,"
        " criteria_hash, model, prompt_version, outcome, qualified, score, raw, latency_ms)"
        " select id, :who, 'x', 'h', 'c', 'm', '1', 'verdict', true, 0.9, '', 1 from campaigns"
        " returning id, campaign_id) insert into leads (campaign_id, profile_id, platform,"
        " platform_id, username, score_id, score, reasons)"
        " select campaign_id, :who, 'synthetic', 'syn:2', 'x', id, 0.9, '[]' from s returning id",
        who=ids[1],
    )
    ((campaign,),) = await rows(db, "select id from campaigns")
    assert isinstance(campaign, int)
    assert await caring.note_leads(world, campaign, NOW) == 1
    assert await rows(db, held) == [(ids[0], INTEREST["candidate"]), (ids[1], INTEREST["lead"])]
    assert await caring.note_candidates(world, campaign) == 0, "said before"


async def test_a_run_keeps_to_its_budget_of_requests(db: Database, world: World) -> None:
    await add(db, *range(20))
    people = {f"syn:{n}": raw_profile(n) for n in range(20)}
    source = AnsweringSource("synthetic", lambda ids: [people[each] for each in ids])
    settings = world.settings.model_copy(update={"refresh_requests": 3})
    small = replace(world, sources={"synthetic": source}, settings=settings)
    first = await run_step(small, CrawlRefresh())
    assert len(source.asked) == first.result["requests"] <= 3
    for _ in range(10):
        await run_step(small, CrawlRefresh())
    assert sorted(each for batch in source.asked for each in batch) == sorted(people)
    (spent,) = (await refresh_store.read_terms(db)).values()
    assert (spent.budget, spent.failed) == (3, 0)
    assert spent.cost < 1.0, "two people a request"
