"""Requests through proxies: their places, their health, and what they are told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from omni.base.errors import Rejected, Transient
from omni.base.settings import Settings
from omni.connectors.http import HttpClient
from tests.http_fixtures import (
    Certificates,
    ScriptedServer,
    client,
    forward_proxy,
    make_certificates,
    reply,
    scripted_server,
    slow,
)

PUBLIC = "93.184.216.34"


async def public(host: str, port: int) -> Sequence[str]:
    return [PUBLIC]


async def private(host: str, port: int) -> Sequence[str]:
    return ["10.1.2.3"]


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path, "far.example")


@pytest.fixture
async def far(certificates: Certificates) -> AsyncIterator[ScriptedServer]:
    """The server that the proxies lead to: far.example, over TLS."""
    async with scripted_server(tls=certificates.server_context()) as server:
        yield server


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


async def test_a_proxy_is_told_the_address_that_was_checked(
    far: ScriptedServer, certificates: Certificates
) -> None:
    far.on("/x", reply(body=b'"far"'))
    async with (
        forward_proxy(far.port) as proxy,
        client(
            proxies=[proxy.url], resolver=public, ca_file=str(certificates.authority), timeout_s=5.0
        ) as http,
    ):
        assert [await http.get_json("https://far.example/x") for _ in range(3)] == ["far"] * 3
        # One tunnel for all, to the address; the certificate was that of the name.
        assert proxy.tunnels == [f"{PUBLIC}:443"]
        assert far.calls[0].headers["host"] == "far.example"
        with pytest.raises(Rejected):
            await http.get_json("https://192.168.0.1/x")
    async with (
        forward_proxy(far.port) as proxy,
        client(proxies=[proxy.url], resolver=private) as http,
    ):
        with pytest.raises(Rejected, match="not a public address"):
            await http.get_json("https://inside.example/x")
        assert not proxy.tunnels


async def test_a_proxy_may_look_names_up_where_we_cannot(
    far: ScriptedServer, certificates: Certificates
) -> None:
    far.on("/x", reply(body=b'"far"'))
    async with (
        forward_proxy(far.port) as proxy,
        client(
            proxies=[proxy.url], proxy_dns=True, ca_file=str(certificates.authority), timeout_s=5.0
        ) as http,
    ):
        assert await http.get_json("https://far.example/x") == "far"
        assert proxy.tunnels == ["far.example:443"]


async def test_this_machine_is_asked_without_a_proxy() -> None:
    async with (
        scripted_server() as server,
        client(proxies=[f"http://127.0.0.1:{free_port()}"]) as http,
    ):
        assert await http.get_json(server.on("/x", reply())) == {}


async def test_requests_spread_over_proxies_within_their_places(
    far: ScriptedServer, certificates: Certificates
) -> None:
    far.on("/x", slow(0.05, reply(body=b"1")))
    async with (
        forward_proxy(far.port) as one,
        forward_proxy(far.port) as two,
        client(
            proxies=[one.url, two.url],
            per_proxy=2,
            per_host=12,
            resolver=public,
            ca_file=str(certificates.authority),
            timeout_s=10.0,
        ) as http,
    ):
        await asyncio.gather(*(http.get_json("https://far.example/x") for _ in range(12)))
        assert far.open_most <= 4
        assert one.tunnels
        assert two.tunnels


async def test_a_proxy_that_fails_rests_and_the_others_do_its_work(
    far: ScriptedServer, certificates: Certificates
) -> None:
    far.on("/x", reply(body=b"1"))
    nobody = f"http://127.0.0.1:{free_port()}"
    async with (
        forward_proxy(far.port, refuse_with=407) as refusing,
        forward_proxy(far.port) as good,
        client(
            proxies=[nobody, refusing.url, good.url],
            resolver=public,
            ca_file=str(certificates.authority),
            timeout_s=5.0,
        ) as http,
    ):
        for _ in range(10):
            assert await http.get_json("https://far.example/x") == 1
        dead, refused, fine = http.proxy_metrics()
        assert [p.state for p in (dead, refused, fine)] == ["open", "open", "ok"]
        assert [p.errors.get("proxy", 0) for p in (dead, refused, fine)] == [1, 1, 0]
        assert fine.requests >= 10 - 2
        assert dead.next_try_s > 0
        assert len(refusing.tunnels) == 1
        # A proxy's failure is not the host's.
        (host,) = http.metrics()
        assert (host.state, host.errors) == ("ok", {"proxy": 2})


async def test_where_every_proxy_rests_it_says_when_to_come_back(far: ScriptedServer) -> None:
    nobody = f"http://user:secret@127.0.0.1:{free_port()}"
    async with client(proxies=[nobody], resolver=public) as http:
        with pytest.raises(Transient) as caught:
            await http.get_json("https://far.example/x")
        with pytest.raises(Transient, match="every proxy"):
            await http.post_json("https://far.example/x", json={}, retry=False)
        (proxy,) = http.proxy_metrics()
    assert "secret" not in f"{caught.value} {proxy}"
    assert proxy.errors["proxy"] >= 1


async def test_a_hosts_failure_is_not_the_proxys(
    far: ScriptedServer, certificates: Certificates
) -> None:
    far.on("/x", reply(500))
    async with (
        forward_proxy(far.port) as proxy,
        client(
            proxies=[proxy.url], resolver=public, ca_file=str(certificates.authority), timeout_s=5.0
        ) as http,
    ):
        with pytest.raises(Transient):
            await http.get_json("https://far.example/x")
        assert http.proxy_metrics()[0].state == "ok"


async def test_settings_name_one_or_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_HTTP_PROXY", "http://a:1")
    monkeypatch.setenv("OMNI_HTTP_PROXIES", "http://b:2, socks5://c:3,http://a:1")
    settings = Settings(_env_file=None)  # pyright: ignore[reportCallIssue]
    assert settings.proxy_urls == ("http://a:1", "http://b:2", "socks5://c:3")
    async with HttpClient.from_settings(settings) as http:
        assert [p.host for p in http.proxy_metrics()] == ["a:1", "b:2", "c:3"]
    with pytest.raises(Rejected):
        client(proxies=["b:2"])
