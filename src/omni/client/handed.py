"""Calls about messages that are handed over to other software."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from urllib.parse import quote

from omni.client.calls import Calls


class HandedCalls(Calls):
    """Messages as rows for tools that take a file."""

    async def handed_over(
        self, account_id: int, *, since: datetime | None = None
    ) -> AsyncIterator[bytes]:
        """Yield what an account hands over, CSV in UTF-8, piece by piece.

        Args:
            account_id: Whose messages.
            since: Only what was handed over after this moment, which has a zone.
        """
        query = f"?since={quote(since.isoformat(), safe='')}" if since else ""
        async for piece in self._transport.stream(f"/accounts/{account_id}/handed-over{query}"):
            yield piece
