"""Fetching strangers' pictures: bounded, checked, and never the profile's undoing."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Generator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from omni.base.errors import Rejected, Transient
from omni.connectors.http import HttpClient
from omni.connectors.synthetic.source import SyntheticSource
from omni.flow.pictures import WebGallery
from omni.profiles import image_store as store
from omni.profiles.image_work import Brought, store_images
from omni.profiles.types import FetchedImages, Seen
from omni.profiles.work import store_batch
from omni.storage.db import Database
from omni.storage.objects import Objects
from omni.storage.sql import Query
from tests.profiles_fixtures import NOW, raw_profile
from tests.synthetic_fixtures import break_network, quick_client, running_network


@pytest.fixture
def url(tmp_path: Path) -> Generator[str]:
    with running_network(tmp_path / "network.sqlite") as base:
        yield base


@pytest.fixture
async def http() -> AsyncGenerator[HttpClient]:
    async with quick_client() as client:
        yield client


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects")


async def write(db: Database, *image_urls: str, number: int = 1, **changes: str) -> int:
    profile = raw_profile(number, image_urls=image_urls, **changes)
    async with db.transaction() as tx:
        batch = await store_batch(tx, [profile], now=NOW, campaign_id=None, job_id=None)
    return (batch.new + batch.changed)[0]


class Gallery:
    """Serves bytes by URL, counts the requests, and how many come at the same time."""

    def __init__(self, pictures: dict[str, bytes | Exception]) -> None:
        self.pictures, self.asked = pictures, list[str]()
        self.now = self.most = 0

    async def bring(self, url: str, seen: Seen, *, max_bytes: int) -> Brought:
        self.asked.append(url)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        found = self.pictures.get(url, Rejected("404"))
        if isinstance(found, Exception):
            raise found
        mark = Seen(etag=f'"{zlib.crc32(found)}"')
        return Brought(None if seen == mark else found, mark)


def png(shade: int) -> bytes:
    out = BytesIO()
    Image.new("RGB", (4, 4), (shade, 0, 0)).save(out, "PNG")
    return out.getvalue()


async def test_pictures_come_from_the_network_into_the_storage(
    db: Database, objects: Objects, url: str, http: HttpClient
) -> None:
    found = await SyntheticSource(http, url).fetch([f"syn:{n}" for n in range(20)])
    async with db.transaction() as tx:
        batch = await store_batch(tx, found, now=NOW, campaign_id=None, job_id=None)
    shown = sum(len(p.image_urls) for p in found if p.discoverable)
    assert (await store_images(db, objects, WebGallery(http), batch.new)).kept == shown
    held = await store.images_of(db, batch.new)
    assert sum(map(len, held.values())) == shown
    for images in held.values():
        assert [image.position for image in images] == list(range(len(images)))
        for image in images:
            kept = await store.find_shown(db, image.sha256)
            data = await objects.get(image.sha256, copy=kept.copy)
            assert (len(data), image.content_type) == (image.bytes, "image/webp")
    break_network(url, path="/pictures", times=1_000)
    assert (await store_images(db, objects, WebGallery(http), batch.new)).kept == 0, (
        "nothing is fetched again"
    )


async def test_a_bad_picture_never_fails_the_profile(db: Database, objects: Objects) -> None:
    gallery = Gallery(
        {
            "https://a.example/1": b"<html>404</html>",
            "https://a.example/2": Transient("the host is down"),
            "https://a.example/3": png(1),
        }
    )
    one = await write(db, *gallery.pictures)
    assert await store_images(db, objects, gallery, [one]) == FetchedImages(1, 1, (one,))
    (image,) = (await store.images_of(db, [one]))[one]
    assert (image.position, image.url) == (2, "https://a.example/3")


async def test_changed_pictures_replace_and_missing_ones_are_forgotten(
    db: Database, objects: Objects
) -> None:
    gallery = Gallery({f"https://a.example/{n}": png(n) for n in range(4)})
    one = await write(db, "https://a.example/0", "https://a.example/1", "https://a.example/2")
    assert (await store_images(db, objects, gallery, [one])).kept == 3
    assert await write(db, "https://a.example/0", "https://a.example/3") == one
    gallery.asked.clear()
    assert (await store_images(db, objects, gallery, [one])).kept == 1
    assert gallery.asked == ["https://a.example/3"]
    held = (await store.images_of(db, [one]))[one]
    assert [image.url for image in held] == ["https://a.example/0", "https://a.example/3"]
    await write(db)
    await store_images(db, objects, gallery, [one])
    assert await store.images_of(db, [one]) == {}


async def test_requests_at_a_time_are_bounded(db: Database, objects: Objects) -> None:
    gallery = Gallery({f"https://a.example/{n}": png(n % 250) for n in range(60)})
    people = [await write(db, f"https://a.example/{n}", number=n) for n in range(60)]
    assert (await store_images(db, objects, gallery, people)).kept == 60
    assert 2 <= gallery.most <= 8


async def test_people_who_were_erased_meanwhile_get_no_pictures(
    db: Database, objects: Objects
) -> None:
    assert (await store_images(db, objects, Gallery({}), [999])).kept == 0
    assert (await store_images(db, objects, Gallery({}), [])).kept == 0


async def ask_again(db: Database) -> None:
    """Let a long time pass since the pictures were asked for."""
    old = "update images set fetched_at = fetched_at - interval '8 days' returning profile_id"
    await db.fetch(Query("old", old))


async def test_a_picture_is_asked_for_again_only_if_it_has_changed(
    db: Database, objects: Objects
) -> None:
    url = "https://a.example/1.png"
    gallery = Gallery({url: png(1)})
    one = await write(db, url)
    assert await store_images(db, objects, gallery, [one]) == FetchedImages(1, 0, ())
    assert await store_images(db, objects, gallery, [one]) == FetchedImages(0, 0, ())
    await ask_again(db)
    assert await store_images(db, objects, gallery, [one]) == FetchedImages(0, 0, (), same=1)
    assert len(gallery.asked) == 2
    gallery.pictures[url] = png(200)
    before = (await store.images_of(db, [one]))[one][0].sha256
    await ask_again(db)
    assert (await store_images(db, objects, gallery, [one])).kept == 1
    assert (await store.images_of(db, [one]))[one][0].sha256 != before


async def test_an_address_that_expires_is_the_same_picture(db: Database, objects: Objects) -> None:
    base = "https://a.example/1.png?size=2"
    first, second = f"{base}&X-Amz-Signature=one", f"{base}&X-Amz-Signature=two"
    gallery = Gallery({first: png(1), second: png(1)})
    one = await write(db, first)
    assert (await store_images(db, objects, gallery, [one])).kept == 1
    await write(db, second, number=1, bio="Changed.")
    assert (await store_images(db, objects, gallery, [one])).kept == 0
    assert gallery.asked == [first]
    await ask_again(db)
    assert (await store_images(db, objects, gallery, [one])).same == 1
    assert (await store.images_of(db, [one]))[one][0].url == second


async def test_the_same_picture_is_stored_once(
    db: Database, objects: Objects, tmp_path: Path
) -> None:
    gallery = Gallery({f"https://a.example/{n}": png(7) for n in range(10)})
    people = [await write(db, f"https://a.example/{n}", number=n) for n in range(10)]
    assert (await store_images(db, objects, gallery, people)).kept == 10
    assert len([f for f in (tmp_path / "objects").rglob("*") if f.is_file()]) == 1
