"""Every `MessageSender` with its `Inbox`, each with what the suite must know of its platform.

To add one: write an async context manager that yields a `MessengerCase`, and enter it in
`MESSENGERS`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from _pytest.mark.structures import ParameterSet

from omni.connectors.synthetic.inbox import SyntheticInbox
from omni.connectors.synthetic.sender import SyntheticSender
from omni.connectors.types import Credentials
from tests.conformance.bluesky_messenger import bluesky
from tests.conformance.mastodon_messenger import mastodon
from tests.conformance.matrix_messenger import matrix
from tests.conformance.messenger_case import Failure, MakeCase, MessengerCase
from tests.conformance.webhook_messenger import webhook
from tests.synthetic_fixtures import break_network, quick_client, running_network

_SYNTHETIC_FAULTS: Mapping[Failure, dict[str, object]] = {
    "lost answer": {"mode": "drop", "late": True},
    "garbage answer": {"mode": "garbage", "late": True},
    "server error": {"status": 502},
    "rate limit": {"status": 429, "retry_after": 0.2},
}


@asynccontextmanager
async def synthetic(request: pytest.FixtureRequest) -> AsyncGenerator[MessengerCase]:
    """The synthetic network, over HTTP."""
    folder: Path = request.getfixturevalue("tmp_path")
    with running_network(folder / "network.sqlite") as url:
        people = httpx.get(f"{url}/people?ids=" + ",".join(f"syn:{n}" for n in range(60)))  # noqa: ASYNC210
        known = people.raise_for_status().json()["people"]

        async def letters(person: str) -> list[dict[str, Any]]:
            async with httpx.AsyncClient(headers={"Authorization": "Bearer me"}) as client:
                found = (await client.get(f"{url}/messages")).json()["messages"]
            return [letter for letter in found if letter["to"] == person]

        async def taken(person: str) -> int:
            return sum([letter["calls"] for letter in await letters(person)])

        async def texts(person: str) -> list[str]:
            return [letter["text"] for letter in await letters(person)]

        async with quick_client(timeout_s=2.0) as http:
            yield MessengerCase(
                sender=SyntheticSender(http, url),
                inbox=SyntheticInbox(http, url),
                down=SyntheticSender(http, "http://127.0.0.1:9"),
                me=Credentials("me", "me:secret"),
                nobody=Credentials("nobody", "not a token"),
                people=tuple(p["id"] for p in known if p["accepts_messages"]),
                closed=next(p["id"] for p in known if not p["accepts_messages"]),
                gone="syn:999999",
                fail_next=lambda kind: break_network(
                    url, path="/messages", **_SYNTHETIC_FAULTS[kind]
                ),
                taken=taken,
                texts=texts,
            )


MESSENGERS: Mapping[str, tuple[MakeCase, tuple[pytest.MarkDecorator, ...]]] = {
    "bluesky": (bluesky, (pytest.mark.node, pytest.mark.xdist_group("atproto"))),
    "mastodon": (mastodon, (pytest.mark.xdist_group("mastodon"),)),
    "matrix": (matrix, (pytest.mark.xdist_group("matrix"),)),
    "synthetic": (synthetic, ()),
    "webhook": (webhook, ()),
}


def messenger_params() -> list[ParameterSet]:
    """Return every platform as a parameter of a test."""
    return [pytest.param(make, id=name, marks=marks) for name, (make, marks) in MESSENGERS.items()]
