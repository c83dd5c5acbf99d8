"""What hostile and broken servers do to the HTTP layer, on real sockets: nothing unbounded."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from omni.base.errors import Rejected, Transient
from omni.connectors.http import HttpClient, HttpRejected, TooLarge, meter
from tests.http_fixtures import (
    NOW,
    Act,
    Call,
    ScriptedServer,
    client,
    endless,
    make_certificates,
    reply,
    scripted_server,
)

IN_A_SECOND = NOW + timedelta(seconds=1)
HTTP_DATE = format_datetime(IN_A_SECOND, usegmt=True)
EPOCH = str(int(IN_A_SECOND.timestamp()))


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with client() as made:
        yield made


@pytest.mark.parametrize(
    "headers",
    [
        {"retry_after": "1"},
        {"retry_after": HTTP_DATE},
        {"retry_after": IN_A_SECOND.isoformat()},
        {"retry_after": EPOCH},
        {"ratelimit_reset": "1"},
        {"ratelimit_reset": EPOCH},
        {"x_ratelimit_reset": EPOCH},
        {"x_ratelimit_reset": str(int(EPOCH) * 1_000)},
        {"x_ratelimit_reset": IN_A_SECOND.isoformat().replace("+00:00", "Z")},
        {"x_ratelimit_reset": HTTP_DATE},
    ],
    ids=lambda headers: "{}={}".format(*next(iter(headers.items()))),
)
async def test_too_many_is_waited_out_in_every_form_of_header(
    server: ScriptedServer, http: HttpClient, headers: dict[str, str]
) -> None:
    url = server.on("/x", reply(429, b"", **headers), reply(body=b"1"))
    with meter() as spent:
        assert await http.get_json(url) == 1
    assert spent.requests == 2
    assert 1.0 <= spent.waited_s < 2.0


def drip(seconds: float) -> Act:
    """Send a byte now and then, for ever."""

    async def act(call: Call) -> None:
        call.writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 1000000\r\n\r\n")
        for _ in range(1_000):
            call.writer.write(b" ")
            await call.writer.drain()
            await asyncio.sleep(seconds)

    return act


async def drip_headers(call: Call) -> None:
    """Send a header now and then, for ever."""
    call.writer.write(b"HTTP/1.1 200 X\r\n")
    for number in range(1_000):
        call.writer.write(f"x-{number}: y\r\n".encode())
        await call.writer.drain()
        await asyncio.sleep(0.02)


async def endless_headers(call: Call) -> None:
    """Send headers as fast as they are taken."""
    call.writer.write(b"HTTP/1.1 200 X\r\n")
    for number in range(100_000):
        call.writer.write(f"x-{number}: {'y' * 500}\r\n".encode())
        await call.writer.drain()


async def endless_interim(call: Call) -> None:
    """Promise an answer again and again."""
    for _ in range(100_000):
        call.writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
        await call.writer.drain()


@pytest.mark.parametrize("act", [drip(0.02), drip_headers], ids=["body", "headers"])
async def test_a_slow_drip_ends_at_the_time_bound(server: ScriptedServer, act: Act) -> None:
    async with client(timeout_s=0.4) as http:
        with meter() as spent, pytest.raises(Transient, match="did not answer in time"):
            await http.get_json(server.on("/x", act))
    assert spent.requests == server.count("/x") == 3


@pytest.mark.parametrize(
    "act", [endless_headers, endless_interim, endless()], ids=["headers", "interim", "body"]
)
async def test_endless_answers_are_cut_off_with_little_read(
    server: ScriptedServer, act: Act
) -> None:
    async with client(max_bytes=100_000, timeout_s=20.0) as http:
        with meter() as spent, pytest.raises(TooLarge):
            await http.get_json(server.on("/x", act))
        # The next one is served as if nothing had been, and nothing is left over for it.
        assert await http.get_json(server.on("/y", reply(body=b"1"))) == 1
    assert spent.bytes_in < 1_000_000


BROTLI_BOMB = bytes.fromhex(
    "cfffff7ff82700e2b14020f7fe9ffffffff04f00c4610180eefd7ffec1ebe39f0088c322001d747d"
)
"""50,000,000 zeros."""


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", gzip.compress(bytes(50_000_000))),
        ("deflate", zlib.compress(bytes(50_000_000))),
        ("br", BROTLI_BOMB),
        ("gzip, gzip", gzip.compress(gzip.compress(bytes(50_000_000)))),
    ],
    ids=["gzip", "deflate", "br", "twice"],  # processes must agree on the tests' names
)
async def test_bombs_do_not_unfold(server: ScriptedServer, encoding: str, bomb: bytes) -> None:
    async with client(max_bytes=200_000, timeout_s=20.0) as http:
        with meter() as spent, pytest.raises(TooLarge):
            await http.get_bytes(server.on("/x", reply(body=bomb, content_encoding=encoding)))
    assert spent.bytes_in < 1_000_000


async def test_every_loop_of_redirects_ends(server: ScriptedServer, http: HttpClient) -> None:
    server.on("/a", reply(301, location="/b"))
    server.on("/b", reply(302, location="/c"))
    server.on("/c", reply(307, location="/a"))
    with meter() as spent, pytest.raises(HttpRejected, match="without end"):
        await http.get_json(server.url + "/a")
    assert spent.requests == 4
    with pytest.raises(HttpRejected):
        await http.get_json(server.on("/nowhere", reply(302)))


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://metadata.google.internal./",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://172.16.0.1/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://[::1]:1/",
        "https://[::]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:a00:1::]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1.:1/",
        "https://localhost:1/",
        "https://localhost.:1/",
        "https://LOCALHOST:1/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "//10.0.0.1/",
        "https://example.com@10.0.0.1/",
        "https://10.0.0.1\\@example.com/",
        "https://[/",
        "//[::1",
    ],
)
async def test_no_redirect_leads_to_a_private_place(server: ScriptedServer, target: str) -> None:
    async def resolver(host: str, port: int) -> Sequence[str]:
        return ["169.254.169.254"]

    async with client(loopback=frozenset({server.url}), resolver=resolver) as http:
        with meter() as spent, pytest.raises(Rejected) as caught:
            await http.get_json(server.on("/x", reply(302, location=target)))
    assert not isinstance(caught.value, HttpRejected)
    assert spent.requests - spent.failures <= 2
    assert server.count("/x") == 1


async def test_an_answer_of_the_dns_that_changes_leads_nowhere_else() -> None:
    """Rebinding: the name is what it should be when it is checked, and something else after that.

    On this machine a name of its own has to stand for a public one: both are checked alike.
    """
    answers = [["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1", "10.0.0.1"]]
    asked: list[str] = []

    async def resolver(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    async with scripted_server() as server:
        server.on("/x", reply(body=b'"checked"'))
        url = f"http://localhost:{server.port}/x"
        async with client(resolver=resolver, timeout_s=5.0) as http:
            # One look-up, one check, and only that address is connected to, however often.
            assert {await http.get_json(url) for _ in range(5)} == {"checked"}
        assert asked == ["localhost"]
        server.calls.clear()
        for _ in range(2):
            async with client(resolver=resolver) as later:
                with pytest.raises(Rejected, match="not a public address"):
                    await later.get_json(url)
        assert not server.calls


async def test_a_pinned_address_is_the_one_that_is_connected_to() -> None:
    """The system would look `localhost` up to another address than the one that was checked."""

    async def resolver(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.7"]

    async with (
        scripted_server("127.0.0.7") as pinned,
        client(resolver=resolver, timeout_s=5.0) as http,
    ):
        pinned.on("/x", reply(body=b'"pinned"'))
        assert await http.get_json(f"http://localhost:{pinned.port}/x") == "pinned"


async def test_bad_tls_is_refused(tmp_path: Path) -> None:
    good = make_certificates(tmp_path, "localhost")
    wrong_name = make_certificates(tmp_path, "other.example")
    expired = make_certificates(tmp_path, "old.example", "localhost", days=-2)
    for certificates, trusted, fine in (
        (good, good, True),
        (good, None, False),
        (wrong_name, wrong_name, False),
        (expired, expired, False),
    ):
        ca_file = str(trusted.authority) if trusted else None
        async with (
            scripted_server(tls=certificates.server_context()) as server,
            client(ca_file=ca_file, timeout_s=5.0) as http,
        ):
            server.on("/x", reply(body=b"1"))
            url = f"https://localhost:{server.port}/x"
            if fine:
                assert await http.get_json(url) == 1
            else:
                with pytest.raises(Transient, match="cannot be reached"):
                    await http.get_json(url)
                assert not server.calls
    async with scripted_server() as plain, client(timeout_s=0.5) as http:
        with pytest.raises(Transient):
            await http.get_json(plain.on("/x", reply()).replace("http:", "https:"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{",
        b'{"a": NaN}',
        b"[" * 200_000,
        b'"\xff\xfe"',
        b'\xef\xbb\xbf{"a"',
        b"\0",
    ],
    ids=["empty", "html", "cut", "nan", "deep", "not-utf8", "marked", "zero"],
)
async def test_what_is_no_json_is_a_passing_fault(
    server: ScriptedServer, http: HttpClient, body: bytes
) -> None:
    with meter() as spent, pytest.raises(Transient, match="not JSON"):
        await http.get_json(server.on("/x", reply(body=body)))
    assert spent.requests == 3


@pytest.mark.parametrize(
    "encoding",
    ["gzip", "deflate", "br", "x-unknown", "gzip, br", ",".join(["gzip"] * 50)],
    ids=["gzip", "deflate", "br", "unknown", "two", "fifty"],
)
async def test_an_encoding_that_is_not_what_it_says_is_a_passing_fault(
    server: ScriptedServer, http: HttpClient, encoding: str
) -> None:
    with meter() as spent, pytest.raises(Transient):
        await http.get_json(server.on("/x", reply(body=b"\x01\x02{}", content_encoding=encoding)))
    assert spent.requests == 3


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"HELLO\r\n\r\n",
        b"HTTP/1.1 abc X\r\n\r\n",
        b"HTTP/1.1 200 X\r\ncontent-length: -5\r\n\r\n",
        b"HTTP/1.1 200 X\r\ncontent-length: 5\r\ncontent-length: 7\r\n\r\n12345",
        b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\nabc\r\n",
        b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nabc\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
    ids=["blank", "word", "status", "negative", "two-lengths", "chunk", "huge-chunk", "tls"],
)
async def test_what_is_no_http_is_a_passing_fault(server: ScriptedServer, raw: bytes) -> None:
    async def act(call: Call) -> None:
        call.writer.write(raw)
        await call.writer.drain()
        call.writer.close()

    async with client(timeout_s=5.0) as http:
        with meter() as spent, pytest.raises(Transient):
            await http.get_json(server.on("/x", act))
        assert spent.requests == 3
        assert await http.get_json(server.on("/y", reply(body=b"1"))) == 1


async def test_connections_are_used_again_and_dead_ones_are_replaced(
    server: ScriptedServer, http: HttpClient
) -> None:
    url = server.on("/x", reply(body=b"1"))
    for _ in range(50):
        await http.get_json(url)
    assert server.connections == 1
    await asyncio.gather(*(http.get_json(url) for _ in range(200)))
    assert server.connections <= 8
    before = server.connections
    closing = server.on("/close", reply(body=b"1", connection="close"))
    for _ in range(3):
        await http.get_json(closing)
    assert server.connections <= before + 3


async def test_one_bad_host_does_not_hold_up_the_others(server: ScriptedServer) -> None:
    async with (
        client(concurrency=8, per_host=4, timeout_s=2.0) as http,
        scripted_server("127.0.0.2") as hanging,
    ):
        bad = hanging.on("/x", drip(0.05))
        stuck = [asyncio.create_task(http.get_json(bad)) for _ in range(20)]
        await asyncio.sleep(0.1)
        good = server.on("/x", reply(body=b"1"))
        found = await asyncio.gather(*(http.get_json(good) for _ in range(50)))
        assert found == [1] * 50
        assert not any(task.done() for task in stuck[:4])
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
