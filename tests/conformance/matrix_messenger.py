"""Matrix for the suite of messengers: a real homeserver behind a broken proxy."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from omni.connectors.matrix.inbox import MatrixInbox
from omni.connectors.matrix.sender import MatrixSender
from omni.connectors.types import Credentials, Outgoing
from tests.broken_proxy import broken_proxy
from tests.conformance.messenger_case import MessengerCase
from tests.synapse_server import API, MatrixPerson, SynapseServer
from tests.synthetic_fixtures import quick_client

SEND = r"^PUT /_matrix/client/v3/rooms/[^/]+/send/"


@asynccontextmanager
async def matrix(request: pytest.FixtureRequest) -> AsyncGenerator[MessengerCase]:
    """A Matrix homeserver."""
    server: SynapseServer = request.getfixturevalue("synapse_server")
    plain = [person for person in server.people if person.role == "plain"]
    me, closed, *people = plain[:13]
    account = Credentials(me.user_id, me.token)
    by_id = {person.user_id: person for person in [closed, *people]}
    began = datetime.now(UTC)
    with broken_proxy(server.url, SEND) as proxy:
        proxy.stale_token = (401, b'{"errcode":"M_UNKNOWN_TOKEN","error":"Token has expired"}')
        async with quick_client(timeout_s=5.0) as http:
            sender = MatrixSender(http, proxy.url)
            await decline(server, sender, account, closed)
            proxy.carried_out.clear()

            async def texts(person: str) -> list[str]:
                found = await messages(server, by_id[person], me) if person in by_id else []
                moments = [e["origin_server_ts"] / 1000 for e in found]
                return [
                    event["content"]["body"]
                    for event, at in zip(found, moments, strict=True)
                    if at >= began.timestamp()
                ]

            async def taken(person: str) -> int:
                bodies = {json.loads(body)["body"] for body in proxy.carried_out}
                return sum(text in bodies for text in await texts(person))

            async def reply(person: str, text: str) -> None:
                await answer(server, by_id[person], me, text)

            yield MessengerCase(
                sender=sender,
                inbox=MatrixInbox(http, proxy.url),
                down=MatrixSender(http, "http://127.0.0.1:9"),
                me=account,
                nobody=Credentials(me.user_id, "not-a-token"),
                people=tuple(person.user_id for person in people),
                closed=closed.user_id,
                gone="@nobody-here:matrix.test",
                fail_next=proxy.failures.append,
                taken=taken,
                texts=texts,
                reply=reply,
            )


async def call(
    server: SynapseServer, person: MatrixPerson, method: str, path: str, body: Any = None
) -> Any:
    """Ask the homeserver as this person."""
    headers = {"Authorization": f"Bearer {person.token}"}
    async with httpx.AsyncClient(base_url=server.url + API, headers=headers, timeout=30) as client:
        done = await client.request(method, path, json=body)
        return done.raise_for_status().json()


async def room_with(server: SynapseServer, person: MatrixPerson, other: MatrixPerson) -> str | None:
    """Return the last room to which one person was invited by the other, and join it."""
    sync = (await call(server, person, "GET", "/sync?timeout=0"))["rooms"]
    for room, known in sync.get("invite", {}).items():
        senders = {event["sender"] for event in known["invite_state"]["events"]}
        if other.user_id in senders:
            await call(server, person, "POST", f"/join/{quote(room)}", {})
            return room
    direct: list[str] = []
    for room in sync.get("join", {}):
        members = (await call(server, person, "GET", f"/rooms/{quote(room)}/joined_members"))[
            "joined"
        ]
        if set(members) == {person.user_id, other.user_id}:
            direct.append(room)
    return direct[-1] if direct else None


async def messages(
    server: SynapseServer, person: MatrixPerson, other: MatrixPerson
) -> list[dict[str, Any]]:
    """Return what the other one wrote to this person, oldest first."""
    room = await room_with(server, person, other)
    if room is None:
        return []
    path = f"/rooms/{quote(room)}/messages?dir=b&limit=100"
    chunk = (await call(server, person, "GET", path))["chunk"]
    return [
        event
        for event in reversed(chunk)
        if event["type"] == "m.room.message" and event["sender"] == other.user_id
    ]


async def answer(
    server: SynapseServer, person: MatrixPerson, other: MatrixPerson, text: str
) -> None:
    """Let this person answer the other one."""
    room = await room_with(server, person, other)
    assert room is not None
    path = f"/rooms/{quote(room)}/send/m.room.message/{datetime.now(UTC).timestamp()}"
    await call(server, person, "PUT", path, {"msgtype": "m.text", "body": text})


async def decline(
    server: SynapseServer, sender: MatrixSender, account: Credentials, person: MatrixPerson
) -> None:
    """Let a person leave the conversation with the account, if they have not yet."""
    if await sender.refusal(account, person.user_id) is None:
        await sender.send(account, Outgoing(person.user_id, "Hello", f"first-{person.user_id}"))
        invited = (await call(server, person, "GET", "/sync?timeout=0"))["rooms"]["invite"]
        for room in invited:
            await call(server, person, "POST", f"/rooms/{quote(room)}/leave", {})
