"""Hands messages over to tools that people use already: as rows of a CSV file."""

from __future__ import annotations

from datetime import datetime

from omni.base.clock import Clock, utc_now
from omni.connectors.types import Credentials, Identity, Outgoing, Receipt


class ExportSender:
    """`MessageSender` for the people of one platform, by rows that are fetched as CSV.

    The ledger's row of a sent message is what is handed over, so nothing can be lost or doubled on
    the way: a message that was in doubt is in the file once it is recorded.

    Args:
        platform: Whose people they are for.
        clock: Tells when something is handed over.
    """

    def __init__(self, platform: str, *, clock: Clock = utc_now) -> None:
        self.platform = platform
        self._clock = clock

    async def verify(self, sender: Credentials) -> Identity:
        """Return the account: there is nobody who could refuse it."""
        return Identity(f"export:{sender.handle}", sender.handle)

    async def refusal(self, sender: Credentials, platform_id: str) -> str | None:
        """Return None: nobody tells here whom the platform lets be written to."""
        return None

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        """Let the message be in the file from now on."""
        return Receipt(f"export:{message.key}", self._clock())

    async def find_sent(
        self, sender: Credentials, message: Outgoing, since: datetime
    ) -> Receipt | None:
        """Return the receipt: handing over is the record itself, and reaches nobody before it."""
        return Receipt(f"export:{message.key}", self._clock())
