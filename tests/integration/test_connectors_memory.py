"""Answers that are asked for again only if they have changed, on a scripted server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from omni.connectors.http import HttpRejected
from omni.connectors.mastodon.client import MastodonClient
from omni.connectors.mastodon.source import MastodonSource
from omni.connectors.memory import Memory
from omni.connectors.types import RefPage, Seed
from tests.http_fixtures import Act, Call, ScriptedServer, client, reply, scripted_server


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


async def versioned(call: Call) -> None:
    """Answer each query in a version of its own."""
    tag = f'W/"{call.path}"'
    known = call.headers.get("if-none-match") == tag
    body = b"" if known else b'{"asked": "' + call.path.encode() + b'"}'
    await reply(304 if known else 200, body, etag=tag)(call)


async def test_an_answer_that_has_not_changed_is_the_one_that_is_kept(
    server: ScriptedServer,
) -> None:
    url = server.on("/people", versioned)
    async with client() as http:
        memory = Memory(http)
        for _ in range(3):
            for page in (1, 2):
                value = await memory.get_json(url, params={"page": page})
                assert value == {"asked": f"/people?page={page}"}
    asked = [call.headers.get("if-none-match") for call in server.calls]
    again = ['W/"/people?page=1"', 'W/"/people?page=2"']
    assert asked == [None, None, *again, *again]


async def test_a_new_answer_takes_the_old_ones_place(server: ScriptedServer) -> None:
    url = server.on(
        "/people",
        reply(200, b"[1]", etag='"a"'),
        reply(200, b"[2]", etag='"b"'),
        reply(304, b""),
        reply(200, b"[3]"),
        reply(200, b"[4]"),
        reply(404),
    )
    async with client() as http:
        memory = Memory(http)
        told = [await memory.get_json(url, params={}) for _ in range(5)]
        with pytest.raises(HttpRejected):
            await memory.get_json(url, params={})
    assert told == [[1], [2], [2], [3], [4]]
    asked = [call.headers.get("if-none-match") for call in server.calls]
    assert asked == [None, '"a"', '"b"', '"b"', None, None]


async def test_it_is_bounded_and_forgets_what_was_used_longest_ago(server: ScriptedServer) -> None:
    url = server.on("/people", reply(200, b'"' + b"x" * 98 + b'"', etag='"a"'))
    async with client() as http:
        memory = Memory(http, max_bytes=2_000)
        for page in (*range(20), 0, 20, 0, 1):
            await memory.get_json(url, params={"page": page})
        asked = [call.headers.get("if-none-match") for call in server.calls]
        assert asked == [None] * 20 + ['"a"', None, '"a"', None]
        server.on("/people", reply(200, b'"' + b"x" * 200 + b'"', etag='"b"'))
        for _ in range(2):  # too large a part of the whole
            await memory.get_json(url, params={"page": 99})
        assert server.calls[-1].headers.get("if-none-match") is None


async def test_mastodons_lists_and_accounts_are_asked_for_again_only_if_they_have_changed(
    server: ScriptedServer,
) -> None:
    """And a list goes on where it went on, though "not modified" need not say where that is."""
    account = {"id": "1", "acct": "ann", "username": "ann", "url": f"{server.url}/@ann"}
    people = json.dumps([account]).encode()
    more = f'<{server.url}/api/v1/accounts/1/followers?max_id=7>; rel="next"'

    def named(body: bytes, **headers: str) -> Act:
        tag = f'W/"{len(body)}"'

        async def act(call: Call) -> None:
            if call.headers.get("if-none-match") == tag:
                await reply(304, b"", etag=tag)(call)
            else:
                await reply(200, body, etag=tag, **headers)(call)

        return act

    server.on("/api/v1/accounts/lookup", named(people[1:-1]))
    server.on("/api/v1/accounts/1/followers", named(people, link=more))
    server.on("/api/v1/accounts", named(people))
    server.on("/api/v1/accounts/1/statuses", named(b"[]"))
    async with client() as http:
        source = MastodonSource(MastodonClient(http, server.url, "token-of-ann"))
        pages = [await source.expand(Seed("mastodon", "followers", "@ann"), None)]
        people_then = await source.fetch(pages[0].platform_ids)
        pages.append(await source.expand(Seed("mastodon", "followers", "@ann"), None))
        assert await source.fetch(pages[1].platform_ids) == people_then
    assert pages == [RefPage((account["url"],), "max_id=7")] * 2
    half = len(server.calls) // 2
    first, second = ([c.headers.get("if-none-match") for c in part]
                     for part in (server.calls[:half], server.calls[half:]))  # fmt: skip
    assert set(first) == {None}
    assert None not in second
    assert {call.headers["authorization"] for call in server.calls} == {"Bearer token-of-ann"}
