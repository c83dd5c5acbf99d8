"""A crawl that is stopped goes on where it was: nobody lost, nobody twice, counts exact."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from omni.base.clock import utc_now
from omni.base.errors import Rejected, Transient
from omni.crawl import store as logs
from omni.crawl.types import Begun, Entry
from omni.flow.world import World
from omni.jobs.types import NewJob
from omni.leads import suppressions_store as suppressions
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.crawl_fixtures import PLATFORM, Village, crawl_of, entries, people
from tests.flow_fixtures import run_step, running_world
from tests.jobs_fixtures import enqueue, eventually

IN_FLIGHT = 200 + 200 + 16 * 10
"""People of one haul that is written, one that is gathered, and the calls that run."""


@pytest.fixture
def village() -> Village:
    return Village()


@pytest.fixture
async def world(
    tmp_path: Path, database_url: str, valkey_url: str, village: Village
) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url) as built:
        built = _with_source(built, village)
        yield built


def _with_source(world: World, village: Village) -> World:
    from dataclasses import replace

    return replace(world, sources={PLATFORM: village})


async def stopped_run(world: World, job_id: UUID, after: int) -> None:
    """Run the crawl, and stop it once so many entries are written."""
    run = asyncio.create_task(run_step(world, crawl_of(max_profiles=5_000), job_id))

    async def written() -> bool:
        return run.done() or await entries(world.db, job_id) >= after

    await eventually(written)
    run.cancel()
    with suppress(asyncio.CancelledError):
        await run


async def test_a_stopped_crawl_goes_on_where_it_was(world: World, village: Village) -> None:
    village.people, village.delay, job_id = 2_000, 0.002, uuid4()
    for run in range(4):
        await stopped_run(world, job_id, await entries(world.db, job_id) + 2)
        assert village.running == 0, f"run {run} left calls behind"
    result = (await run_step(world, crawl_of(max_profiles=5_000), job_id)).result
    assert sorted(map(int, await people(world.db))) == list(range(2_000))
    assert set(village.fetched.values()) <= {1, 2}
    assert sum(village.fetched.values()) - 2_000 <= 4 * 16 * 10, "only what was in flight"
    told = {name: result[name] for name in ("profiles", "new", "pages", "found", "kept", "resumed")}
    assert told == {
        "profiles": 2_000, "new": 2_000, "pages": 100, "found": 2_000, "kept": 2_000, "resumed": 4,
    }  # fmt: skip
    assert result["ended_by"] == "end"


async def test_a_run_that_has_lost_the_crawl_writes_nothing_more(
    world: World, village: Village
) -> None:
    village.people, job_id = 1_000, uuid4()
    late = asyncio.create_task(run_step(world, crawl_of(max_profiles=5_000), job_id))

    async def written() -> bool:
        return await entries(world.db, job_id) >= 2

    await eventually(written)
    village.held.clear()
    await asyncio.sleep(0.1)
    other = Village(people=1_000)
    result = (
        await run_step(_with_source(world, other), crawl_of(max_profiles=5_000), job_id)
    ).result
    before = await entries(world.db, job_id)
    village.held.set()
    with pytest.raises(Transient, match="another run"):
        await late
    assert await entries(world.db, job_id) == before
    assert (result["new"], result["found"]) == (1_000, 1_000)
    assert len(await people(world.db)) == 1_000


async def test_time_counts_over_all_runs(world: World) -> None:
    job_id = uuid4()
    for position, entry in enumerate((Entry((Begun(),)), Entry((), seconds=59.0))):
        assert await logs.append(world.db, job_id, position, entry, now=utc_now())
    village = Village(people=10**6, delay=0.01)
    async with asyncio.timeout(30):
        result = (
            await run_step(
                _with_source(world, village),
                crawl_of(max_seconds=60, max_profiles=100_000, max_pages=100_000),
                job_id,
            )
        ).result
    assert result["ended_by"] == "seconds"
    assert 60 <= result["seconds"] <= 75


async def test_the_next_run_asks_again_for_what_the_platform_failed_to_give(
    world: World, village: Village
) -> None:
    def down(call: str) -> None:
        if call.startswith("people") and len(village.fetched) >= 300:
            raise Transient("the platform is down")

    village.fault, job_id = down, uuid4()
    with pytest.raises(Transient, match="is down"):
        await run_step(world, crawl_of(max_profiles=5_000), job_id)
    assert 300 <= len(await people(world.db)) < 1_000
    village.fault = lambda call: None
    result = (await run_step(world, crawl_of(max_profiles=5_000), job_id)).result
    assert len(await people(world.db)) == 1_000
    assert set(village.fetched.values()) == {1}
    assert result["failures"]["transient"] >= 5
    assert result["left_out"] == {}


async def test_whatever_fails_in_the_middle_costs_itself_alone(
    world: World, village: Village
) -> None:
    def fault(call: str) -> None:
        if call == "followers 7 0":
            raise Rejected("this list is private")
        if call.startswith("people 10,"):
            raise KeyError("handle")

    village.fault, village.people = fault, 100
    result = (await run_step(world, crawl_of(max_depth=1))).result
    assert result["failures"] == {"rejected": 1, "unexpected": 2}
    assert sorted(result["examples"]) == [
        "rejected: followers of 7: this list is private",
        "unexpected: 10 and 9 more: KeyError: 'handle'",
        "unexpected: 10 and 9 more: KeyError: 'handle'",
    ]
    assert (result["kept"], result["left_out"]) == (90, {"unread": 10})


async def test_a_log_goes_when_its_job_has_ended(db: Database) -> None:
    args = crawl_of()
    ids = await enqueue(db, *[NewJob(args) for _ in range(5)])
    gone = uuid4()
    for job_id in (*ids, gone):
        for position in range(3):
            await logs.append(db, job_id, position, Entry((Begun(),)), now=utc_now())
    await db.execute(
        Query("end", "update jobs set state = 'succeeded', finished_at = now() where id = :id"),
        id=ids[0],
    )
    assert await logs.delete_ended(db, limit=1) == 3
    assert await logs.delete_ended(db, limit=10) == 3
    assert await logs.delete_ended(db, limit=10) == 0
    assert [await entries(db, job_id) for job_id in (*ids, gone)] == [0, 3, 3, 3, 3, 0]


async def test_who_is_suppressed_is_left_out_and_told(world: World, village: Village) -> None:
    village.people = 30
    async with world.db.transaction() as tx:
        for name in ("3", "4"):
            await suppressions.suppress(
                tx,
                platform=PLATFORM,
                platform_id=name,
                reason="asked",
                source="operator",
                now=utc_now(),
            )
    result = (await run_step(world, crawl_of())).result
    assert (result["new"], result["left_out"]) == (28, {"suppressed": 2})
    assert not {"3", "4"} & set(await people(world.db))


async def test_a_crawl_lets_go_of_those_whom_it_knew_and_who_hide_now(
    world: World, village: Village, db: Database
) -> None:
    village.people = 60
    await run_step(world, crawl_of(), uuid4())
    village.hiding = {"7", "31", "900"}
    village.people = 1_000
    done = await run_step(world, crawl_of(max_profiles=1_000), uuid4())
    assert done.result["left_out"] == {"asked_not_to_be_found": 3}
    assert (done.result["new"], done.result["unchanged"]) == (1_000 - 60 - 1, 58)
    assert len(await people(db)) == 1_000 - 1, "who hid before is not even stored"
    gone = Query(
        "gone",
        "select platform_id, profile_id from profiles_raw where gone_since is not null order by 2",
    )
    known = {row["platform_id"]: row["profile_id"] for row in await db.fetch(gone)}
    assert known.keys() == {"7", "31"}
    shown = Query("shown", "select 1 from profile_features where profile_id = any(:ids::bigint[])")
    assert not await db.fetch(shown, ids=list(known.values()))
    told = Query(
        "told",
        "select distinct args -> 'profile_ids' as ids from jobs where kind = 'candidates.maintain'",
    )
    leaving = [row["ids"] for row in await db.fetch(told)]
    assert all(any(person in ids for ids in leaving) for person in known.values())
