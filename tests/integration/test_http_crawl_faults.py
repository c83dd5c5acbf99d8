"""A whole crawl from a platform that misbehaves: bounded, told, and the rest of it whole."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from omni.base.errors import Transient
from omni.connectors.synthetic.source import SyntheticSource
from omni.flow.world import World
from omni.jobs.types import CrawlConfig, CrawlSeed
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.flow_fixtures import run_step, running_world
from tests.http_fixtures import (
    Act,
    Call,
    ScriptedServer,
    client,
    endless,
    hang,
    reply,
    reset,
    scripted_server,
)

PEOPLE = 500
PAGE = 50
BAD = "syn:120"
"""Whoever asks for this person meets the fault."""
EVERYBODY = Query("everybody", "select count(*) from profiles_raw")


def person(name: str) -> dict[str, Any]:
    return {
        "id": name, "username": name.replace(":", ""), "display_name": None, "bio": "a bio",
        "followers_count": 1, "follows_count": 1, "posts_count": 0,
        "created_at": "2020-01-01T00:00:00Z", "bot": False, "accepts_messages": True,
        "discoverable": True, "pictures": [], "links": [], "posts": [],
    }  # fmt: skip


def listing(last_page: int, then: int | None) -> Act:
    """List people page by page; pages beyond the people begin anew.

    Args:
        last_page: The page behind which the cursor leads to `then`.
        then: None ends the list.
    """

    async def act(call: Call) -> None:
        asked = parse_qs(urlsplit(call.path).query)
        number = int(asked.get("cursor", ["0"])[0])
        start = number * PAGE % PEOPLE
        following = number + 1 if number < last_page else then
        body = {
            "people": [f"syn:{n}" for n in range(start, start + PAGE)],
            "cursor": None if following is None else str(following),
        }
        await reply(body=json.dumps(body).encode())(call)

    return act


def people(fault: Act | None = None) -> Act:
    """Tell of people; whoever asks for `BAD` meets the fault."""

    async def act(call: Call) -> None:
        names = parse_qs(urlsplit(call.path).query)["ids"][0].split(",")
        if fault is not None and BAD in names:
            await fault(call)
            return
        await reply(body=json.dumps({"people": [person(name) for name in names]}).encode())(call)

    return act


@asynccontextmanager
async def crawling(
    server: ScriptedServer, folder: Path, database_url: str, valkey_url: str
) -> AsyncGenerator[World]:
    async with (
        running_world(folder, database_url, valkey_url) as world,
        client(timeout_s=1.0, max_bytes=1_000_000) as http,
    ):
        yield replace(world, http=http, sources={"synthetic": SyntheticSource(http, server.url)})


def everybody(**bounds: int) -> CrawlSeed:
    return CrawlSeed("synthetic", "search", "everybody", CrawlConfig(**bounds))


@pytest.mark.parametrize(
    ("last_page", "then", "pages"),
    [(10_000, None, 40), (9, 0, 40), (3, 3, 40), (9, 4, 40)],
    ids=["ten-thousand-pages", "whole-circle", "on-the-spot", "back-into-the-middle"],
)
async def test_cursors_that_lead_in_circles_end(
    last_page: int, then: int | None, pages: int,
    tmp_path: Path, db: Database, database_url: str, valkey_url: str,
) -> None:  # fmt: skip
    async with scripted_server() as server:
        server.on("/search", listing(last_page, then))
        server.on("/people", people())
        async with crawling(server, tmp_path, database_url, valkey_url) as world:
            result = (
                await run_step(world, everybody(max_profiles=100_000, max_pages=100_000))
            ).result
    found = min(PEOPLE, (last_page + 1) * PAGE)
    assert (result["found"], result["new"]) == (found, found)
    assert server.count("/search") == result["pages"] <= pages
    assert server.count("/people") == found // PAGE
    assert await db.fetchval(EVERYBODY) == found


@pytest.mark.parametrize(
    "fault",
    [
        reply(500), reply(429, b""), reply(429, b"", retry_after="1"), reply(404), reset, hang,
        endless(), reply(body=b"<html>"), reply(body=b'{"people": 7}'),
        reply(body=b"\x1f\x8bnot", content_encoding="gzip"),
        reply(302, location="http://169.254.169.254/latest/"), reply(302, location="/people?ids=x"),
    ],
    ids=[
        "500", "429", "429-wait", "404", "reset", "hang", "endless", "html", "shape", "encoding",
        "metadata", "elsewhere",
    ],
)  # fmt: skip
async def test_what_one_call_suffers_costs_the_rest_of_the_job_nothing(
    fault: Act, tmp_path: Path, db: Database, database_url: str, valkey_url: str
) -> None:
    async with scripted_server() as server:
        server.on("/search", listing(9, None))
        server.on("/people", people(fault))
        async with crawling(server, tmp_path, database_url, valkey_url) as world:
            result = (await run_step(world, everybody(max_profiles=5_000))).result
            (host,) = world.http.metrics()
    assert result["found"] == PEOPLE
    assert result["new"] == await db.fetchval(EVERYBODY) >= PEOPLE - PAGE
    if result["new"] < PEOPLE:
        assert sum(result["left_out"].values()) == PAGE
    if result["failures"]:
        assert result["examples"]
    # Two rounds of three tries. Of one whose kept connection breaks, libcurl itself makes up to
    # five more, for the next kept one may break as well.
    assert server.count("/people") <= 9 + 2 * 3 * 6
    assert host.requests <= 40


async def test_a_platform_that_dies_midway_fails_the_job_and_keeps_what_came(
    tmp_path: Path, db: Database, database_url: str, valkey_url: str
) -> None:
    async with scripted_server() as server:
        server.on("/search", listing(9, None))
        server.on("/people", *[people()] * 5, reset)
        async with crawling(server, tmp_path, database_url, valkey_url) as world:
            with pytest.raises(Transient):
                await run_step(world, everybody(max_profiles=5_000))
    assert await db.fetchval(EVERYBODY) == 5 * PAGE
    # Five calls with three tries each (libcurl repeats some by itself), and whatever ran beside.
    assert server.count("/people") <= 5 + 2 * 3 * 9
