"""The Bluesky source against answers that a healthy AppView does not give."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from omni.base.errors import Rejected, Transient
from omni.connectors.bluesky.reader import Reader
from omni.connectors.bluesky.source import BlueskySource
from omni.connectors.http import HttpClient, RetryPolicy
from omni.connectors.types import Seed
from tests.http_fixtures import ScriptedServer, reply, scripted_server

PAYLOADS = Path(__file__).parent.parent / "data" / "bluesky"
ANA = "did:plc:mkjthy37yvkelsp3c2htrmjk"
NOBODY = reply(400, b'{"error": "InvalidRequest", "message": "Actor not found: nobody.test"}')


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        for file in PAYLOADS.glob("*.json"):
            running.on(f"/xrpc/{file.stem}", reply(body=file.read_bytes()))
        yield running


@pytest.fixture
async def source(server: ScriptedServer) -> AsyncIterator[BlueskySource]:
    quick = RetryPolicy(tries=2, base_s=0.01)
    async with HttpClient(user_agent="Omni-test", loopback=True, policy=quick) as http:
        yield BlueskySource(Reader(http, server.url + "/"), page_size=2)


def seed(kind: str, value: str = "alice.test") -> Seed:
    return Seed("bluesky", kind, value)


async def test_it_asks_as_the_lexicons_say(server: ScriptedServer, source: BlueskySource) -> None:
    page = await source.expand(seed("followers", "@Alice.test"), None)
    assert page.platform_ids == (
        "did:plc:5qpmqh5ltx4ulmyzucnaet7v",
        "did:plc:dz24gx3esipdeagywslxmjfq",
    )
    await source.expand(seed("followers"), page.cursor)
    await source.fetch([ANA, "not a did"])
    assert [call.path for call in server.calls] == [
        "/xrpc/app.bsky.graph.getFollowers?actor=alice.test&limit=2",
        "/xrpc/app.bsky.graph.getFollowers?actor=alice.test&limit=2&cursor=1700000000000__bafyrei",
        "/xrpc/app.bsky.actor.getProfiles?actors=did%3Aplc%3Amkjthy37yvkelsp3c2htrmjk",
        "/xrpc/app.bsky.feed.getAuthorFeed?actor=did%3Aplc%3Amkjthy37yvkelsp3c2htrmjk"
        "&filter=posts_no_replies&limit=20",
    ]


async def test_a_cursor_that_stands_still_ends_the_list(source: BlueskySource) -> None:
    page = await source.expand(seed("followers"), "1700000000000__bafyrei")
    assert page.cursor is None


async def test_only_profiles_that_were_asked_for_come_back(
    server: ScriptedServer, source: BlueskySource
) -> None:
    profiles = await source.fetch([ANA])
    assert [p.platform_id for p in profiles] == [ANA]
    assert await source.fetch([]) == await source.fetch(["nonsense"]) == ()
    assert server.count("/xrpc/app.bsky.actor.getProfiles") == 1
    with pytest.raises(Rejected):
        await source.fetch([f"did:plc:{n}" for n in range(26)])


async def test_a_profile_counts_without_its_feed(
    server: ScriptedServer, source: BlueskySource
) -> None:
    server.on("/xrpc/app.bsky.feed.getAuthorFeed", reply(400, b'{"error": "BlockedByActor"}'))
    (profile,) = await source.fetch([ANA])
    assert (profile.username, profile.posts) == ("climate-ana.example.com", ())


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        ("friends", "alice.test", "seed_type"),
        ("hashtag", "two words", "seed_value"),
        ("list", "alice.test", "seed_value"),
        ("likes", "at://did:plc:abc/app.bsky.graph.list/3k", "seed_value"),
        ("actor", "not an actor", "seed_value"),
        ("follows", "", "seed_value"),
        ("search", "   ", "seed_value"),
    ],
)
async def test_a_bad_seed_costs_no_request(
    server: ScriptedServer, source: BlueskySource, kind: str, value: str, field: str
) -> None:
    with pytest.raises(Rejected) as caught:
        await source.expand(seed(kind, value), None)
    assert caught.value.field == field
    assert not server.calls


async def test_an_unknown_account_is_the_callers_mistake(
    server: ScriptedServer, source: BlueskySource
) -> None:
    for kind, method in (("actor", "actor.getProfile"), ("follows", "graph.getFollows")):
        server.on(f"/xrpc/app.bsky.{method}", NOBODY)
        with pytest.raises(Rejected, match=r"nobody\.test.*Actor not found") as caught:
            await source.expand(seed(kind, "nobody.test"), None)
        assert caught.value.field == "seed_value"


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'{"followers": {}}', b"{}", b"<html>", json.dumps("x").encode()]
)
async def test_garbage_is_passing_trouble(
    server: ScriptedServer, source: BlueskySource, body: bytes
) -> None:
    for method in ("graph.getFollowers", "actor.getProfiles", "actor.getProfile"):
        server.on(f"/xrpc/app.bsky.{method}", reply(body=body))
    with pytest.raises(Transient):
        await source.expand(seed("followers"), None)
    with pytest.raises(Transient):
        await source.expand(seed("actor"), None)
    with pytest.raises(Transient):
        await source.fetch([ANA])


async def test_malformed_people_are_passed_over(
    server: ScriptedServer, source: BlueskySource
) -> None:
    body = {"followers": [None, {"handle": "x"}, {"did": "nope"}, {"did": ANA}, {"did": ANA}]}
    server.on("/xrpc/app.bsky.graph.getFollowers", reply(body=json.dumps(body).encode()))
    page = await source.expand(seed("followers"), None)
    assert page.platform_ids == (ANA,)
