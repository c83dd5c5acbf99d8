"""The ports that a platform's connector implements; one conformance suite checks them all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from omni.connectors.types import (
    Credentials,
    Identity,
    InboxPage,
    Outgoing,
    RawProfile,
    Receipt,
    RefPage,
    Seed,
)


class ProfileSource(Protocol):
    """Reads public profiles. Every method is one bounded call; the crawler holds the loop."""

    platform: str
    seed_types: frozenset[str]
    batch_size: int
    """The most ids that one `fetch` takes."""

    async def expand(self, seed: Seed, cursor: str | None) -> RefPage:
        """Return one page of the people that `seed` leads to.

        Raises:
            Rejected: The seed type or value is not one that the platform knows.
            Transient: The platform did not answer well, after the HTTP layer's bounded retries.
        """
        ...

    async def fetch(self, platform_ids: Sequence[str]) -> Sequence[RawProfile]:
        """Return the profiles that still exist and may be shown, in any order, nobody twice.

        Who is gone is left out. Who asks not to be found is left out, or is not `discoverable`.

        Raises:
            Rejected: More ids than `batch_size`.
            Transient: As in `expand`.
        """
        ...


class PageMemory(Protocol):
    """Remembers what was read of an address, across runs and processes."""

    async def recall(self, url: str) -> tuple[str | None, str | None, dict[str, Any]] | None:
        """Return entity tag, date and reading of a page; None if it was never kept."""
        ...

    async def keep(
        self, url: str, *, etag: str | None, last_modified: str | None, reading: dict[str, Any]
    ) -> None:
        """Keep what a page said, and by what its server tells whether it still does."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A source that asks only for what has changed, if it is given a memory."""

    def use_memory(self, memory: PageMemory) -> None:
        """Remember pages there."""
        ...


class MessageSender(Protocol):
    """Sends one direct message, once, and tells what became of it."""

    platform: str

    async def verify(self, sender: Credentials) -> Identity:
        """Return who the account is at its platform, which shows that the credentials are good.

        Raises:
            Unauthorized: The platform does not accept them, or they may not send messages.
            Rejected: They belong to somebody else than they say, or make no sense.
            Transient: The platform did not answer well.
        """
        ...

    async def refusal(self, sender: Credentials, platform_id: str) -> str | None:
        """Return why this person may not be written to now, in words; None if they may.

        It is the person's own setting as the platform tells it at this moment, or that they are
        gone. One bounded read, made before the wire.

        Raises:
            Unauthorized: The platform does not accept the account.
            Transient: The platform did not answer well: nobody knows, so nothing may be sent.
        """
        ...

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        """Hand the message over; never retried below this call.

        Raises:
            Rejected: The recipient refuses, or is gone: the platform surely did not take it.
            Unauthorized: The platform does not accept the account: surely not taken.
            Transient: Surely not taken (connection refused, 429): may be tried again.
            Ambiguous: Perhaps taken (a timeout after the request was written).
        """
        ...

    async def find_sent(
        self, sender: Credentials, message: Outgoing, since: datetime
    ) -> Receipt | None:
        """Read the thread back for a message that was perhaps taken; nothing is written.

        Args:
            sender: The account that sent it, perhaps.
            message: What was handed over.
            since: When it was about to be handed over; what was sent well before is another one.

        Returns:
            Its receipt; None if it is surely not there, as far as the platform shows.

        Raises:
            CannotTell: The platform keeps no thread to read, or shows too little of it.
            Unauthorized: The platform does not accept the account.
            Transient: The platform did not answer well.
        """
        ...


class Inbox(Protocol):
    """Reads what came back to an account."""

    platform: str

    async def poll(self, owner: Credentials, cursor: str | None) -> InboxPage:
        """Return the events after `cursor`, oldest first.

        Raises:
            Unauthorized: The platform does not accept the account.
            Transient: The platform did not answer well.
        """
        ...
