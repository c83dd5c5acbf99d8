"""Calls about leads as files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Literal, get_args

from omni.client.calls import Calls

LeadFormat = Literal["csv", "jsonl", "parquet"]
LEAD_FORMATS: tuple[LeadFormat, ...] = get_args(LeadFormat)


class LeadFileCalls(Calls):
    """A campaign's leads for other tools."""

    async def lead_file(
        self,
        campaign_id: int,
        format: LeadFormat,
        *,
        state: str | None = None,
        counted: Callable[[int], None] | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield a campaign's leads as a file, best first, piece by piece.

        Args:
            campaign_id: Whose leads.
            format: `csv`, `jsonl` or `parquet`.
            state: Only leads in this state.
            counted: Called once, before the first piece, with how many leads come.

        Raises:
            ApiUnreachable: It broke off: what came is not the whole file.
        """

        def begun(headers: Mapping[str, str]) -> None:
            if counted is not None:
                counted(int(headers.get("X-Total-Count", 0)))

        path = f"/campaigns/{campaign_id}/leads.{format}"
        async for piece in self._transport.stream(path, {"state": state}, begun=begun):
            yield piece
