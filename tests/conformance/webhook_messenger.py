"""The user's own sender behind a webhook, for the suite of messengers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from omni.connectors.handover.webhook import WebhookSender
from omni.connectors.types import Credentials
from tests.broken_proxy import broken_proxy
from tests.conformance.messenger_case import MessengerCase
from tests.synthetic_fixtures import quick_client
from tests.webhook_receiver import running_receiver

CLOSED = frozenset({"closed", "gone"})


@asynccontextmanager
async def webhook(request: pytest.FixtureRequest) -> AsyncGenerator[MessengerCase]:
    """A receiver that checks signatures, behind a broken proxy."""
    with (
        running_receiver("a secret", CLOSED) as receiver,
        broken_proxy(receiver.url, "^POST /messages$") as proxy,
    ):

        async def texts(person: str) -> list[str]:
            return [told["text"] for told in receiver.taken.values() if told["to"] == person]

        async def taken(person: str) -> int:
            return len(await texts(person))

        async with quick_client(timeout_s=5.0) as http:
            yield MessengerCase(
                sender=WebhookSender(http, f"{proxy.url}/messages", "file"),
                inbox=None,
                down=WebhookSender(http, "http://127.0.0.1:9/messages", "file"),
                me=Credentials("me", "a secret"),
                nobody=Credentials("me", "another secret"),
                people=tuple(f"p{number}" for number in range(10)),
                closed="closed",
                gone="gone",
                fail_next=proxy.failures.append,
                taken=taken,
                texts=texts,
                lacks={
                    "settings": "the receiver says whom it refuses when it is handed a message",
                    "thread": "a webhook has none",
                    "form": "a user's own sender answers as it likes",
                    "inbox": "answers come back by a webhook of the receiver's",
                },
            )
