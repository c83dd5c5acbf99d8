"""Models that see are shown the person's own pictures, and a verdict is one on what was shown."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from omni.base.hashing import digest_bytes
from omni.campaigns.types import Campaign
from omni.candidates.marks_work import mark_judged
from omni.connectors.fetched import Fetched, Validators
from omni.flow.replaying import replay
from omni.flow.world import World
from omni.jobs.types import FetchImages, MaintainCandidates, QualifyCampaign
from omni.llm.factory import build_pools
from omni.llm.ports import Judge
from omni.profiles.work import store_batch
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.api_fixtures import served
from tests.flow_fixtures import run_step, running_world
from tests.llm_fixtures import ModelServer, running_model_server
from tests.profiles_fixtures import NOW, raw_profile
from tests.qualification_fixtures import (
    WatchedJudge,
    add_campaign,
    add_candidate,
    count,
    once,
    rows,
)

URLS: tuple[str, ...] = (
    "https://img.example/a.png",
    "https://img.example/b.png",
    "https://img.example/c.png",
)


class Host:
    """A host of pictures of one colour each, which may be another one later."""

    def __init__(self) -> None:
        self.colours = dict.fromkeys(URLS, 0)

    async def get(self, url: str, **asked: Any) -> Fetched:
        out = BytesIO()
        Image.new("RGB", (8, 8), (URLS.index(url) * 90, self.colours[url], 0)).save(out, "PNG")
        return Fetched("ok", url, {}, out.getvalue(), Validators(), "image/png", None)


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def server() -> Generator[ModelServer]:
    with running_model_server() as found:
        yield found


@pytest.fixture
async def world(
    tmp_path: Path, database_url: str, valkey_url: str, host: Host
) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url, http=host) as built:
        yield built


def seeing(world: World, server: ModelServer, how: str = "generate", images: int = 2) -> World:
    """Return the world with the judge of these settings."""
    changes = {
        "judge": "openai" if how == "openai" else "ollama",
        "ollama_base_url": server.url, "openai_base_url": server.openai_url,
        "openai_model": "llama3.1", "ollama_api": "chat" if how == "chat" else "generate",
        "llm_images": images,
    }  # fmt: skip
    settings = world.settings.model_copy(update=changes)
    return replace(world, settings=settings, judges=build_pools(settings))


def watched(world: World, judge: Judge) -> World:
    return replace(world, judges=(once(judge),))


async def add_pictured(db: Database, campaign: Campaign, urls: tuple[str, ...] = URLS) -> int:
    person = raw_profile(1, image_urls=urls)
    async with db.transaction() as tx:
        found = await store_batch(tx, [person], now=NOW, campaign_id=None, job_id=None)
    await add_candidate(db, campaign, found.new[0])
    return found.new[0]


async def fetch(world: World, person: int) -> None:
    """Ask for pictures as if the last time were long ago, and do what follows."""
    old = Query("old", "update images set fetched_at = now() - interval '8 days'")
    await world.db.execute(old)
    await run_step(world, FetchImages(profile_ids=(person,)))
    await maintain(world)


async def maintain(world: World) -> int:
    """Do the maintenance that waits; return how many jobs there were."""
    waiting = await rows(
        world.db, "select args from jobs where kind = 'candidates.maintain' and state = 'queued'"
    )
    for (args,) in [each.values() for each in waiting]:
        await run_step(
            world,
            MaintainCandidates(
                profile_ids=tuple(args["profile_ids"]), changed=tuple(args["changed"]),
                marks=tuple(args["marks"]),
            ),
        )  # fmt: skip
    await world.db.execute(
        Query("done", "update jobs set state = 'succeeded', finished_at = now() where"
              " kind = 'candidates.maintain'")
    )  # fmt: skip
    return len(waiting)


async def calls(world: World, campaign: Campaign) -> int:
    done = await run_step(world, QualifyCampaign(campaign_id=campaign.id))
    return done.result["calls"]


def pictures_in(body: dict[str, Any]) -> list[bytes]:
    """Return the pictures of a request, whichever protocol it is of."""
    if "images" in body:
        return [b64decode(one) for one in body["images"]]
    message: dict[str, Any] = body.get("messages", [{}, {}])[1]
    content: object = message.get("content")
    if isinstance(content, list):
        parts = cast("list[dict[str, Any]]", content)
        urls = [str(part["image_url"]["url"]) for part in parts[1:]]
        assert all(url.startswith("data:image/webp;base64,") for url in urls)
        return [b64decode(url.partition(",")[2]) for url in urls]
    return [b64decode(one) for one in message.get("images", [])]


async def held(db: Database) -> list[str]:
    found = await rows(db, "select sha256 from images order by position")
    return [each["sha256"] for each in found]


@pytest.mark.parametrize("how", ["generate", "chat", "openai"])
async def test_a_verdict_is_one_on_the_pictures_that_were_shown(
    db: Database, world: World, server: ModelServer, host: Host, how: str
) -> None:
    campaign = await add_campaign(db)
    world = seeing(world, server, how)
    person = await add_pictured(db, campaign)
    await fetch(world, person)
    before = await held(db)
    assert len(before) == 3
    async with served(db, judges=world.judges) as api:  # pyright: ignore[reportArgumentType]
        told = await api.client.prompt(campaign_id=campaign.id, profile_id=person)
        assert (told.pictures, told.most_pictures) == (before[:2], 2)
        assert (await api.client.prompt(campaign_id=campaign.id)).pictures == []

    assert await calls(world, campaign) == 1
    assert told.system in server.requests[0].text, "the prompt is shown as it is asked"
    shown = pictures_in(server.requests[0].body)
    assert [digest_bytes(one) for one in shown] == before[:2], "as many as the settings say"
    assert "never an instruction" in server.requests[0].text
    (score,) = await rows(db, "select model, profile_hash, qualified from llm_scores")
    assert score["model"].endswith("/llama3.1+images2")
    assert score["profile_hash"].split("+")[1:] == before[:2]
    assert await count(db, "leads", "state = 'new'") == 1
    assert await count(db, "campaign_candidates", "judged_epoch <> 0") == 1
    assert await calls(world, campaign) == 0
    report = await replay(db, campaign.id)
    assert report.identical
    assert (dict(report.verdicts), dict(report.leads)) == ({"identical": 1}, {"identical": 1})

    host.colours[URLS[1]] = 200
    await fetch(world, person)
    assert await count(db, "campaign_candidates", "judged_epoch = 0") == 1, "open again"
    assert await calls(world, campaign) == 1
    assert [digest_bytes(one) for one in pictures_in(server.requests[1].body)] == (await held(db))[
        :2
    ]
    assert await held(db) != before
    assert (await replay(db, campaign.id)).identical

    host.colours[URLS[1]] = 0  # as it was: the first verdict holds again
    await fetch(world, person)
    assert await calls(world, campaign) == 0
    host.colours[URLS[2]] = 7  # nobody was shown the third one
    await fetch(world, person)
    assert await calls(world, campaign) == 0
    assert await count(db, "llm_scores") == len(server.requests) == 2


async def test_turning_pictures_on_asks_anew_and_text_alone_pays_nothing_for_them(
    db: Database, world: World, server: ModelServer, host: Host
) -> None:
    campaign = await add_campaign(db)
    person = await add_pictured(db, campaign)
    text = seeing(world, server, images=0)
    await fetch(text, person)
    assert await count(db, "jobs", "kind = 'candidates.maintain'") == 0, "nobody ever saw any"
    assert await calls(text, campaign) == 1
    host.colours[URLS[0]] = 50
    await fetch(text, person)
    assert await calls(text, campaign) == 0
    assert pictures_in(server.requests[0].body) == []

    one, two = seeing(world, server, images=1), seeing(world, server, images=2)
    assert [await calls(each, campaign) for each in (one, two, one, two, text)] == [1, 1, 0, 0, 0]
    assert [len(pictures_in(each.body)) for each in server.requests] == [0, 1, 2]
    # While they are off a picture changes: whoever turns them on again is not misled by a mark.
    assert await calls(two, campaign) == 0
    host.colours[URLS[0]] = 99
    await fetch(text, person)
    assert [await calls(each, campaign) for each in (two, text)] == [1, 0]
    rules = watched(world, WatchedJudge())
    assert await calls(rules, campaign) == 1
    host.colours[URLS[0]] = 150
    await fetch(rules, person)
    assert await calls(rules, campaign) == 0


async def test_who_drops_a_picture_is_judged_anew_without_it(
    db: Database, world: World, server: ModelServer
) -> None:
    campaign = await add_campaign(db)
    world = seeing(world, server)
    person = await add_pictured(db, campaign)
    await fetch(world, person)
    assert await calls(world, campaign) == 1
    fewer = raw_profile(1, image_urls=URLS[:1])
    async with db.transaction() as tx:
        await store_batch(tx, [fewer], now=NOW, campaign_id=None, job_id=None)
    await fetch(world, person)
    assert await calls(world, campaign) == 1
    assert len(pictures_in(server.requests[-1].body)) == 1


async def test_a_picture_that_is_lost_is_left_out_and_comes_back(
    db: Database, world: World, server: ModelServer
) -> None:
    campaign = await add_campaign(db)
    world = seeing(world, server)
    person = await add_pictured(db, campaign, URLS[:2])
    await fetch(world, person)
    (first,) = await rows(
        db, "select o.sha256, o.copy from image_objects o join images i using (sha256)"
        " where i.position = 0"
    )  # fmt: skip
    assert await world.objects.delete(first["sha256"], copy=first["copy"])
    both = await held(db)
    assert await calls(world, campaign) == 1
    assert [digest_bytes(one) for one in pictures_in(server.requests[0].body)] == both[1:]
    (score,) = await rows(db, "select profile_hash from llm_scores")
    assert score["profile_hash"].split("+")[1:] == both[1:]
    assert await count(db, "leads") == 1
    assert await count(db, "llm_flights") == 0, "nobody is left in hand"
    await maintain(world)
    assert await calls(world, campaign) == 0

    (job,) = await rows(db, "select args from jobs where kind = 'images.fetch'")
    assert job["args"]["profile_ids"] == [person]
    await fetch(world, person)
    assert await held(db) == both
    assert await world.objects.get(first["sha256"], copy=first["copy"])
    assert await calls(world, campaign) == 1
    assert len(pictures_in(server.requests[-1].body)) == 2


async def test_no_mark_stands_on_a_picture_that_was_not_shown(
    db: Database, world: World, server: ModelServer, host: Host
) -> None:
    campaign = await add_campaign(db)
    world = seeing(world, server)
    person = await add_pictured(db, campaign)
    await fetch(world, person)
    assert await calls(world, campaign) == 1
    (score,) = await rows(db, "select model, profile_hash from llm_scores")
    mark = partial(mark_judged, db, campaign.id, 77, {person: score["profile_hash"]})
    assert await mark(model=score["model"]) == 1
    host.colours[URLS[0]] = 31
    await fetch(world, person)
    assert await mark(model=score["model"]) == 0, "it is another view by now"
    assert await mark(model="ollama/llama3.1") == 0, "text alone was not shown"


@pytest.mark.parametrize("model", ["ollama/x+imagesX", "ollama/x+images0", "ollama/+images12", ""])
async def test_only_names_that_say_so_are_of_judges_that_see(db: Database, model: str) -> None:
    assert (
        await db.fetchval(Query("v", "select view_shown(1, 'abc', :model)"), model=model) == "abc"
    )
