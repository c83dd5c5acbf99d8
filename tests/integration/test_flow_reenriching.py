"""After an upgrade, features that an older enrichment made are made anew from the payloads."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from omni.flow import intake, reenriching
from omni.flow.schedule import due_jobs
from omni.flow.world import World
from omni.jobs.types import ReenrichProfiles
from omni.profiles import reenrich_work
from omni.profiles.types import ENRICH_VERSION
from omni.storage.db import Database, Row
from omni.storage.sql import Query
from tests.flow_fixtures import run_step, running_world
from tests.profiles_fixtures import NOW, raw_profile

AGE = Query(
    "age",
    "update profile_features set enrich_version = 1, language = null, place = null"
    " where profile_id = any(:ids::bigint[])",
)
FEATURES = Query(
    "features",
    "select f.profile_id, f.language, f.place, f.enrich_version, f.version_hash = r.content_hash as"
    " fits, f.xmin::text as version from profile_features f join profiles_raw r using (profile_id)"
    " order by f.profile_id",
)
MAINTAINED = Query(
    "maintained", "select args from jobs where kind = 'candidates.maintain' order by id"
)


@pytest.fixture
async def world(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url) as built:
        yield built


async def features(db: Database) -> Sequence[Row]:
    return await db.fetch(FEATURES)


async def test_old_features_are_made_anew_and_the_others_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = world.db
    people = [raw_profile(n) for n in range(7)]
    ids = (await intake.take_in(db, people, now=NOW, campaign_id=None, job_id=None)).new
    await db.execute(Query("none", "delete from jobs"))
    await db.execute(AGE, ids=ids[:5])
    before = {row["profile_id"]: row["version"] for row in await features(db)}
    monkeypatch.setattr(reenrich_work, "PAGE", 2)
    monkeypatch.setattr(reenriching, "PAGES", 2)

    first = await run_step(world, ReenrichProfiles())
    assert first.result == {"renewed": 4}
    (rest,) = first.follow_ups
    assert rest.args == ReenrichProfiles(after=ids[3])
    second = await run_step(world, rest.args)
    assert second.result == {"renewed": 1}

    rows = await features(db)
    assert all(row["fits"] and row["enrich_version"] == ENRICH_VERSION for row in rows)
    assert all((row["language"], row["place"]) == ("en", "Lisbon") for row in rows)
    assert {row["profile_id"] for row in rows if row["version"] == before[row["profile_id"]]} == {
        *ids[5:]
    }
    maintained = [i for row in await db.fetch(MAINTAINED) for i in row["args"]["profile_ids"]]
    assert sorted(maintained) == list(ids[:5])

    after = await features(db)
    assert (await run_step(world, ReenrichProfiles())).result == {"renewed": 0}
    assert await features(db) == after, "a second walk writes nothing"


async def test_a_payload_that_cannot_be_read_stops_nobody(world: World) -> None:
    people = [raw_profile(n) for n in range(2)]
    stored = await intake.take_in(world.db, people, now=NOW, campaign_id=None, job_id=None)
    await world.db.execute(AGE, ids=stored.new)
    broken = "update profiles_raw set payload = '{}' where profile_id = :id"
    await world.db.execute(Query("break", broken), id=stored.new[0])
    assert (await run_step(world, ReenrichProfiles())).result == {"renewed": 1}


def test_an_upgrade_starts_it_by_itself_once() -> None:
    (job,) = (job for job in due_jobs(NOW, []) if isinstance(job.args, ReenrichProfiles))
    assert job.key is not None
    assert job.key.startswith(f"profiles.reenrich@{ENRICH_VERSION}.")
