"""Pictures and freshness over the API: a picture is a picture, whatever was put in."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from omni.api.app import create_api
from omni.profiles import image_store, refresh_work
from omni.profiles.image_work import keep
from omni.profiles.images import remake
from omni.profiles.types import Seen, StoredImage
from omni.profiles.work import store_batch
from omni.storage.db import Database
from omni.storage.objects import Objects
from tests.api_fixtures import deps, problem, served, serving
from tests.jobs_fixtures import rows
from tests.profiles_fixtures import NOW, raw_profile


async def add_person(db: Database) -> int:
    async with db.transaction() as tx:
        found = await store_batch(tx, [raw_profile(1)], now=NOW, campaign_id=None, job_id=None)
    await refresh_work.note_interest(db, {found.new[0]: 25.0}, now=NOW)
    return found.new[0]


async def add_picture(db: Database, objects: Objects, who: int) -> str:
    out = BytesIO()
    Image.new("RGB", (4, 4), (1, 2, 3)).save(out, "PNG")
    picture = remake(out.getvalue())
    sha256, copy = await keep(db, objects, picture.data, picture.content_type, now=NOW)
    image = StoredImage(who, 0, "https://a.example/1", sha256, picture.content_type, 9)
    assert await image_store.put_images(db, [(image, Seen(), copy)], now=NOW) == 1
    return sha256


async def test_a_picture_is_given_as_nothing_else(db: Database, tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    who = await add_person(db)
    sha256 = await add_picture(db, objects, who)
    async with (
        serving(create_api(deps(db, objects=objects))) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        answer = await http.get(f"/images/{sha256}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/webp"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert "immutable" in answer.headers["cache-control"]
        assert Image.open(BytesIO(answer.content)).size == (4, 4)
        assert (await http.get(f"/avatars?profile_id={who}&profile_id=9999")).json() == {
            str(who): sha256
        }
        for wrong in ("../../etc/passwd", "A" * 64, "0" * 63, f"{sha256}.html"):
            assert (await http.get(f"/images/{wrong}")).status_code in (404, 422)
        problem(await http.get(f"/images/{'0' * 64}"), 404)
        await rows(db, "delete from profiles_raw returning 1")
        problem(await http.get(f"/images/{sha256}"), 404)


async def test_how_current_a_person_is(db: Database) -> None:
    who = await add_person(db)
    async with served(db) as api:
        person = await api.client.person(who)
        assert (person.interest, person.changes_every_days) == ("lead", None)
        assert (person.last_seen, person.images) == (NOW, [])
        taken = await refresh_work.choose(db, "synthetic", now=NOW + timedelta(days=99), limit=1)
        async with db.transaction() as tx:
            again = NOW + timedelta(days=50)
            await store_batch(tx, [raw_profile(1)], now=again, campaign_id=None, job_id=None)
        await refresh_work.record(db, taken, {who: 25.0}, now=again)
        person = await api.client.person(who)
        assert person.changes_every_days is not None
        assert person.changes_every_days > 14
        problem(await api.http.get("/profiles/9999"), 404)


async def test_how_fresh_profiles_are(db: Database) -> None:
    await add_person(db)
    async with served(db) as api:
        assert (await api.client.refresh()).platforms == []
        await refresh_work.review(db, {"synthetic": 30}, people=10, now=NOW)
        told = await api.client.refresh()
    assert {each.interest: (each.people, each.hour) for each in told.freshness} == {
        "lead": (1, 1), "candidate": (0, 0), "stranger": (0, 0),
    }  # fmt: skip
    (platform,) = told.platforms
    assert (platform.platform, platform.people, platform.budget) == ("synthetic", 1, 30)
    assert platform.next_due is not None


@pytest.mark.parametrize("query", ["", "?profile_id=x", "?" + "&".join(["profile_id=1"] * 201)])
async def test_avatars_are_asked_for_a_bounded_number_of_people(db: Database, query: str) -> None:
    async with served(db) as api:
        problem(await api.http.get(f"/avatars{query}"), 422)
