"""Pictures are fetched beside the walk, within a time, and tried again when they did not come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from omni.base.errors import NotFound, Rejected, Transient
from omni.connectors.fetched import Fetched, Validators
from omni.flow import pictures
from omni.flow.follow import IMAGES_AGAIN
from omni.flow.world import World
from omni.jobs.types import CrawlRefresh, FetchImages
from omni.profiles import image_store, image_work, refresh_work
from omni.profiles.types import Seen, StoredImage
from omni.profiles.work import store_batch
from omni.storage.db import Database
from tests.flow_fixtures import AnsweringSource, run_step, running_world
from tests.jobs_fixtures import rows
from tests.profiles_fixtures import NOW, raw_profile

HELD = "select profile_id from images order by 1"


class Host:
    """A host of pictures: up, down, without them, or silent."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.hangs = False

    async def get(
        self,
        url: str,
        *,
        accept: str = "*/*",
        max_bytes: int | None = None,
        validators: Validators | None = None,
    ) -> Fetched:
        if self.hangs:
            await asyncio.sleep(3_600)
        if self.fault is not None:
            raise self.fault
        out = BytesIO()
        Image.new("RGB", (4, 4)).save(out, "PNG")
        return Fetched("ok", url, {}, out.getvalue(), Validators(), "image/png", None)


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def world(
    tmp_path: Path, database_url: str, valkey_url: str, host: Host
) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url, http=host) as built:
        yield built


async def add_person(db: Database) -> int:
    async with db.transaction() as tx:
        found = await store_batch(tx, [raw_profile(1)], now=NOW, campaign_id=None, job_id=None)
    await refresh_work.note_interest(db, dict.fromkeys(found.new, 1.0), now=NOW)
    return found.new[0]


async def test_a_walk_asks_for_the_pictures_and_does_not_wait_for_them(
    db: Database, world: World, host: Host
) -> None:
    host.hangs = True
    person = await add_person(db)
    changed = raw_profile(1, bio="Now a sculptor.")
    source = AnsweringSource("synthetic", lambda _: [changed])
    async with asyncio.timeout(30):
        await run_step(replace(world, sources={"synthetic": source}), CrawlRefresh())
    asked = await rows(db, "select args from jobs where kind = 'images.fetch'")
    assert asked == [({"profile_ids": [person], "again": 0},)]


@pytest.mark.parametrize("how", ["down", "hangs"])
async def test_pictures_that_did_not_come_are_tried_again(
    db: Database, world: World, host: Host, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "IMAGES_S", 0.2)
    person = await add_person(db)
    host.fault, host.hangs = (Transient("503") if how == "down" else None), how == "hangs"
    failed = await run_step(world, FetchImages(profile_ids=(person,)))
    (again,) = failed.follow_ups
    assert again.args == FetchImages(profile_ids=(person,), again=1)
    assert again.key is not None
    assert isinstance(again.run_at, datetime)
    assert await rows(db, HELD) == []
    host.fault, host.hangs = None, False
    monkeypatch.setattr(pictures, "IMAGES_S", 30.0)
    assert (await run_step(world, again.args)).follow_ups == ()
    assert await rows(db, HELD) == [(person,)]


@pytest.mark.parametrize("fault", [Rejected("400"), NotFound("404")])
async def test_pictures_that_are_refused_are_not_tried_again(
    db: Database, world: World, host: Host, fault: Exception
) -> None:
    host.fault = fault
    done = await run_step(world, FetchImages(profile_ids=(await add_person(db),)))
    assert (done.result["refused"], done.follow_ups) == (1, ())


async def test_the_tries_are_bounded(db: Database, world: World, host: Host) -> None:
    host.fault = Transient("503")
    args, tries = FetchImages(profile_ids=(await add_person(db),)), 1
    while follow_ups := (await run_step(world, args)).follow_ups:
        (again,) = follow_ups
        assert isinstance(again.args, FetchImages)
        args, tries = again.args, tries + 1
    assert tries == 1 + len(IMAGES_AGAIN)
    assert tuple(sorted(IMAGES_AGAIN)) == IMAGES_AGAIN, "later each time"


@pytest.mark.parametrize("leaves", ["hides", "is gone"])
async def test_who_leaves_shows_no_picture_any_more_and_none_that_comes_late(
    db: Database, world: World, leaves: str
) -> None:
    person = await add_person(db)
    await run_step(world, FetchImages(profile_ids=(person,)))
    assert await rows(db, HELD) == [(person,)]
    held = (await image_store.shown_images(db, [person]))[0]
    stays = raw_profile(2)
    hidden = raw_profile(1, discoverable=False)
    answer = [stays, hidden] if leaves == "hides" else [stays]
    source = AnsweringSource("synthetic", lambda _: answer)
    await run_step(replace(world, sources={"synthetic": source}), CrawlRefresh())
    assert await rows(db, HELD) == []
    sha256, copy = await image_work.keep(db, world.objects, b"late", "image/webp", now=NOW)
    late = StoredImage(person, 0, held.url, sha256, "image/webp", 4)
    assert await image_store.put_images(db, [(late, Seen(), copy)], now=NOW) == 0
    assert await rows(db, HELD) == []
