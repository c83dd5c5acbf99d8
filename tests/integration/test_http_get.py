"""Conditional requests, links, forms, what a piece of work costs, and what is told of hosts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from omni.base.errors import Rejected, Transient
from omni.connectors.http import HttpClient, HttpRejected, Validators, meter
from tests.http_fixtures import Call, ScriptedServer, client, hang, reply, scripted_server


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with client() as made:
        yield made


async def unless_known(call: Call) -> None:
    """Answer as a server with one version of a page."""
    known = call.headers.get("if-none-match") == '"v1"'
    act = reply(304, b"", etag='"v1"') if known else reply(body=b"page", etag='"v1"')
    await act(call)


async def test_what_has_not_changed_is_not_sent_again(
    server: ScriptedServer, http: HttpClient
) -> None:
    url = server.on("/page", unless_known)
    first = await http.get(url)
    again = await http.get(url, validators=first.validators)
    other = await http.get(url, validators=Validators(etag='"v0"'))
    assert (first.status, first.body) == ("ok", b"page")
    assert (again.status, again.body, again.validators) == ("not_modified", b"", first.validators)
    assert (other.status, other.body) == ("ok", b"page")
    date = "Wed, 01 Jul 2026 12:00:00 GMT"
    old = server.on("/old", reply(304, b""))
    unchanged = await http.get(old, validators=Validators(last_modified=date))
    assert server.calls[-1].headers["if-modified-since"] == date
    assert unchanged.validators == Validators(last_modified=date)
    with pytest.raises(HttpRejected):  # nobody asked whether it had changed
        await http.get(old)


async def test_an_answer_tells_where_it_is_from_and_how_to_read_it(
    server: ScriptedServer, http: HttpClient
) -> None:
    link = '</next?a=1,2>; rel="next", <https://x.example/p>; title="a, b"; rel=prev'
    there = server.on(
        "/there",
        reply(body="Å".encode("latin-1"), link=link, content_type="Text/HTML; charset=ISO-8859-1"),
    )
    got = await http.get(server.on("/here", reply(302, location=there)), accept="text/html, x/*")
    assert got.url == there
    assert (got.content_type, got.charset, got.text()) == ("text/html", "iso8859-1", "Å")
    assert got.link("next") == f"{server.url}/next?a=1,2"
    assert got.link("prev") == "https://x.example/p"
    assert got.link("last") is None
    broken = replace(got, headers={"link": '<http://[::1>; rel=next, <//[>; rel="next"'})
    assert broken.link("next") is None
    mended = replace(got, headers={"link": '<http://[>; rel=next, </n>; rel="next"'})
    assert mended.link("next") == f"{server.url}/n"
    nonsense = server.on("/x", reply(body=b"\xff", content_type="text/plain; charset=zip"))
    assert (await http.get(nonsense)).charset is None
    with pytest.raises(HttpRejected, match="not image"):
        await http.get(nonsense, accept="image/*")


async def test_json_that_is_none_is_tried_again_where_json_was_asked_for(
    server: ScriptedServer, http: HttpClient
) -> None:
    url = server.on("/x", reply(body=b"<"), reply(body=b"[1]", content_type="text/plain"))
    assert (await http.get(url, accept="application/json")).json() == [1]
    garbage = await http.get(server.on("/y", reply(body=b"<")))
    with pytest.raises(Transient):
        garbage.json()


async def test_puts_and_forms(server: ScriptedServer, http: HttpClient) -> None:
    put = server.on("/put", reply(500), reply(body=b'{"event_id": "$1"}'))
    assert await http.put_json(put, json={"body": "hi"}) == {"event_id": "$1"}
    assert [(c.method, c.body) for c in server.calls] == [("PUT", b'{"body":"hi"}')] * 2
    form = server.on("/token", reply())
    await http.post_form(form, form={"grant_type": "code", "code": "a&b"})
    assert server.calls[-1].body == b"grant_type=code&code=a%26b"
    assert server.calls[-1].headers["content-type"] == "application/x-www-form-urlencoded"
    # A handle that has put is used again to get.
    assert await http.get_json(server.on("/get", reply(body=b"1"))) == 1
    assert (server.calls[-1].method, server.calls[-1].body) == ("GET", b"")


async def test_a_meter_counts_what_happens_inside_it(
    server: ScriptedServer, http: HttpClient
) -> None:
    url = server.on("/x", reply(503), reply(body=b"1" * 100))
    with meter() as outer:
        await http.get_json(url)
        with meter() as inner:
            await asyncio.gather(*(asyncio.create_task(http.get_json(url)) for _ in range(3)))
    await http.get_json(url)
    assert (inner.requests, inner.failures, inner.bytes_in) == (3, 0, 300)
    assert (outer.requests, outer.failures, outer.bytes_in) == (5, 1, 402)
    assert outer.waited_s > 0


async def test_each_host_has_its_metrics(server: ScriptedServer) -> None:
    async with client(timeout_s=0.4) as http, scripted_server("127.0.0.2") as other:
        await http.get_json(server.on("/x", reply(503), reply(body=b"1")))
        with pytest.raises(Transient):
            await http.get_json(other.on("/x", hang))
        with pytest.raises(Transient):
            await http.get_json(other.on("/y", reply(429, b"", retry_after="60")))
        with pytest.raises(Rejected):
            await http.get_json("http://10.0.0.1/")
        broken, fine = http.metrics()
    assert (fine.host, fine.requests, fine.errors) == (server.url[7:], 2, {"status 503": 1})
    assert (fine.bytes_in, fine.p50_ms is not None) == (3, True)
    assert (broken.host, broken.state) == (other.url[7:], "paused")
    assert (broken.errors, broken.limited) == ({"timeout": 3}, 1)
    assert 50 < broken.next_try_s <= 60
    assert broken.concurrency < fine.concurrency <= 8
