"""Mastodon for the suite of messengers: a server that we did not write, behind a broken proxy."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from omni.connectors.mastodon.inbox import MastodonInbox
from omni.connectors.mastodon.sender import MastodonSender
from omni.connectors.types import Credentials
from tests.broken_proxy import broken_proxy
from tests.conformance.messenger_case import MessengerCase
from tests.mastodon_server import MastodonPerson, MastodonServer
from tests.synthetic_fixtures import quick_client


@asynccontextmanager
async def mastodon(request: pytest.FixtureRequest) -> AsyncGenerator[MessengerCase]:
    """A server with Mastodon's API."""
    server: MastodonServer = request.getfixturevalue("mastodon_server")
    plain = [person for person in server.people if person.role == "plain" and person.token]
    me, closed, *people = plain[:13]
    await block(server, closed, me)
    by_url = {person.url: person for person in [closed, *people]}
    home = server.url.removeprefix("http://")
    began = datetime.now(UTC)
    with broken_proxy(server.url, r"^POST /api/v1/statuses$") as proxy:
        # The server's people live at its own address, which the proxy's guest knows as elsewhere.
        proxy.rewrite = lambda query: query.replace("%40" + home.replace(":", "%3A"), "")

        def written(person: str) -> list[str]:
            texts = [json.loads(body)["status"] for body in proxy.carried_out]
            named = f"@{by_url[person].acct} " if person in by_url else "@"
            return [text.removeprefix(named) for text in texts if text.startswith(named)]

        async def taken(person: str) -> int:
            return len(written(person))

        async def texts(person: str) -> list[str]:
            found = await mentions(server, by_url[person])
            fresh = [s for s in found if datetime.fromisoformat(s["created_at"]) >= began]
            async with client(server, me) as asking:
                sources = [await asking.get(f"/api/v1/statuses/{s['id']}/source") for s in fresh]
            named = f"@{by_url[person].acct} "
            return [source.json()["text"].removeprefix(named) for source in sources]

        async def reply(person: str, text: str) -> None:
            await answer(server, by_url[person], me, text)

        async with quick_client(timeout_s=5.0) as http:
            yield MessengerCase(
                sender=MastodonSender(http, proxy.url),
                inbox=MastodonInbox(http, proxy.url),
                down=MastodonSender(http, "http://127.0.0.1:9"),
                me=Credentials(me.username, me.token),
                nobody=Credentials(me.username, "not-a-token"),
                people=tuple(person.url for person in people),
                closed=closed.url,
                gone=f"{server.url}/@nobody_here",
                fail_next=proxy.failures.append,
                taken=taken,
                texts=texts,
                reply=reply,
            )


def client(server: MastodonServer, person: MastodonPerson) -> httpx.AsyncClient:
    """Return a client that asks as this person."""
    headers = {"Authorization": f"Bearer {person.token}"}
    return httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30)


async def block(server: MastodonServer, who: MastodonPerson, whom: MastodonPerson) -> None:
    """Let one person block another."""
    async with client(server, who) as asking:
        account_id = server.account(whom.acct)["id"]
        done = await asking.post(f"/api/v1/accounts/{account_id}/block")
        done.raise_for_status()


async def mentions(server: MastodonServer, person: MastodonPerson) -> list[dict[str, Any]]:
    """Return the statuses that mention this person, newest first."""
    async with client(server, person) as asking:
        found = await asking.get("/api/v1/notifications", params={"types[]": "mention"})
        return [each["status"] for each in found.raise_for_status().json()]


async def answer(
    server: MastodonServer, who: MastodonPerson, whom: MastodonPerson, text: str
) -> None:
    """Answer the last direct status."""
    last = (await mentions(server, who))[0]
    async with client(server, who) as asking:
        done = await asking.post(
            "/api/v1/statuses",
            json={
                "status": f"@{whom.acct} {text}",
                "visibility": "direct",
                "in_reply_to_id": last["id"],
            },
        )
        done.raise_for_status()
