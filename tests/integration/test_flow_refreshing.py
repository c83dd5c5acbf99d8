"""Looking at people again: whoever fails does not hold up the others, and who left is let go."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from omni.base.clock import utc_now
from omni.base.errors import Rejected, Transient
from omni.flow.world import World
from omni.jobs.types import CrawlRefresh, MaintainCandidates
from omni.leads import suppressions_store as suppressions
from omni.profiles import refresh_work
from omni.profiles.work import store_batch
from omni.storage.db import Database
from tests.candidates_fixtures import add_campaign
from tests.flow_fixtures import Answer, AnsweringSource, run_step, running_world
from tests.jobs_fixtures import rows
from tests.profiles_fixtures import NOW, raw_profile

DUE = (
    "select platform_id from refreshes join profiles_raw using (profile_id)"
    " where refresh_at < now() order by 1"
)
"""Whom the next run would ask for."""
SEEN = "select platform_id from profiles_raw where last_seen > '2026-01-01' order by 1"


@pytest.fixture
async def world(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url) as built:
        yield built


async def add_people(db: Database, platform: str, count: int) -> None:
    people = [
        raw_profile(n, platform=platform, platform_id=f"{platform}:{n}") for n in range(count)
    ]
    async with db.transaction() as tx:
        found = await store_batch(tx, people, now=NOW, campaign_id=None, job_id=None)
    await refresh_work.note_interest(db, dict.fromkeys(found.new, 1.0), now=NOW)


def everybody(platform: str) -> Callable[[Sequence[str]], Answer]:
    return lambda ids: [
        raw_profile(int(each.split(":")[1]), platform=platform, platform_id=each) for each in ids
    ]


def platforms(world: World, *sources: AnsweringSource) -> World:
    return replace(world, sources={source.platform: source for source in sources})


@pytest.mark.parametrize("fault", [Transient("down"), Rejected("no such id"), ValueError("broken")])
async def test_a_platform_that_fails_leaves_the_others_their_turn(
    db: Database, world: World, fault: Exception
) -> None:
    await add_people(db, "down", 4)
    await add_people(db, "up", 4)
    down = AnsweringSource("down", lambda _: fault)
    up = AnsweringSource("up", everybody("up"))
    done = await run_step(platforms(world, down, up), CrawlRefresh(limit=8))
    assert done.result["unchanged"] == 4
    assert (
        done.result["failed_batches"]
        == len(down.asked)
        == (1 if isinstance(fault, Transient) else 6)
    )
    assert await rows(db, SEEN) == [(f"up:{n}",) for n in range(4)], "nobody else was seen"


async def test_a_batch_that_fails_goes_to_the_end_of_the_line(db: Database, world: World) -> None:
    await add_people(db, "sick", 6)
    healthy = everybody("sick")
    source = AnsweringSource(
        "sick", lambda ids: Transient("500") if "sick:0" in ids else healthy(ids)
    )
    one = platforms(world, source)
    with pytest.raises(Transient, match="1 batches"):
        await run_step(one, CrawlRefresh(limit=4))
    assert (await run_step(one, CrawlRefresh(limit=4))).result["unchanged"] == 4
    assert source.asked == [("sick:0", "sick:1"), ("sick:2", "sick:3"), ("sick:4", "sick:5")]


async def test_one_whom_the_platform_refuses_costs_nobody_else_their_look(
    db: Database, world: World
) -> None:
    await add_people(db, "sick", 12)
    healthy = everybody("sick")
    source = AnsweringSource(
        "sick", lambda ids: Rejected("400") if "sick:3" in ids else healthy(ids), batch_size=8
    )
    done = await run_step(platforms(world, source), CrawlRefresh())
    assert (done.result["unchanged"], done.result["failed_batches"]) == (11, 4)
    asked = [each for batch in source.asked for each in batch]
    assert ("sick:3",) in source.asked
    assert len(source.asked) == 1 + 6 + 1, f"asked {asked}"


async def test_who_left_leaves_every_campaign_and_comes_back(db: Database, world: World) -> None:
    await add_campaign(db, {"field": "followers", "op": ">=", "value": 1})
    await add_people(db, "up", 2)
    (kept,), (left,) = await rows(db, "select profile_id from profiles_raw order by platform_id")
    people = MaintainCandidates(profile_ids=(cast("int", kept), cast("int", left)))
    await run_step(world, people)
    candidates = "select profile_id from campaign_candidates order by 1"
    assert await rows(db, candidates) == [(kept,), (left,)]

    stays = raw_profile(0, platform="up", platform_id="up:0")
    leaving = AnsweringSource("up", lambda _: [stays])
    done = await run_step(platforms(world, leaving), CrawlRefresh())
    assert done.result["gone"] == 1
    asked = await rows(db, "select args from jobs where kind = 'candidates.maintain'")
    everything: dict[str, object] = {"changed": None, "marks": []}
    assert asked == [({"profile_ids": [left], **everything},)], "in the transaction that notes it"
    await run_step(world, people)
    assert await rows(db, candidates) == [(kept,)]

    async with db.transaction() as tx:
        back = raw_profile(1, platform="up", platform_id="up:1")
        met = await store_batch(tx, [back], now=utc_now(), campaign_id=None, job_id=None)
    assert met.changed == (left,)
    await run_step(world, people)
    assert await rows(db, candidates) == [(kept,), (left,)]


async def test_who_is_suppressed_costs_no_request_and_no_other_their_turn(
    db: Database, world: World
) -> None:
    await add_people(db, "up", 6)
    for number in (0, 1, 3):
        await suppressions.suppress(
            db, platform="up", platform_id=f"up:{number}", reason="stop", source="person", now=NOW
        )
    up = AnsweringSource("up", everybody("up"))
    done = await run_step(platforms(world, up), CrawlRefresh(limit=2))
    assert (done.result["unchanged"], done.result["requests"]) == (2, 1)
    assert up.asked == [("up:2", "up:4")]
    assert await rows(db, DUE) == [("up:5",)], "the suppressed are planned no more"


async def test_nobody_of_a_suppressed_domain_is_asked_for(db: Database, world: World) -> None:
    """Though their id does not say of which domain they are."""
    people = [
        raw_profile(n, platform="up", platform_id=f"up:{n}", username=f"p{n}.{domain}")
        for n, domain in enumerate(("far.example", "shop.near.example", "far.example"))
    ]
    async with db.transaction() as tx:
        found = await store_batch(tx, people, now=NOW, campaign_id=None, job_id=None)
        await suppressions.suppress_scope(
            tx, "domain", value="near.example", reason="stop", source="person", now=NOW
        )
    await refresh_work.note_interest(db, dict.fromkeys(found.new, 1.0), now=NOW)
    up = AnsweringSource("up", everybody("up"))
    await run_step(platforms(world, up), CrawlRefresh(limit=10))
    assert up.asked == [("up:0", "up:2")]


async def test_who_hides_is_let_go_and_one_empty_answer_is_not_believed(
    db: Database, world: World
) -> None:
    await add_people(db, "up", 1)
    empty = AnsweringSource("up", lambda _: [])
    assert (await run_step(platforms(world, empty), CrawlRefresh())).result["gone"] == 0
    assert await rows(db, DUE) == [], "put off"
    assert await rows(db, SEEN) == []
    await rows(db, "update refreshes set refresh_at = now() returning profile_id")
    hidden = raw_profile(0, platform="up", platform_id="up:0", discoverable=False)
    hiding = AnsweringSource("up", lambda _: [hidden])
    assert (await run_step(platforms(world, hiding), CrawlRefresh())).result["gone"] == 1
    assert await rows(db, "select * from profile_features") == []
