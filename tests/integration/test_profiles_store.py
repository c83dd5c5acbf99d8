"""Writing profiles: by hash, atomic, safe beside other writers, harmless with hostile text."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from omni.base.errors import NotFound, Rejected
from omni.connectors.types import RawPost, RawProfile
from omni.flow.follow import after_profiles
from omni.profiles import store
from omni.profiles.types import FEATURES, MARKS, SIGNALS, StoredBatch
from omni.profiles.work import mark_missing, store_batch
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.profiles_fixtures import NOW, raw_profile

LATER = NOW + timedelta(hours=1)


async def write(
    db: Database,
    profiles: list[RawProfile],
    now: datetime = NOW,
    *,
    campaign_id: int | None = None,
    job_id: UUID | None = None,
) -> StoredBatch:
    async with db.transaction() as tx:
        return await store_batch(tx, profiles, now=now, campaign_id=campaign_id, job_id=job_id)


async def rows(db: Database, sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await db.fetch(Query("test", sql))]


async def versions(db: Database, table: str) -> dict[int, object]:
    """Return which physical row version each profile has; any rewrite changes it."""
    found = await rows(db, f"select profile_id, xmin::text, ctid::text from {table}")
    return {row["profile_id"]: (row["xmin"], row["ctid"]) for row in found}


async def test_new_people_get_raw_profile_and_features(db: Database) -> None:
    batch = await write(db, [raw_profile(2), raw_profile(1)])
    assert len(batch.new) == 2
    assert (batch.changed, batch.unchanged) == ((), 0)
    raw = await rows(db, "select * from profiles_raw order by platform_id")
    feature = await rows(db, "select * from profile_features")
    assert [row["platform_id"] for row in raw] == ["syn:1", "syn:2"]
    assert raw[0]["first_seen"] == raw[0]["last_seen"] == NOW
    assert raw[0]["payload"]["posts"][0]["text"] == "Unloaded the kiln today. #woodfired"
    by_id = {row["profile_id"]: row for row in feature}
    for row in raw:
        assert by_id[row["profile_id"]]["version_hash"] == row["content_hash"]
        assert by_id[row["profile_id"]]["username"] == row["username"]
    one = by_id[raw[0]["profile_id"]]
    assert {f.name for f in FEATURES} <= set(one)
    assert (one["country"], one["followers"], one["is_bot"]) == ("PT", 1_234, False)
    assert one["hashtags"] == ["ceramics", "woodfired"]
    assert one["domains"] == ["blog.example", "pots.example"]
    assert len(one["signals"]) == len(SIGNALS)
    assert one["view"]["name"] == "Person 1"
    search = "select count(*) from profile_features where search @@ to_tsquery('simple', 'kiln')"
    assert await db.fetchval(Query("search", search)) == 2


async def test_what_did_not_change_is_not_written_again(db: Database) -> None:
    first = await write(db, [raw_profile(1), raw_profile(2)])
    before = await rows(db, "select * from profiles_raw")
    features = await versions(db, "profile_features")
    second = await write(db, [raw_profile(1), raw_profile(2, bio="New words.")], LATER)
    assert (second.new, second.unchanged) == ((), 1)
    (changed,) = second.changed
    assert changed in first.new
    (same,) = set(first.new) - {changed}
    after = {row["profile_id"]: row for row in await rows(db, "select * from profiles_raw")}
    was = {row["profile_id"]: row for row in before}
    assert after[same] == was[same] | {"last_seen": LATER, "looked_at": LATER}
    assert after[changed]["content_hash"] != was[changed]["content_hash"]
    assert after[changed]["first_seen"] == NOW
    now = await versions(db, "profile_features")
    assert now[same] == features[same]
    assert now[changed] != features[changed]
    (row,) = await rows(db, f"select * from profile_features where profile_id = {changed}")
    assert row["version_hash"] == after[changed]["content_hash"]
    assert (row["bio"], row["updated_at"]) == ("New words.", LATER)
    assert row["country"] is None


async def test_a_change_says_what_it_changed(db: Database) -> None:
    def named(batch: StoredBatch) -> set[str]:
        (marks,) = batch.marks.values()
        return {mark for place, mark in enumerate(MARKS) if marks >> place & 1}

    def asked(batch: StoredBatch) -> set[str]:
        return {job.args.kind for job in after_profiles(batch)}

    first = await write(db, [raw_profile(1)])
    assert first.marks == {}, "everything"
    other = raw_profile(1, followers=99)
    met = named(await write(db, [other], LATER))
    assert met == {"followers", "engagement", "signals", "view_hash"}
    other = replace(other, bio="New words.")
    words = named(await write(db, [other], LATER))
    assert {"bio", "text", "hashtags", "country"} <= words
    assert not words & {"username", "followers", "posts", "last_post_at"}
    picture = await write(db, [replace(other, image_urls=("https://img.example/2.png",))], LATER)
    assert named(picture) == set(), "which no criteria can ask for, and no judge is shown"
    assert asked(first) == {"candidates.maintain", "images.fetch"}
    assert asked(picture) == {"images.fetch"}


async def test_an_older_sighting_does_not_turn_time_back(db: Database) -> None:
    await write(db, [raw_profile(1)], LATER)
    await write(db, [raw_profile(1)], NOW)
    assert (await rows(db, "select last_seen from profiles_raw"))[0]["last_seen"] == LATER


async def test_a_batch_is_written_whole_or_not_at_all(db: Database) -> None:
    await write(db, [raw_profile(1)])
    before = await rows(db, "select * from profiles_raw")

    async def fails_at_the_end() -> None:
        async with db.transaction() as tx:
            profiles = [raw_profile(1, bio="Changed."), raw_profile(2)]
            await store_batch(tx, profiles, now=LATER, campaign_id=3, job_id=uuid4())
            raise RuntimeError("the worker died")

    with pytest.raises(RuntimeError):
        await fails_at_the_end()
    assert await rows(db, "select * from profiles_raw") == before
    assert len(await versions(db, "profile_features")) == 1
    assert await rows(db, "select 1 from discoveries") == []


async def test_a_username_may_change_and_the_person_stays_the_same(db: Database) -> None:
    (one,) = (await write(db, [raw_profile(1)])).new
    assert (await write(db, [raw_profile(1, username="new.name")])).changed == (one,)
    (row,) = await rows(db, "select profile_id, username from profiles_raw")
    assert (row["profile_id"], row["username"]) == (one, "new.name")


async def test_an_empty_batch_and_one_of_nobodies_write_nothing(db: Database) -> None:
    nobody = [raw_profile(platform_id=""), raw_profile(discoverable=False)]
    for profiles in ([], nobody):
        assert await write(db, profiles) == StoredBatch((), (), 0)


async def test_hostile_text_is_only_text(db: Database) -> None:
    evil = "\x00\x1f\ud800 '); drop table profiles_raw; -- $1 :now {{x}} <script> \\u0000 \u202e"
    hostile = raw_profile(
        1,
        username=evil,
        display_name=evil,
        bio=evil * 1_000,
        links=("https://a.example/" + "x" * 1_900, "javascript:alert(1)"),
        posts=tuple(RawPost(f"{evil} {'word' * 900} {n}", NOW) for n in range(50)),
        extra={evil: [evil, float("nan"), 10**30]},
    )
    (one,) = (await write(db, [hostile])).new
    assert (await write(db, [hostile])).unchanged == 1
    profile = msgspec.json.decode(await store.get_profile(db, one))
    assert "drop table profiles_raw" in profile["bio"]
    assert len(profile["recent_posts"]) == 20


async def test_discoveries_note_everyone_found_and_keep_the_first(db: Database) -> None:
    job, other = uuid4(), uuid4()
    await write(db, [raw_profile(1), raw_profile(2)])
    await write(db, [raw_profile(1), raw_profile(3)], campaign_id=7, job_id=job)
    await write(db, [raw_profile(n) for n in (1, 2, 3)], LATER, campaign_id=7, job_id=other)
    found = await rows(
        db,
        "select platform_id, job_id, campaign_id from discoveries join profiles_raw"
        " using (profile_id) order by platform_id",
    )
    assert [(row["platform_id"], row["job_id"]) for row in found] == [
        ("syn:1", job), ("syn:2", other), ("syn:3", job),
    ]  # fmt: skip
    with pytest.raises(Rejected):
        await write(db, [raw_profile(1)], campaign_id=7)


async def test_writers_of_the_same_people_neither_block_nor_double(db: Database) -> None:
    rng = random.Random(4)
    people = [raw_profile(n) for n in range(40)]

    async def writer() -> list[StoredBatch]:
        batches: list[StoredBatch] = []
        for _ in range(12):
            some = rng.sample(people, 25)
            edited = [replace(p, bio=f"Version {rng.randrange(3)}") for p in some]
            batches.append(await write(db, edited, campaign_id=1, job_id=uuid4()))
        return batches

    written = await asyncio.gather(*(writer() for _ in range(6)))
    new = [each for batches in written for batch in batches for each in batch.new]
    assert len(new) == len(set(new)) == 40
    assert all(
        len(b.new) + len(b.changed) + b.unchanged == 25 for batches in written for b in batches
    )
    stale = await rows(
        db,
        "select 1 from profiles_raw r full join profile_features f using (profile_id)"
        " where f.version_hash is distinct from r.content_hash"
        " or f.bio is distinct from r.payload ->> 'bio'",
    )
    assert stale == []
    assert len(await rows(db, "select 1 from discoveries")) == 40


async def miss(db: Database, now: datetime, **who: list[str]) -> tuple[int, ...]:
    people: dict[str, list[str]] = {"shown": [], "hidden": [], "left_out": []} | who
    async with db.transaction() as tx:
        return await mark_missing(tx, platform="synthetic", now=now, **people)


async def test_who_is_gone_is_left_in_peace_until_met_again(db: Database) -> None:
    one, two = (await write(db, [raw_profile(1), raw_profile(2)])).new
    assert await miss(db, LATER, shown=["syn:2"], left_out=["syn:1", "syn:99"]) == (one,)
    assert await miss(db, LATER, shown=["syn:2"], left_out=["syn:1", "syn:99"]) == ()
    assert await rows(db, "select profile_id from profile_features") == [{"profile_id": two}]
    back = await write(db, [raw_profile(1)], LATER)
    assert back == StoredBatch((), (one,), 0), "it counts as a change, so that campaigns look again"
    assert len(await rows(db, "select 1 from profile_features")) == 2
    assert (await write(db, [raw_profile(1)], LATER)).unchanged == 1


async def test_who_hides_is_gone_at_once(db: Database) -> None:
    (one,) = (await write(db, [raw_profile(1)])).new
    assert await miss(db, LATER, hidden=["syn:1"]) == (one,)


async def test_one_empty_answer_is_not_believed(db: Database) -> None:
    (one,) = (await write(db, [raw_profile(1)])).new
    assert await miss(db, LATER, left_out=["syn:1"]) == ()
    assert await miss(db, LATER + timedelta(hours=1), left_out=["syn:1"]) == ()
    await write(db, [raw_profile(1)], LATER + timedelta(hours=2))
    assert await miss(db, LATER + timedelta(hours=7), left_out=["syn:1"]) == (), "seen meanwhile"
    assert await miss(db, LATER + timedelta(hours=14), left_out=["syn:1"]) == (one,)


async def test_who_was_seen_since_we_asked_is_not_gone(db: Database) -> None:
    await write(db, [raw_profile(1)], LATER)
    assert await miss(db, NOW, shown=["syn:2"], left_out=["syn:1"]) == ()
    assert await miss(db, NOW, hidden=["syn:1"]) == ()


async def test_pages_walk_through_everybody_once(db: Database) -> None:
    await write(db, [raw_profile(n) for n in range(25)])
    seen: list[int] = []
    after: int | None = None
    while page := msgspec.json.decode(await store.profile_page(db, after=after, limit=10)):
        seen += [item["profile_id"] for item in page]
        after = seen[-1]
    assert len(seen) == 25
    assert seen == sorted(set(seen), reverse=True)


async def test_one_profile_is_shown_with_all_that_is_known(db: Database) -> None:
    (one,) = (await write(db, [raw_profile(1)])).new
    profile = msgspec.json.decode(await store.get_profile(db, one))
    assert {f.name for f in FEATURES} <= set(profile)
    assert profile["platform_id"] == "syn:1"
    assert profile["images"] == []
    assert profile["links"] == ["https://www.pots.example/shop"]
    assert profile["recent_posts"][0]["likes"] == 12
    assert len(profile["signals"]) == len(SIGNALS)
    assert not {"search", "view"} & set(profile)
    with pytest.raises(NotFound):
        await store.get_profile(db, one + 1)
