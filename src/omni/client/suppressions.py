"""Calls about those who must not be written to."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Literal

from omni.api.schemas import Page, Suppressed, SuppressionOut
from omni.api.schemas.inbox import ConcernedOut, LiftOut, SuppressionFileOut
from omni.client.calls import Calls, given
from omni.leads.types import Scope

FILE_TIMEOUT_S = 300.0
"""The most seconds that one piece of a file, or the answer to the last one, may take."""


class SuppressionCalls(Calls):
    """Suppressions: one, many, a list, and lifting."""

    async def suppress(
        self,
        *,
        platform: str | None = None,
        platform_id: str | None = None,
        scope: Scope = "person",
        domain: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Suppressed:
        """Never write to a person (by id or username), a domain, a platform or anybody."""
        body = given(
            scope=scope, platform=platform, platform_id=platform_id, domain=domain, reason=reason
        )
        return await self._send(Suppressed, "POST", "/suppressions", body, idempotency_key)

    async def suppress_file(
        self,
        pieces: AsyncIterable[bytes],
        *,
        platform: str | None = None,
        reason: str | None = None,
        size: int | None = None,
    ) -> SuppressionFileOut:
        """Suppress everybody in a CSV file; it is sent as it is read, and never held whole.

        Args:
            pieces: The file, in order.
            platform: Of persons whose line names none.
            reason: Where a line gives none.
            size: Bytes, if they are known: a file that is too large is then refused at once.

        Raises:
            ApiProblem: It is too large (413; without `size`, what came before that showed stands).
            ApiUnreachable: It broke off; sending the whole file again goes on.
        """
        answer = await self._transport.send_pieces(
            "/suppressions/file",
            pieces,
            media_type="text/csv",
            params=given(platform=platform, reason=reason),
            size=size,
            timeout_s=FILE_TIMEOUT_S,
        )
        return SuppressionFileOut.model_validate_json(answer)

    async def list_suppressions(
        self,
        *,
        wide: bool = False,
        search: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[SuppressionOut]:
        """Return a page of those who must not be written to, newest first.

        Args:
            wide: Only domains, platforms and all.
            search: How the id, username or domain begins; the page is by name then.
            limit: The most.
            cursor: Of the page before.
        """
        query = {"wide": wide or None, "search": search, "limit": limit, "cursor": cursor}
        return await self._get(Page[SuppressionOut], "/suppressions", query)

    async def concerned_by(
        self,
        scope: Literal["domain", "platform", "all"],
        *,
        platform: str | None = None,
        domain: str | None = None,
    ) -> ConcernedOut:
        """Return how many waiting messages a suppression would hold."""
        query = {"scope": scope, "platform": platform, "domain": domain}
        return await self._get(ConcernedOut, "/suppressions/concerned", query)

    async def lift_suppression(self, suppression_id: int, because: str) -> LiftOut:
        """Take a suppression back, and say why."""
        path = f"/suppressions/{suppression_id}/lift"
        return await self._send(LiftOut, "POST", path, {"because": because})
