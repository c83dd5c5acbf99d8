"""What a process tells of its hosts reaches the API of another, and goes when it goes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from omni.base.clock import utc_now
from omni.base.errors import Transient
from omni.connectors.types import HostMetrics
from omni.flow.traffic import report_hosts
from omni.hosts import store
from omni.hosts.plan import worst_first
from omni.hosts.types import HostSeen
from omni.storage.db import Database
from tests.api_fixtures import served
from tests.e2e.product import free_ports
from tests.http_fixtures import client, reply, reset, scripted_server


def metrics(host: str, state: str, requests: int) -> HostMetrics:
    return HostMetrics(
        host=host, state=state, requests=requests, limited=0, bytes_in=0, errors={},  # pyright: ignore[reportArgumentType]
        last_error=None, p50_ms=None, p95_ms=None, in_flight=0, waiting=0, concurrency=8,
        rate_limit=None, rate=0.0, next_try_s=0.0,
    )  # fmt: skip


async def test_a_crawlers_hosts_show_at_the_api_while_it_runs(db: Database) -> None:
    stop = asyncio.Event()
    async with (
        client(timeout_s=5.0) as http,
        scripted_server() as good,
        scripted_server() as bad,
        served(db) as api,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(
            report_hosts(
                db=db, http=http, process="crawler@here:1", clock=utc_now, stop=stop, every_s=0.05
            )
        )
        assert await api.client.hosts() == []
        await http.get_json(good.on("/x", reply(body=b"1")))
        for _ in range(6):
            with pytest.raises(Transient):
                await http.get_json(bad.on("/x", reset))
        async with asyncio.timeout(20):
            while [host.state for host in await api.client.hosts()] != ["open", "ok"]:  # noqa: ASYNC110 - polls another process
                await asyncio.sleep(0.05)
        broken, fine = await api.client.hosts()
        assert (broken.host, broken.state, broken.process) == (
            bad.url[7:],
            "open",
            "crawler@here:1",
        )
        assert broken.errors["reset"] >= 10
        assert broken.next_try_at is not None
        assert broken.next_try_at > broken.reported_at
        assert (fine.host, fine.state, fine.requests) == (good.url[7:], "ok", 1)
        assert fine.next_try_at is None
        assert [host.host for host in await api.client.hosts(limit=1)] == [broken.host]
        stop.set()
        async with asyncio.timeout(20):
            while await api.client.hosts():  # noqa: ASYNC110 - polls another process
                await asyncio.sleep(0.05)


async def test_processes_have_a_report_each_and_the_silent_are_forgotten(db: Database) -> None:
    now = utc_now()
    await store.put_report(db, "a", [metrics("x:1", "ok", 1)], now=now - store.FRESH)
    assert await store.list_hosts(db, now=now + timedelta(seconds=1)) == []
    await store.put_report(db, "b", [metrics("x:1", "ok", 1)], now=now)
    await store.put_report(db, "b", [metrics("x:1", "ok", 2), metrics("y:1", "ok", 1)], now=now)
    seen = await store.list_hosts(db, now=now)
    told = sorted((s.process, s.metrics.host, s.metrics.requests) for s in seen)
    assert told == [("a", "x:1", 1), ("b", "x:1", 2), ("b", "y:1", 1)]
    await store.put_report(db, "b", [], now=now + timedelta(seconds=1))
    assert await store.list_hosts(db, now=now + timedelta(seconds=1)) == []


def test_trouble_comes_first() -> None:
    now = utc_now()
    told = [("ok", 9), ("paused", 1), ("ok", 50), ("open", 2), ("slowed", 7), ("half_open", 1)]
    seen = [HostSeen("p", now, metrics(f"{state}{n}", state, n)) for state, n in told]
    assert [s.metrics.host for s in worst_first(seen, 5)] == [
        "open2", "half_open1", "paused1", "slowed7", "ok50",
    ]  # fmt: skip


async def test_proxies_show_beside_hosts_without_their_secrets(db: Database) -> None:
    stop = asyncio.Event()
    nobody = f"http://user:secret@127.0.0.1:{free_ports(1)[0]}"
    async with (
        client(proxies=[nobody], timeout_s=5.0) as http,
        served(db) as api,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(
            report_hosts(
                db=db, http=http, process="crawler@here:1", clock=utc_now, stop=stop, every_s=0.05
            )
        )
        with pytest.raises(Transient):
            await http.get_json("https://93.184.216.34/x")
        async with asyncio.timeout(20):
            while not (told := [h for h in await api.client.hosts() if h.errors and h.is_proxy]):  # noqa: ASYNC110 - polls another process
                await asyncio.sleep(0.05)
        stop.set()
    assert [host.host for host in told] == [nobody.partition("@")[2]]
    assert told[0].errors["proxy"] >= 1
    assert "secret" not in repr(told)
