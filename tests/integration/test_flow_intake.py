"""Whom a crawl brings and who is taken in: not those whom we leave alone, nor those who hide."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from omni.flow import intake
from omni.leads import suppressions_store as suppressions
from omni.profiles.types import StoredBatch
from omni.storage.db import Database, Tx
from omni.storage.sql import Query
from tests.profiles_fixtures import NOW, raw_profile

LATER = NOW + timedelta(hours=1)
PEOPLE = Query("people", "select platform_id, last_seen from profiles_raw order by platform_id")
JOBS = Query("jobs", "select kind, args from jobs order by kind, created_at")


async def take_in(db: Database, *numbers: int, **changes: object) -> StoredBatch:
    people = [raw_profile(number, **changes) for number in numbers]
    return await intake.take_in(db, people, now=LATER, campaign_id=None, job_id=None)


async def suppress(db: Database, *numbers: int) -> None:
    for number in numbers:
        await suppressions.suppress(
            db,
            platform="synthetic",
            platform_id=f"syn:{number}",
            reason="asked us to stop",
            source="person",
            now=NOW,
        )


async def test_who_is_suppressed_is_neither_added_nor_updated(db: Database) -> None:
    await intake.take_in(db, [raw_profile(1)], now=NOW, campaign_id=None, job_id=None)
    await suppress(db, 1, 2)
    stored = await take_in(db, 1, 2, 3, bio="New words.")
    assert (len(stored.new), stored.changed, stored.left_out) == (1, (), 2)
    rows = await db.fetch(PEOPLE)
    assert [(row["platform_id"], row["last_seen"]) for row in rows] == [
        ("syn:1", NOW), ("syn:3", LATER),
    ]  # fmt: skip
    assert intake.counts(stored)["left_out"] == 2
    assert intake.add(stored, stored).left_out == 4


async def test_the_jobs_that_follow_are_written_with_the_people_or_not_at_all(
    db: Database,
) -> None:
    async def fails(tx: Tx, stored: StoredBatch) -> None:
        assert len(stored.new) == 2
        raise RuntimeError("the worker died")

    people = [raw_profile(1), raw_profile(2)]
    with pytest.raises(RuntimeError):
        await intake.take_in(db, people, now=NOW, campaign_id=3, job_id=uuid4(), also=fails)
    assert not await db.fetch(PEOPLE)
    assert not await db.fetch(JOBS)
    stored = await take_in(db, 1, 2)
    jobs = await db.fetch(JOBS)
    assert [row["kind"] for row in jobs] == ["candidates.maintain", "images.fetch"]
    assert jobs[0]["args"]["profile_ids"] == list(stored.new)
    assert (await take_in(db, 1, 2)).unchanged == 2
    assert len(await db.fetch(JOBS)) == 2


async def test_who_hides_now_is_let_go_at_once(db: Database) -> None:
    (one, _) = (await take_in(db, 1, 2)).new
    batch = [raw_profile(1, discoverable=False), raw_profile(2), raw_profile(9, discoverable=False)]
    stored = await intake.take_in(db, batch, now=LATER, campaign_id=None, job_id=None)
    assert (stored.new, stored.unchanged) == ((), 1)
    assert await intake.forget_hidden(db, batch, now=LATER) == (one,)
    assert await intake.forget_hidden(db, batch, now=LATER) == ()
    features = await db.fetch(Query("features", "select profile_id from profile_features"))
    assert one not in {row["profile_id"] for row in features}
    assert {"profile_ids": [one]}.items() <= (await db.fetch(JOBS))[-2]["args"].items()


async def test_batches_that_are_prepared_beside_each_other_agree_in_the_end(db: Database) -> None:
    async def writer(turn: int) -> None:
        for version in range(6):
            people = [raw_profile(n, bio=f"Version {(version * turn) % 5}") for n in range(30)]
            await intake.take_in(db, people, now=NOW, campaign_id=None, job_id=None)

    await asyncio.gather(*(writer(turn) for turn in range(1, 5)))
    stale = await db.fetch(
        Query(
            "stale",
            "select 1 from profiles_raw r full join profile_features f using (profile_id)"
            " where f.version_hash is distinct from r.content_hash"
            " or f.bio is distinct from r.payload ->> 'bio'",
        )
    )
    assert not stale
    assert len(await db.fetch(PEOPLE)) == 30


async def test_who_was_suppressed_by_a_name_is_left_alone_under_another(db: Database) -> None:
    await intake.take_in(
        db, [raw_profile(1, username="old.example")], now=NOW, campaign_id=None, job_id=None
    )
    await suppressions.suppress_scope(
        db, "person", platform="synthetic", value="Old.Example", reason="asked", source="person",
        now=NOW,
    )  # fmt: skip
    stored = await take_in(db, 1, username="new.example")
    assert (stored.changed, stored.left_out) == ((), 1)
