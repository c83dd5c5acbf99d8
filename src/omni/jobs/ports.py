"""The door to the broker: it carries doorbells; what a ring means is in the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from omni.jobs.types import Delivery, QueueName

Answer = Callable[[Delivery], Awaitable[bool]]
"""Answers a ring: True when nothing is left to do for it, False to have it ring again elsewhere."""


class Consumer(Protocol):
    """Takes rings from one queue until it is closed."""

    async def close(self) -> None:
        """Take no more rings, and return when every answer has been given."""
        ...


class Broker(Protocol):
    """Brings rings from the relay to the workers, each at least once, unless its data are lost.

    Every method raises `Transient` when the broker cannot be reached.
    """

    async def publish(self, queue: QueueName, deliveries: Sequence[Delivery]) -> None:
        """Ring these doorbells. A ring that still waits or is being answered is not doubled."""
        ...

    def consume(self, queue: QueueName, answer: Answer, *, concurrency: int) -> Consumer:
        """Answer the rings of `queue`, at most `concurrency` at once, until the consumer is closed.

        A ring whose process dies is given to another consumer within seconds. Losing the broker
        does not end the consumer: it goes on when the broker is back.
        """
        ...

    async def epoch(self) -> str | None:
        """Return the mark that was last set, or None when the broker has lost its data."""
        ...

    async def set_epoch(self, mark: str) -> None:
        """Set the mark that lives and dies with the broker's data."""
        ...

    async def recall(self, name: str) -> str | None:
        """Return the word that was last remembered under a name, None if there is none."""
        ...

    async def remember(self, name: str, word: str) -> None:
        """Keep a word outside of the database, as long as the broker keeps its data."""
        ...

    async def ping(self) -> None:
        """Return when the broker answers."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
