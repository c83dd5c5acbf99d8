"""The HTTP layer's slots: how many requests are in flight, and who gives a slot back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from omni.base.errors import Transient
from tests.http_fixtures import ScriptedServer, client, hang, reply, scripted_server, slow


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


async def test_requests_in_flight_are_bounded_by_host_and_in_all() -> None:
    async with (
        client(concurrency=3, per_host=2, timeout_s=5.0) as http,
        scripted_server() as first,
        scripted_server("127.0.0.2") as other,
    ):
        urls = [s.on("/x", slow(0.05, reply())) for s in (first, other)] * 6
        await asyncio.gather(*(http.get_json(url) for url in urls))
        assert (first.open_most, other.open_most) == (2, 2)
    async with (
        client(concurrency=3, per_host=3, timeout_s=5.0) as http,
        scripted_server() as first,
    ):
        url = first.on("/x", slow(0.05, reply()))
        await asyncio.gather(*(http.get_json(url) for _ in range(9)))
        assert first.open_most == 3


async def test_a_cancelled_request_frees_its_slot(server: ScriptedServer) -> None:
    async with client(concurrency=1, timeout_s=20.0) as http:
        task = asyncio.create_task(http.get_json(server.on("/hang", hang)))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await http.get_json(server.on("/x", reply())) == {}


async def test_a_closed_client_says_so(server: ScriptedServer) -> None:
    url = server.on("/hang", hang)
    http = client(timeout_s=20.0)
    task = asyncio.create_task(http.get_json(url))
    await asyncio.sleep(0.1)
    await http.aclose()
    with pytest.raises(Transient):
        await task
    with pytest.raises(Transient, match="closed"):
        await http.get_json(url)
