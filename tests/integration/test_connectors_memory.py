"""Answers that are asked for again only if they have changed, on a scripted server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from omni.connectors.http import HttpRejected
from omni.connectors.memory import Memory
from tests.http_fixtures import Call, ScriptedServer, client, reply, scripted_server


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
