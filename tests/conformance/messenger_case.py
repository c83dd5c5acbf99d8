"""What the suite of messengers must know of a platform that messages can be sent on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest

from omni.connectors.ports import Inbox, MessageSender
from omni.connectors.types import Credentials, Outgoing

Failure = Literal["lost answer", "garbage answer", "server error", "rate limit", "stale token"]


async def _by_themselves(person: str, text: str) -> None:
    """People of this platform answer when they feel like it."""


@dataclass(frozen=True, slots=True)
class MessengerCase:
    """A platform that messages can be sent on.

    Attributes:
        sender: What is tested.
        inbox: Reads what came back.
        down: A sender to the same platform at an address where nobody listens.
        me: An account that may send.
        nobody: Credentials that the platform does not take.
        people: Ids of people who accept messages, at least ten.
        closed: The id of somebody who does not accept messages.
        gone: A well-formed id of nobody.
        fail_next: Lets the next message meet a failure.
        taken: Counts the requests for a message to this person that the platform carried out.
        texts: Tells what this person has received in this test.
        reply: Lets somebody who was written to answer; at least one of the first ten does.
        lacks: Which of `settings`, `thread`, `inbox` and a `form` of answers the platform cannot
            have, each with the reason.
        nonce: Parts this test's messages from those of others on the same server.
    """

    sender: MessageSender
    inbox: Inbox | None
    down: MessageSender
    me: Credentials
    nobody: Credentials
    people: tuple[str, ...]
    closed: str
    gone: str
    fail_next: Callable[[Failure], None]
    taken: Callable[[str], Awaitable[int]]
    texts: Callable[[str], Awaitable[list[str]]]
    reply: Callable[[str, str], Awaitable[None]] = _by_themselves
    lacks: Mapping[str, str] = field(default_factory=dict[str, str])
    nonce: str = field(default_factory=lambda: uuid4().hex[:12])

    def to(self, person: str) -> Outgoing:
        """Return this test's message to somebody."""
        return Outgoing(person, f"Hello {self.nonce}! Would you like to talk?", self.key(person))

    def key(self, person: str) -> str:
        """Return the key of this test's message to somebody."""
        return str(uuid5(NAMESPACE_URL, f"{self.nonce}:{person}"))


MakeCase = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[MessengerCase]]
