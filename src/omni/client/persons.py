"""Calls for people's rights: everything of one person, given out or removed."""

from __future__ import annotations

import asyncio
from uuid import UUID

from omni.api.schemas import Page
from omni.api.schemas.erasures import ErasureOut, PersonExport
from omni.client.calls import Calls

_FIRST_POLL_S = 0.1
_LAST_POLL_S = 1.0


class PersonCalls(Calls):
    """Exports and erasures."""

    async def export_person(self, platform: str, platform_id: str) -> PersonExport:
        """Return everything that is kept of a person."""
        body = {"platform": platform, "platform_id": platform_id}
        return await self._send(PersonExport, "POST", "/people/export", body)

    async def erase_person(
        self, platform: str, platform_id: str, *, idempotency_key: str | None = None
    ) -> ErasureOut:
        """Remove everything that is kept of a person, for good."""
        body = {"platform": platform, "platform_id": platform_id}
        return await self._send(ErasureOut, "POST", "/people/erase", body, idempotency_key)

    async def erasure(self, erasure_id: UUID | str) -> ErasureOut:
        """Return an erasure: how far it is, or its receipt."""
        return await self._get(ErasureOut, f"/erasures/{erasure_id}")

    async def list_erasures(
        self, *, limit: int = 50, cursor: str | None = None
    ) -> Page[ErasureOut]:
        """Return a page of erasures, newest first."""
        return await self._get(Page[ErasureOut], "/erasures", {"limit": limit, "cursor": cursor})

    async def wait_for_erasure(
        self,
        erasure_id: UUID | str,
        timeout: float = 60.0,  # noqa: ASYNC109 - bounds a loop, not one call
    ) -> ErasureOut:
        """Return the receipt of an erasure once it is done.

        Args:
            erasure_id: Which one.
            timeout: Seconds.

        Raises:
            TimeoutError: It is not done in time; it goes on.
        """
        wait = _FIRST_POLL_S
        async with asyncio.timeout(timeout):
            while (found := await self.erasure(erasure_id)).state != "done":
                await asyncio.sleep(wait)
                wait = min(wait * 1.5, _LAST_POLL_S)
        return found
