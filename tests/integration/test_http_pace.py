"""The pace and the circuit of a host, against servers that throttle and servers that die."""

from __future__ import annotations

import asyncio

import pytest

from omni.base.errors import Transient
from omni.connectors.breaker import FAILURES_TO_OPEN
from omni.connectors.http import RetryPolicy
from tests.http_fixtures import Call, client, hang, reply, reset, scripted_server

PATIENT = RetryPolicy(tries=12, base_s=0.05, backoff_cap_s=0.5, wait_cap_s=20.0, total_s=120.0)


class Throttle:
    """A server's own limit: so many at a time, the rest get 429 without a word on when."""

    def __init__(self, places: int, seconds: float) -> None:
        self.places, self.seconds = places, seconds
        self.now = self.refused = self.served = 0

    async def __call__(self, call: Call) -> None:
        if self.now >= self.places:
            self.refused += 1
            await reply(429, b"")(call)
            return
        self.now += 1
        try:
            await asyncio.sleep(self.seconds)
            self.served += 1
            await reply(body=b"1")(call)
        finally:
            self.now -= 1


async def test_a_throttling_server_is_asked_as_it_can_take_it() -> None:
    throttle = Throttle(places=3, seconds=0.02)
    async with (
        client(per_host=16, concurrency=16, timeout_s=10.0, policy=PATIENT) as http,
        scripted_server() as server,
    ):
        url = server.on("/x", throttle)
        await asyncio.gather(*(http.get_json(url) for _ in range(200)))
        (host,) = http.metrics()
    # At full pace 13 of 16 would be refused, again and again: more refusals than answers.
    assert throttle.served == 200
    assert throttle.refused < 60
    assert host.limited == throttle.refused
    assert host.state == "slowed"
    assert host.concurrency < 16
    assert host.rate_limit is not None


async def test_errors_cut_the_places_and_answers_bring_them_back() -> None:
    async with (
        client(per_host=8, timeout_s=5.0) as http,
        scripted_server() as server,
    ):
        url = server.on("/x", reply(503), reply(503), reply(body=b"1"))
        await http.get_json(url)
        (low,) = http.metrics()
        for _ in range(300):
            await http.get_json(url)
        (high,) = http.metrics()
    assert (low.state, low.concurrency) == ("slowed", 3)
    assert (high.state, high.concurrency) == ("ok", 8)


async def test_a_dead_host_is_left_alone_and_found_again() -> None:
    async with client(timeout_s=5.0) as http, scripted_server() as server:
        bad = server.on("/bad", reset)
        while http.metrics()[0].state != "open" if http.metrics() else True:
            with pytest.raises(Transient):
                await http.get_json(bad)
        asked = server.count("/bad")
        assert FAILURES_TO_OPEN <= asked <= FAILURES_TO_OPEN + 10
        with pytest.raises(Transient, match="rests") as caught:
            await http.get_json(server.on("/good", reply(body=b"1")))
        assert caught.value.retry_after is not None
        assert server.count("/good") == 0
        with pytest.raises(Transient):  # surely not taken, and said without a request
            await http.post_json(server.url + "/good", json={}, retry=False)
        # Another server on the same machine has a circuit of its own.
        async with scripted_server() as other:
            assert await http.get_json(other.on("/x", reply(body=b"2"))) == 2
        await asyncio.sleep(caught.value.retry_after + 0.1)
        assert http.metrics()[0].state == "half_open"
        assert await http.get_json(server.url + "/good") == 1
        assert http.metrics()[0].state == "slowed"


async def test_a_cancelled_probe_lets_another_one_through() -> None:
    async with client(timeout_s=20.0) as http, scripted_server() as server:
        bad = server.on("/bad", reset)
        for _ in range(FAILURES_TO_OPEN):
            with pytest.raises(Transient):
                await http.get_json(bad)
        await asyncio.sleep(http.metrics()[0].next_try_s + 0.1)
        probe = asyncio.create_task(http.get_json(server.on("/hang", hang)))
        await asyncio.sleep(0.2)
        with pytest.raises(Transient, match="rests"):
            await http.get_json(server.on("/good", reply(body=b"1")))
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert await http.get_json(server.url + "/good") == 1


async def test_a_probe_that_is_cancelled_before_its_turn_lets_another_one_through() -> None:
    """It was let in, and waited for one of the places that all hosts share."""
    async with (
        client(timeout_s=20.0, concurrency=1) as http,
        scripted_server() as server,
        scripted_server() as other,
    ):
        bad = server.on("/bad", reset)
        for _ in range(FAILURES_TO_OPEN):
            with pytest.raises(Transient):
                await http.get_json(bad)
        await asyncio.sleep(http.metrics()[0].next_try_s + 0.1)
        holder = asyncio.create_task(http.get_json(other.on("/hang", hang)))
        await asyncio.sleep(0.2)
        probe = asyncio.create_task(http.get_json(server.on("/good", reply(body=b"1"))))
        await asyncio.sleep(0.2)
        for task in (probe, holder):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert server.count("/good") == 0
        assert await http.get_json(server.url + "/good") == 1
