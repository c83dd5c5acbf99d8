"""Senders towards servers that answer oddly: nobody is written to, or invited, a second time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from omni.base.errors import Ambiguous, Rejected, Unauthorized
from omni.connectors.handover.webhook import WebhookSender
from omni.connectors.mastodon.sender import MastodonSender
from omni.connectors.matrix.sender import MatrixSender
from omni.connectors.types import Credentials, Outgoing
from tests.synthetic_fixtures import quick_client

ME = Credentials("ann", "a secret")
Answers = Callable[[str], tuple[int, object]]


@asynccontextmanager
async def answering(answers: Answers) -> AsyncGenerator[tuple[str, list[str]]]:
    """Serve these answers by request line; yield the address, and the lines as they come."""
    lines: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines.append(head.partition(" HTTP/")[0])
        status, body = answers(lines[-1])
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "text/html" if isinstance(body, bytes) else "application/json"
        fields = f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
        moved = "Location: /elsewhere\r\n" if 300 <= status < 400 else ""
        start = f"HTTP/1.1 {status} x\r\n{fields}{moved}Connection: close\r\n\r\n"
        writer.write(start.encode() + content)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}", lines


@pytest.mark.parametrize("status", [302, 303])
async def test_a_form_that_leads_on_may_have_been_taken(status: int) -> None:
    async with answering(lambda _: (status, {})) as (url, lines), quick_client() as http:
        sender = WebhookSender(http, f"{url}/messages", "file")
        with pytest.raises(Ambiguous):
            await sender.send(ME, Outgoing("p1", "Hello", "key"))
        assert lines == ["POST /messages"]


@pytest.mark.parametrize(
    ("body", "receipt"),
    [
        (b"ok", "webhook:key"),
        (b"<html>Thank you</html>", "webhook:key"),
        (b"\xff\xfe not text", "webhook:key"),
        (b"", "webhook:key"),
        (["taken"], "webhook:key"),
        ({"error": None, "success": True}, "webhook:key"),
        ({"id": "job-1"}, "job-1"),
    ],
)
async def test_whatever_a_receiver_says_with_2xx_it_has_taken_the_message(
    body: object, receipt: str
) -> None:
    async with answering(lambda _: (200, body)) as (url, lines), quick_client() as http:
        sender = WebhookSender(http, f"{url}/messages", "file")
        await sender.verify(ME)
        taken = await sender.send(ME, Outgoing("p1", "Hello", "key"))
        assert (taken.message_id, len(lines)) == (receipt, 2)


async def test_a_receiver_that_says_with_2xx_that_it_refuses_has_refused() -> None:
    said = {"error": "blocked", "message": "they asked us not to"}
    async with answering(lambda _: (200, said)) as (url, lines), quick_client() as http:
        sender = WebhookSender(http, f"{url}/messages", "file")
        with pytest.raises(Rejected, match="they asked us not to"):
            await sender.send(ME, Outgoing("p1", "Hello", "key"))
        with pytest.raises(Unauthorized, match="blocked"):
            await sender.verify(ME)
        assert len(lines) == 2


async def test_who_was_invited_to_a_room_that_could_not_be_noted_is_in_doubt() -> None:
    def answers(line: str) -> tuple[int, object]:
        if "account_data" in line:
            return (404, {"errcode": "M_NOT_FOUND"}) if line.startswith("GET") else (503, {})
        if "whoami" in line:
            return 200, {"user_id": "@ann:matrix.test"}
        return 200, {"room_id": "!r:matrix.test", "displayname": "Bob"}

    async with answering(answers) as (url, lines), quick_client() as http:
        sender = MatrixSender(http, url)
        with pytest.raises(Ambiguous):
            await sender.send(ME, Outgoing("@bob:matrix.test", "Hello", "key"))
        assert sum("createRoom" in line for line in lines) == 1


@pytest.mark.parametrize("text", ["Ask .@eve about it", "Hello.@eve@there.example", "(@eve)"])
async def test_a_text_that_would_reach_others_goes_to_nobody(text: str) -> None:
    who = "https://home.example/@bob"

    def answers(line: str) -> tuple[int, object]:
        if "relationships" in line:
            return 200, [{"id": "2"}]
        return 200, {"id": "2", "url": who, "acct": "bob@home.example", "username": "bob"}

    async with answering(answers) as (url, lines), quick_client() as http:
        with pytest.raises(Rejected, match="@eve"):
            await MastodonSender(http, url).send(ME, Outgoing(who, text, "key"))
        assert not any(line.startswith("POST") for line in lines)
