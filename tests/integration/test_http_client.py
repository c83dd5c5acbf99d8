"""The HTTP layer against real sockets that misbehave in every way it must survive."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from omni.base.errors import Ambiguous, Rejected, Transient
from omni.connectors.http import HttpClient, HttpRejected, TooLarge
from tests.http_fixtures import (
    NOW,
    ScriptedServer,
    client,
    close,
    endless,
    hang,
    reply,
    reset,
    scripted_server,
)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with client() as made:
        yield made


async def test_a_request_says_who_asks_and_what_for(
    server: ScriptedServer, http: HttpClient
) -> None:
    url = server.on("/people", reply(body=b'{"people": ["\xc3\x85sa"]}'))
    found = await http.get_json(
        url, params={"q": "solar & wind", "actors": ["a", "b"]}, headers={"X-One": "1"}
    )
    call = server.calls[0]
    assert found == {"people": ["Åsa"]}
    assert call.path == "/people?q=solar+%26+wind&actors=a&actors=b"
    assert call.headers["user-agent"] == "Omni-test/1 (+tests)"
    assert call.headers["x-one"] == "1"
    assert call.headers["accept"] == "application/json"
    await http.post_json(server.on("/post", reply(body=b"")), json={"text": "hé"})
    assert (server.calls[1].method, server.calls[1].body) == ("POST", '{"text":"hé"}'.encode())


@pytest.mark.parametrize(
    "headers",
    [
        {"retry_after": "1"},
        {"retry_after": format_datetime(NOW + timedelta(seconds=1), usegmt=True)},
        {"ratelimit_reset": str(int(NOW.timestamp()) + 1)},
        {"x_ratelimit_reset": "1"},
        {"x_ratelimit_reset": (NOW + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")},
        {"retry_after": "1", "ratelimit_reset": str(int(NOW.timestamp()) + 2_000)},
    ],
)
async def test_a_short_limit_is_waited_for(
    server: ScriptedServer, http: HttpClient, headers: dict[str, str]
) -> None:
    url = server.on("/x", reply(429, b"", **headers), reply(body=b"[1]"))
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await http.get_json(url) == [1]
    assert loop.time() - began >= 1.0
    assert server.count("/x") == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "120"}, 120),
        ({"ratelimit_reset": str(int(NOW.timestamp()) + 300)}, 300),
        ({"x_ratelimit_reset": "2026-07-01T12:04:00Z"}, 240),
        ({"x_ratelimit_reset": "2199-01-01T00:00:00Z"}, 86_400),
    ],
)
async def test_a_long_limit_is_handed_to_the_caller_and_spares_the_host(
    server: ScriptedServer, http: HttpClient, headers: dict[str, str], seconds: float
) -> None:
    url = server.on("/x", reply(429, b"", **headers))
    with pytest.raises(Transient) as first:
        await http.get_json(url)
    with pytest.raises(Transient) as second:
        await http.get_json(url)
    assert first.value.retry_after == seconds
    assert second.value.retry_after == pytest.approx(seconds, abs=5)
    assert server.count("/x") == 1
    # The limit is the account's: another one on the same host is not held back by it.
    with pytest.raises(Transient):
        await http.get_json(url, headers={"Authorization": "Bearer other"})
    assert server.count("/x") == 2


async def test_the_last_answer_of_a_window_already_pauses(
    server: ScriptedServer, http: HttpClient
) -> None:
    reset_at = str(int(NOW.timestamp()) + 60)
    url = server.on("/x", reply(ratelimit_remaining="0", ratelimit_reset=reset_at))
    assert await http.get_json(url) == {}
    with pytest.raises(Transient):
        await http.get_json(url)
    assert server.count("/x") == 1


async def test_passing_trouble_is_tried_again(server: ScriptedServer, http: HttpClient) -> None:
    for path, trouble in (
        ("/500", reply(500)),
        ("/reset", reset),
        ("/close", close),
        ("/hang", hang),
        ("/garbage", reply(body=b"<html>")),
        ("/cut", reply(body=b'{"a"', content_length="900")),
        ("/not-gzip", reply(body=b"plain", content_encoding="gzip")),
        ("/latin", reply(body=b'"\xe9"')),
    ):
        url = server.on(path, trouble, reply(body=b'"fine"'))
        assert await http.get_json(url) == "fine", path
        assert server.count(path) == 2, path


async def test_lasting_trouble_ends_after_bounded_tries(server: ScriptedServer) -> None:
    for path, trouble in (
        ("/500", reply(500)),
        ("/reset", reset),
        ("/hang", hang),
        ("/garbage", reply(body=b"NaN!")),
        ("/empty", reply(body=b"")),
        ("/deep", reply(body=b"[" * 100_000)),
    ):
        # A client each: libcurl itself repeats a GET whose kept connection turns out dead.
        async with client() as http:
            with pytest.raises(Transient) as caught:
                await http.get_json(server.on(path, trouble))
        assert "127.0.0.1" in str(caught.value)
        assert server.count(path) == 3, path


async def test_a_refusal_is_final_and_keeps_the_reason(
    server: ScriptedServer, http: HttpClient
) -> None:
    body = b'{"error": "InvalidToken", "message": "Token has expired"}'
    with pytest.raises(HttpRejected) as caught:
        await http.get_json(server.on("/x", reply(400, body)))
    assert (caught.value.status, caught.value.code) == (400, "InvalidToken")
    assert "Token has expired" in str(caught.value)
    with pytest.raises(HttpRejected):
        await http.get_json(server.on("/html", reply(404, b"<h1>no</h1>")))
    assert server.count("/x") == server.count("/html") == 1


async def test_endless_and_bombing_answers_are_cut_off(
    server: ScriptedServer, http: HttpClient
) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    async with client(max_bytes=200_000, timeout_s=5.0) as strict:
        with pytest.raises(TooLarge):
            await strict.get_json(server.on("/endless", endless()))
        with pytest.raises(TooLarge):
            await strict.get_bytes(server.on("/bomb", reply(body=bomb, content_encoding="gzip")))
        with pytest.raises(TooLarge):
            await strict.get_bytes(server.on("/small", reply(body=b"12345")), max_bytes=4)
        assert await strict.get_bytes(server.on("/small", reply(body=b"1234")), max_bytes=4)
    assert server.count("/endless") == server.count("/bomb") == 1


async def test_only_the_wanted_media_type_is_taken(
    server: ScriptedServer, http: HttpClient
) -> None:
    url = server.on("/a", reply(body=b"\x89PNG", content_type="image/png; x=1"))
    assert await http.get_bytes(url, accept="image/*") == b"\x89PNG"
    with pytest.raises(HttpRejected):
        await http.get_bytes(server.on("/b", reply(content_type="text/html")), accept="image/*")


async def test_redirects_are_few_checked_and_carry_no_secrets(http: HttpClient) -> None:
    async with scripted_server() as first, scripted_server("127.0.0.2") as other:
        there = other.on("/there", reply(body=b'"there"'))
        here = first.on("/here", reply(302, location=there))
        secret = {"Authorization": "Bearer s", "X-Key": "k"}
        assert await http.get_json(here, headers=secret) == "there"
        assert not {"authorization", "x-key"} & set(other.calls[0].headers)
        for bad in (
            "http://10.0.0.1/",
            "https://169.254.169.254/latest/",
            "https://[::ffff:10.0.0.1]/",
            "file:///etc/passwd",
            "http://user@127.0.0.1/",
        ):
            with pytest.raises(Rejected):
                await http.get_json(first.on("/bad", reply(302, location=bad)))
        with pytest.raises(HttpRejected):
            await http.get_json(first.on("/loop", reply(307, location="/loop")))
        assert first.count("/loop") == 4
        with pytest.raises(HttpRejected):
            await http.post_json(here, json={})


async def test_this_machine_is_asked_only_by_permission(server: ScriptedServer) -> None:
    url = server.on("/x", reply())
    async with client(loopback=False) as stranger:
        with pytest.raises(Rejected, match="on this machine"):
            await stranger.get_json(url)
    async with scripted_server() as other, client(loopback=frozenset({server.url})) as known:
        assert await known.get_json(url) == {}
        with pytest.raises(Rejected, match="on this machine"):
            await known.get_json(other.on("/x", reply()))
        redirect = server.on("/redirect", reply(302, location=other.url + "/x"))
        with pytest.raises(Rejected, match="on this machine"):
            await known.get_json(redirect)
        assert not other.calls


async def test_names_are_checked_after_they_are_looked_up_and_then_pinned() -> None:
    asked: list[str] = []

    async def resolver(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return {"localhost": ["127.0.0.2"], "mixed.example": ["8.8.8.8", "10.0.0.7"]}.get(
            host, ["127.0.0.1"]
        )

    async with client(resolver=resolver) as http, scripted_server("127.0.0.2") as server:
        for url in ("https://rebound.example/", "https://mixed.example/"):
            with pytest.raises(Rejected, match="not a public address"):
                await http.get_json(url)
        with pytest.raises(Rejected, match="plain http"):
            await http.get_json("http://plain.example/")
        server.on("/x", reply(body=b'"pinned"'))
        url = f"http://localhost:{server.port}/x"
        assert [await http.get_json(url) for _ in range(3)] == ["pinned"] * 3
    assert asked == ["rebound.example", "mixed.example", "localhost"]


async def test_a_post_without_retry_tells_taken_from_not_taken(server: ScriptedServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/"
    async with client() as http:

        async def send(url: str) -> Any:
            return await http.post_json(url, json={"text": "hi"}, retry=False)

        with pytest.raises(Transient):
            await send(nobody)
        for path, act in (
            ("/hang", hang),
            ("/reset", reset),
            ("/close", close),
            ("/500", reply(500)),
            ("/garbage", reply(body=b"<")),
        ):
            with pytest.raises(Ambiguous):
                await send(server.on(path, act))
            assert server.count(path) == 1, path
        with pytest.raises(HttpRejected):
            await send(server.on("/400", reply(400)))
        assert await send(server.on("/fine", reply(body=b'{"id": 1}'))) == {"id": 1}
        # The handle has sent before, this request has not: nobody listens, or no TLS comes about.
        for url in (nobody, server.url.replace("http:", "https:") + "/fine"):
            with pytest.raises(Transient):
                await send(url)
        with pytest.raises(Transient) as limited:
            await send(server.on("/429", reply(429, retry_after="1")))
        assert limited.value.retry_after == 1
        # A pause that is known of costs neither a request nor a sleep.
        with pytest.raises(Transient):
            await send(server.on("/fine", reply()))
    assert server.count("/fine") == 1


async def test_a_post_without_retry_is_not_repeated_on_a_dead_kept_connection(
    server: ScriptedServer, http: HttpClient
) -> None:
    assert await http.get_json(server.on("/warm", reply())) == {}
    url = server.on("/send", close)
    with pytest.raises(Ambiguous):
        await http.post_json(url, json={}, retry=False)
    assert server.count("/send") == 1


async def test_a_proxy_of_the_environment_is_not_used(
    server: ScriptedServer, http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:9")
    assert await http.get_json(server.on("/x", reply())) == {}


async def test_requests_that_meet_a_short_pause_do_not_spend_their_tries(
    server: ScriptedServer, http: HttpClient
) -> None:
    url = server.on("/x", reply(429, b"", retry_after="1"), reply())
    with pytest.raises(Transient):
        await http.post_json(url, json={}, retry=False)
    # Each of these finds the host paused, waits, and then has all its tries.
    assert await asyncio.gather(*(http.get_json(url) for _ in range(5))) == [{}] * 5
    assert server.count("/x") == 6


async def test_failed_tries_are_logged_without_secrets(
    server: ScriptedServer, http: HttpClient
) -> None:
    url = server.on("/x", reply(503, retry_after="0"), reply())
    with capture_logs() as logs:
        await http.get_json(url, params={"token": "hush"}, headers={"Authorization": "Bearer hush"})
    (entry,) = logs
    assert (entry["event"], entry["attempt"], entry["status"]) == ("http.try_failed", 1, 503)
    assert entry["url"] == url
    assert "hush" not in str(logs)


async def test_headers_cannot_smuggle_others(server: ScriptedServer, http: HttpClient) -> None:
    url = server.on("/x", reply())
    for headers in ({"X-A": "1\r\nX-B: 2"}, {"X-A:b\r\nX-C": "1"}, {"X-A": "1\0"}):
        with pytest.raises(Rejected):
            await http.get_json(url, headers=headers)
    assert not server.calls
