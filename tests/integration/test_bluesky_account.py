"""Reading Bluesky with an account, on a scripted server: sessions that end, secrets, refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from omni.base.errors import Rejected, Transient
from omni.base.settings import Settings
from omni.connectors.bluesky.connector import BLUESKY
from omni.connectors.bluesky.source import BlueskySource
from omni.connectors.http import HttpClient, RetryPolicy
from omni.connectors.types import Seed
from tests.http_fixtures import Call, ScriptedServer, reply, scripted_server, slow

PASSWORD = "abcd-efgh-ijkl-mnop"
CREATE = "/xrpc/com.atproto.server.createSession"
REFRESH = "/xrpc/com.atproto.server.refreshSession"
POSTS = "/xrpc/app.bsky.feed.searchPosts"
EXPIRED = reply(400, b'{"error": "ExpiredToken", "message": "Token has expired"}')
NO_POSTS = reply(body=b'{"posts": []}')
HASHTAG = Seed("bluesky", "hashtag", "#solar")


def session(name: str) -> bytes:
    body = {"accessJwt": f"access-{name}", "refreshJwt": f"refresh-{name}", "did": "did:plc:me"}
    return json.dumps(body).encode()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        running.on(CREATE, reply(body=session("one")))
        running.on(REFRESH, reply(body=session("two")))
        running.on(POSTS, NO_POSTS)
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    quick = RetryPolicy(tries=2, base_s=0.01)
    async with HttpClient(user_agent="Omni-test", loopback=True, policy=quick) as client:
        yield client


def opened(http: HttpClient, server: ScriptedServer, **changes: Any) -> BlueskySource:
    known: dict[str, Any] = {
        "bluesky_appview_url": "https://appview.invalid",
        "bluesky_pds_url": server.url,
        "bluesky_handle": "@Reader.test",
        "bluesky_app_password": SecretStr(PASSWORD),
    }
    assert BLUESKY.source
    source = BLUESKY.source(http, Settings(data_dir=Path(), **known | changes))
    assert isinstance(source, BlueskySource)
    return source


def bearers(server: ScriptedServer, path: str) -> list[str]:
    calls = [call for call in server.calls if call.path.partition("?")[0] == path]
    return [call.headers.get("authorization", "") for call in calls]


async def test_it_signs_in_once_and_asks_with_its_token(
    http: HttpClient, server: ScriptedServer
) -> None:
    source = opened(http, server, bluesky_appview_did="did:web:appview.example#bsky_appview")
    await asyncio.gather(*(source.expand(HASHTAG, None) for _ in range(5)))
    assert server.count(CREATE) == 1
    assert json.loads(server.calls[0].body) == {"identifier": "reader.test", "password": PASSWORD}
    assert bearers(server, POSTS) == ["Bearer access-one"] * 5
    asked = server.calls[-1]
    assert asked.path == f"{POSTS}?q=%23solar&tag=solar&sort=latest&limit=100"
    assert asked.headers["atproto-proxy"] == "did:web:appview.example#bsky_appview"


async def test_a_session_that_ran_out_is_renewed_once_for_all(
    http: HttpClient, server: ScriptedServer
) -> None:
    async def fresh_only(call: Call) -> None:
        good = call.headers["authorization"] == "Bearer access-two"
        await (NO_POSTS if good else EXPIRED)(call)

    server.on(POSTS, fresh_only)
    source = opened(http, server)
    await asyncio.gather(*(source.expand(HASHTAG, None) for _ in range(5)))
    assert bearers(server, REFRESH) == ["Bearer refresh-one"]
    (refresh,) = (call for call in server.calls if call.path == REFRESH)
    assert refresh.body == b""  # the lexicon has no input
    assert (server.count(CREATE), server.count(POSTS)) == (1, 10)


@pytest.mark.parametrize("why", ["ExpiredToken", "InvalidToken"])
async def test_a_session_that_is_over_begins_anew_with_the_password(
    http: HttpClient, server: ScriptedServer, why: str
) -> None:
    server.on(CREATE, reply(body=session("one")), reply(body=session("three")))
    server.on(REFRESH, reply(400, json.dumps({"error": why}).encode()))
    server.on(POSTS, reply(400, json.dumps({"error": why}).encode()), NO_POSTS)
    await opened(http, server).expand(HASHTAG, None)
    assert bearers(server, POSTS) == ["Bearer access-one", "Bearer access-three"]


async def test_a_token_that_is_never_good_is_not_asked_with_for_ever(
    http: HttpClient, server: ScriptedServer
) -> None:
    server.on(POSTS, EXPIRED)
    with pytest.raises(Rejected, match="Token has expired"):
        await opened(http, server).expand(HASHTAG, None)
    assert (server.count(POSTS), server.count(REFRESH)) == (2, 1)


@pytest.mark.parametrize(
    ("status", "error", "named"),
    [
        (401, "AuthenticationRequired", "OMNI_BLUESKY_APP_PASSWORD"),
        (401, "AuthFactorTokenRequired", "app password, which needs none"),
        (400, "AccountTakedown", "OMNI_BLUESKY_PDS_URL"),
        (404, "MethodNotImplemented", "OMNI_BLUESKY_PDS_URL"),
    ],
)
async def test_an_account_that_is_not_let_in_is_one_clear_error(
    http: HttpClient, server: ScriptedServer, status: int, error: str, named: str
) -> None:
    server.on(CREATE, reply(status, json.dumps({"error": error, "message": "No."}).encode()))
    source = opened(http, server)
    for _ in range(3):
        with pytest.raises(Rejected, match=named) as caught:
            await source.fetch(["did:plc:abc"])
        assert PASSWORD not in str(caught.value)
    # A wrong password is not tried again: servers lock accounts for that.
    assert server.count(CREATE) == 1


async def test_a_server_that_does_not_answer_is_passing_trouble(
    http: HttpClient, server: ScriptedServer
) -> None:
    for broken in (reply(503), reply(body=b"{}"), reply(body=b'{"accessJwt": 7}')):
        server.on(CREATE, broken)
        source = opened(http, server)
        with pytest.raises(Transient):
            await source.expand(HASHTAG, None)
    server.on(CREATE, reply(body=session("one")))
    assert await source.expand(HASHTAG, None)


async def test_no_secret_is_shown_anywhere(
    http: HttpClient, server: ScriptedServer, capfd: pytest.CaptureFixture[str]
) -> None:
    server.on(POSTS, EXPIRED, reply(500), NO_POSTS)
    source = opened(http, server)
    await source.expand(HASHTAG, None)
    server.on(CREATE, reply(401, b'{"error": "AuthenticationRequired"}'))
    with pytest.raises(Rejected) as caught:
        await opened(http, server).expand(HASHTAG, None)
    told = capfd.readouterr()
    shown = "".join((told.out, told.err, str(caught.value), repr(vars(source)), repr(http)))
    assert "http.try_failed" in shown
    for secret in (PASSWORD, "access-one", "refresh-one", "access-two", "refresh-two"):
        assert secret not in shown


async def test_without_an_account_a_refusal_says_what_is_missing(
    http: HttpClient, server: ScriptedServer
) -> None:
    alone = {"bluesky_handle": None, "bluesky_app_password": None}
    source = opened(http, server, bluesky_appview_url=server.url, **alone)
    for status in (401, 403):
        server.on(POSTS, reply(status, b"<html>Forbidden</html>"))
        with pytest.raises(Rejected, match="set OMNI_BLUESKY_HANDLE") as caught:
            await source.expand(HASHTAG, None)
        assert caught.value.field == "seed_type"
    assert server.count(CREATE) == 0


@pytest.mark.parametrize("missing", ["bluesky_handle", "bluesky_app_password"])
async def test_half_an_account_is_refused_at_the_start(
    http: HttpClient, server: ScriptedServer, missing: str
) -> None:
    with pytest.raises(Rejected, match="set both"):
        opened(http, server, **{missing: None})
    with pytest.raises(Rejected, match="OMNI_BLUESKY_HANDLE is not"):
        opened(http, server, bluesky_handle="not a handle")


async def test_few_feeds_are_read_at_a_time_and_those_of_nobody_not_at_all(
    http: HttpClient, server: ScriptedServer
) -> None:
    people: list[dict[str, Any]] = [
        {"did": f"did:plc:{n}", "handle": f"p{n}.test", "postsCount": n} for n in range(24)
    ]
    label = {"src": "did:plc:24", "val": "!no-unauthenticated"}
    people.append({"did": "did:plc:24", "handle": "p.test", "postsCount": 9, "labels": [label]})
    server.on(
        "/xrpc/app.bsky.actor.getProfiles", reply(body=json.dumps({"profiles": people}).encode())
    )
    server.on("/xrpc/app.bsky.feed.getAuthorFeed", slow(0.02, reply(body=b'{"feed": []}')))
    found = await opened(http, server).fetch([person["did"] for person in people])
    assert len(found) == 25
    assert server.count("/xrpc/app.bsky.feed.getAuthorFeed") == 23
    assert server.open_most <= 6
