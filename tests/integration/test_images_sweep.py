"""Objects that nobody shows are removed, and those that somebody shows never are."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from omni.base.errors import NotFound
from omni.profiles import image_store as store
from omni.profiles import image_work
from omni.profiles.image_work import REMOVED_AFTER, UNUSED_FOR, keep, sweep
from omni.profiles.types import Seen, StoredImage
from omni.profiles.work import store_batch
from omni.storage.db import Database
from omni.storage.objects import Objects
from tests.jobs_fixtures import rows
from tests.profiles_fixtures import NOW, raw_profile

LATER = NOW + UNUSED_FOR + timedelta(minutes=1)
REMOVAL = LATER + REMOVED_AFTER + timedelta(minutes=1)


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects")


def files(folder: Path) -> int:
    return len([path for path in (folder / "objects").rglob("*") if path.is_file()])


async def person(db: Database, number: int = 1) -> int:
    profile = raw_profile(number)
    async with db.transaction() as tx:
        found = await store_batch(tx, [profile], now=NOW, campaign_id=None, job_id=None)
    return found.new[0]


async def show(
    db: Database, objects: Objects, who: int, data: bytes, now: datetime, position: int = 0
) -> str | None:
    """Keep a picture and record it; None if it was given up in between."""
    sha256, copy = await keep(db, objects, data, "image/webp", now=now)
    image = StoredImage(who, position, "https://a.example/1", sha256, "image/webp", len(data))
    written = await store.put_images(db, [(image, Seen(), copy)], now=now)
    return sha256 if written else None


async def test_what_nobody_shows_is_removed_after_a_while(
    db: Database, objects: Objects, tmp_path: Path
) -> None:
    one, two = await person(db, 1), await person(db, 2)
    shared = await show(db, objects, one, b"shared", NOW)
    assert await show(db, objects, two, b"shared", NOW) == shared
    await show(db, objects, one, b"her own", NOW, position=1)
    assert await sweep(db, objects, now=LATER) == (0, 0)
    await rows(db, "delete from profiles_raw where profile_id = :one returning 1", one=one)
    assert await sweep(db, objects, now=LATER) == (1, 0)
    assert files(tmp_path) == 2, "who reads it still may"
    assert await sweep(db, objects, now=REMOVAL) == (0, 1)
    assert files(tmp_path) == 1
    assert shared is not None
    assert (await store.find_shown(db, shared)).bytes == 6
    await rows(db, "delete from images returning 1")
    with pytest.raises(NotFound):
        await store.find_shown(db, shared)


async def test_a_writer_who_died_leaves_nothing_for_ever(
    db: Database, objects: Objects, tmp_path: Path
) -> None:
    await keep(db, objects, b"put, and never recorded", "image/webp", now=NOW)
    await store.keep_object(db, "0" * 64, copy="a1", content_type="x", size=1, now=NOW)
    assert await sweep(db, objects, now=NOW) == (0, 0), "its writer may still be at it"
    assert await sweep(db, objects, now=LATER) == (2, 0)
    assert await sweep(db, objects, now=REMOVAL) == (0, 2), "the bytes that are not there too"
    assert (files(tmp_path), await rows(db, "select 1 from image_objects")) == (0, [])


async def test_a_sweep_that_died_is_finished_by_the_next(
    db: Database, objects: Objects, tmp_path: Path
) -> None:
    sha256, copy = await keep(db, objects, b"given up", "image/webp", now=NOW)
    await sweep(db, objects, now=LATER)
    await objects.delete(sha256, copy=copy)  # and then it was killed
    assert await sweep(db, objects, now=REMOVAL) == (0, 1)
    assert await rows(db, "select 1 from image_objects") == []


async def test_what_was_given_up_is_never_taken_up(
    db: Database, objects: Objects, tmp_path: Path
) -> None:
    """The bytes come back while the sweep is between giving up and removing."""
    who = await person(db)
    _, old = await keep(db, objects, b"back again", "image/webp", now=NOW)
    await sweep(db, objects, now=LATER)
    sha256 = await show(db, objects, who, b"back again", LATER)
    assert sha256 is not None
    assert await sweep(db, objects, now=REMOVAL) == (0, 1)
    held = await store.find_shown(db, sha256)
    assert held.copy != old
    assert await objects.get(sha256, copy=held.copy) == b"back again"


async def test_a_writer_who_took_too_long_records_nothing(db: Database, objects: Objects) -> None:
    who = await person(db)
    sha256, copy = await keep(db, objects, b"slow", "image/webp", now=NOW)
    await sweep(db, objects, now=LATER)
    image = StoredImage(who, 0, "https://a.example/1", sha256, "image/webp", 4)
    assert await store.put_images(db, [(image, Seen(), copy)], now=LATER) == 0


async def test_a_walk_goes_through_everything_in_stretches(
    db: Database, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_work, "SWEEP", 3)
    for n in range(10):
        await keep(db, objects, f"object {n}".encode(), "image/webp", now=NOW)
    swept = [await sweep(db, objects, now=LATER) for _ in range(4)]
    assert sum(given_up for given_up, _ in swept) == 10
    assert max(given_up for given_up, _ in swept) == 3


async def test_writers_and_sweeps_at_once_never_lose_a_shown_picture(
    db: Database, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few pictures, many hands, and no time to wait for: every shown one can always be read."""
    monkeypatch.setattr(image_work, "UNUSED_FOR", timedelta(0))
    monkeypatch.setattr(image_work, "REMOVED_AFTER", timedelta(0))
    people = [await person(db, n) for n in range(6)]
    pictures = [f"picture {n}".encode() for n in range(3)]
    moment = [NOW]

    def tick() -> datetime:
        moment[0] += timedelta(seconds=1)
        return moment[0]

    async def write(seed: int) -> int:
        rng, recorded = Random(seed), 0
        for _ in range(40):
            who, data = rng.choice(people), rng.choice(pictures)
            if rng.random() < 0.5:
                await rows(db, "delete from images where profile_id = :w returning 1", w=who)
            elif await show(db, objects, who, data, tick()):
                recorded += 1
        return recorded

    async def collect(done: asyncio.Event) -> int:
        removed = 0
        while not done.is_set():
            removed += (await sweep(db, objects, now=tick()))[1]
        return removed

    done = asyncio.Event()
    sweeping = asyncio.create_task(collect(done))
    recorded = await asyncio.gather(*(write(seed) for seed in range(4)))
    done.set()
    assert await sweeping > 0
    assert sum(recorded) > 0
    for who, images in (await store.images_of(db, people)).items():
        for image in images:
            held = await store.find_shown(db, image.sha256)
            assert await objects.get(image.sha256, copy=held.copy) in pictures, who
