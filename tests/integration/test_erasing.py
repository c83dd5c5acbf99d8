"""A person who is erased is nowhere any more, and stays out, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from omni.api import persons
from omni.base.clock import utc_now
from omni.base.errors import Snooze, Transient
from omni.erasures import store as erasures
from omni.erasures.inventory_plan import INVENTORY
from omni.flow import erasing, intake
from omni.flow.world import World
from omni.jobs import store as jobs
from omni.jobs.types import CrawlSeed, ErasePerson, NewJob
from omni.storage.db import Database
from omni.storage.personal import Share
from omni.storage.sql import Queries, Query
from tests.api_fixtures import deps
from tests.erasing_fixtures import (
    MARK,
    NAME,
    OTHER,
    PERSON,
    PLATFORM,
    ask_for_erasure,
    bystander,
    places_of_mark,
    plant,
)
from tests.flow_fixtures import run_step, running_world
from tests.jobs_fixtures import rows
from tests.profiles_fixtures import raw_profile

COLUMNS = """
select c.table_name::text, c.column_name::text
from information_schema.columns c
join information_schema.tables t using (table_schema, table_name)
where c.table_schema = 'public' and t.table_type = 'BASE TABLE'
"""


@pytest.fixture
async def world(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url) as built:
        yield built


async def erase(world: World, erasure_id: str) -> None:
    await run_step(world, ErasePerson(erasure_id=erasure_id))


async def test_every_table_and_column_has_its_place_in_the_inventory(db: Database) -> None:
    there = {(table, column) for table, column in await rows(db, COLUMNS)}
    told = {(table, c) for table, kept in INVENTORY.items() for c in kept.personal | kept.other}
    assert there - told == set(), "say in erasures/inventory_plan.py what an erasure does to these"
    assert told - there == set(), "these are gone"
    twice = {table for table, kept in INVENTORY.items() if kept.personal & kept.other}
    assert not twice


def test_what_the_inventory_promises_is_done_by_some_room() -> None:
    assert set(erasing.SHARES) == set(persons.SHARES)
    shares: dict[str, bool] = {}
    for share in erasing.SHARES:
        shares |= share.tables
    with_images = {"image_objects"}  # given up with the rows of `images`
    erased = {t for t, kept in INVENTORY.items() if kept.treatment in ("removed", "blanked")}
    searched = {t for t, kept in INVENTORY.items() if kept.treatment == "searched"}
    assert {table for table, gone in shares.items() if gone} == (erased | searched) - with_images
    readable = {table for share in erasing.SHARES for table in share.readable}
    texts_and_logs = {"llm_texts", "llm_flights", "crawl_steps", "imports", "host_reports"}
    assert readable == (erased | searched) - with_images - texts_and_logs


async def test_what_was_planted_is_nowhere_afterwards(world: World, db: Database) -> None:
    data_dir = world.settings.data_dir
    await plant(world)
    before = await places_of_mark(db, data_dir)
    assert len(before) >= 22, before
    objects = [path for path in (data_dir / "objects").rglob("*") if path.is_file()]
    assert len(objects) == 1
    erasure_id = await ask_for_erasure(world)
    await erase(world, erasure_id)
    assert await places_of_mark(db, data_dir) == []
    assert not [path for path in (data_dir / "objects").rglob("*") if path.is_file()]
    assert await rows(db, "select platform_id from profiles_raw") == [(OTHER,)]
    log = (data_dir / "logs/worker.log").read_text().splitlines()
    assert (log[0], set(log[1]), log[2]) == ('{"event": "a"}', {"*"}, '{"event": "c"}')
    done = await erasures.get(db, UUID(erasure_id))
    assert done.state == "done"
    assert done.target is None
    assert done.removed["messages"] == 2
    assert done.removed["pictures"] == 1
    assert done.removed["imported files"] == 1
    assert done.removed["lines of logs"] == 3
    assert all(count >= 1 for count in done.removed.values())
    kept = await rows(db, "select platform_id, body, state, step from messages order by step")
    stays = f"erased:{done.hash}"
    assert kept == [(stays, "", "sent", 0), (stays, "", "cancelled", 1)]


async def test_a_killed_erasure_goes_on_and_counts_once(
    world: World, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plant(world)
    erasure_id = await ask_for_erasure(world)
    real = erasing.SHARES
    for place in range(len(real)):
        killing = (*real[:place], Killing(), *real[place:])
        monkeypatch.setattr(erasing, "SHARES", killing)
        with pytest.raises(Transient, match="killed"):
            await erase(world, erasure_id)
    monkeypatch.setattr(erasing, "SHARES", real)
    await erase(world, erasure_id)
    assert await places_of_mark(db, world.settings.data_dir) == []
    done = await erasures.get(db, UUID(erasure_id))
    assert (done.removed["messages"], done.removed["llm_scores"], done.removed["jobs"]) == (2, 1, 1)


class Killing(Share):
    """A share at which the process dies."""

    def __init__(self) -> None:
        super().__init__(Queries(frozenset(), frozenset(), {}))

    async def erase(self, *_: object, **__: object) -> dict[str, int]:
        """Die."""
        raise Transient("killed")


async def test_they_stay_out_of_everything(world: World, db: Database) -> None:
    await plant(world)
    await erase(world, await ask_for_erasure(world))
    again = raw_profile(1, platform_id=PERSON, username=NAME)
    stored = await intake.take_in(
        db, [again, bystander()], now=utc_now(), campaign_id=None, job_id=None
    )
    assert (stored.left_out, stored.unchanged) == (1, 1)
    for statement in (
        "insert into profiles_raw (platform, platform_id, username, payload, content_hash)"
        " values (:platform, :person, 'u', '{}', 'h')",
        "insert into messages (campaign_id, platform, platform_id, username, body, body_hash)"
        " values (1, :platform, :person, 'u', 'b', 'h')",
        "insert into feedback_events (source, event_id, kind, platform, platform_id, occurred_at)"
        " values ('s', 'e', 'replied', :platform, :person, now())",
        "insert into suppressions (platform, platform_id, reason, source)"
        " values (:platform, :person, 'r', 's')",
    ):
        query = Query("write", statement)
        assert await db.execute(query, platform=PLATFORM, person=PERSON) == 0, statement
        assert await db.execute(query, platform=PLATFORM, person="syn:third") == 1, statement
    page = Query("page", "insert into web_pages (url, reading) values (:url, '{}')")
    await ask_web(db, "https://a.example/me")
    assert await db.execute(page, url="https://a.example/me") == 0
    assert await places_of_mark(db, world.settings.data_dir) == []


async def ask_web(db: Database, url: str) -> None:
    async with db.transaction() as tx:
        await erasures.ask(tx, platform="web", platform_id=url, erasure_id=uuid4(), now=utc_now())


async def test_who_was_writing_when_it_was_asked_for_is_waited_for(
    world: World, db: Database
) -> None:
    async with db.transaction() as tx:
        # It has begun to write, and does not know of the erasure yet.
        await tx.execute(
            Query(
                "write",
                "insert into profiles_raw (platform, platform_id, username, payload, content_hash)"
                " values (:platform, :person, :name, '{}', 'h')",
            ),
            platform=PLATFORM,
            person=PERSON,
            name=NAME,
        )
        erasure_id = await ask_for_erasure(world)
        with pytest.raises(Snooze, match="being written"):
            await erase(world, erasure_id)
    await erase(world, erasure_id)
    assert await places_of_mark(db, world.settings.data_dir) == []


async def test_what_is_about_them_ends_first(world: World, db: Database) -> None:
    await plant(world)
    seed = CrawlSeed(platform=PLATFORM, seed_type="followers", seed_value=NAME)
    async with db.transaction() as tx:
        (job_id,) = await jobs.enqueue(tx, [NewJob(seed)], now=utc_now())
    on_the_wire = "update messages set state = :state where step = 0"
    await db.execute(Query("send", on_the_wire), state="sending")
    erasure_id = await ask_for_erasure(world)
    with pytest.raises(Snooze, match="on the wire"):
        await erase(world, erasure_id)
    assert (await jobs.get_job(db, job_id)).state == "cancelled"
    waiting = await erasures.get(db, UUID(erasure_id))
    assert waiting.waits_for == "a message to them is on the wire"
    await db.execute(Query("send", on_the_wire), state="sent")
    await db.execute(Query("log", "update crawl_steps set job_id = :id"), id=job_id)
    await db.execute(Query("run", "update jobs set state = 'running' where id = :id"), id=job_id)
    with pytest.raises(Snooze, match="crawl"):
        await erase(world, erasure_id)
    await db.execute(Query("run", "update jobs set state = 'cancelled' where id = :id"), id=job_id)
    await erase(world, erasure_id)
    assert await places_of_mark(db, world.settings.data_dir) == []


async def test_words_of_others_are_told_and_left(world: World, db: Database) -> None:
    await plant(world)
    brief = Query("brief", "update campaigns set brief = 'as good as @' || :name")
    await db.execute(brief, name=NAME)
    erasure_id = await ask_for_erasure(world)
    await erase(world, erasure_id)
    assert (await erasures.get(db, UUID(erasure_id))).mentions == {"campaigns": 1}


async def test_an_export_holds_what_an_erasure_removes(world: World, db: Database) -> None:
    await plant(world)
    given = await persons.export_person(deps(db, objects=world.objects), PLATFORM, PERSON)
    erasure_id = await ask_for_erasure(world)
    await erase(world, erasure_id)
    removed = (await erasures.get(db, UUID(erasure_id))).removed
    unread = {"llm_texts", "llm_flights", "crawl_steps", "imports", "host_reports"}
    files = {"pictures", "imported files", "lines of logs"}
    held = {table for table, export in given.tables.items() if export.rows}
    assert held == removed.keys() - unread - files
    (recording,) = given.tables["llm_recordings"].rows
    assert MARK in str(recording["asked"])
    assert MARK in str(recording["answered"])
    assert len(given.pictures) == 1
    assert not given.erased
    after = await persons.export_person(deps(db, objects=world.objects), PLATFORM, PERSON)
    assert after.erased
    assert not any(export.rows for export in after.tables.values())
    other = await persons.export_person(deps(db, objects=world.objects), PLATFORM, OTHER)
    assert [t for t, export in other.tables.items() if export.rows] == [
        "profiles_raw", "profile_features", "discoveries",
    ]  # fmt: skip
