"""Calls about drafts: looked at beforehand, approved, edited and rejected many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omni.api.schemas import JobAccepted
from omni.api.schemas.drafting import AutopilotOut, BatchOut, DraftingOut, DraftsPreview
from omni.campaigns.types import MessageWriter
from omni.client.calls import Calls, given


class DraftingCalls(Calls):
    """Batches of messages, and the autopilot."""

    async def approve_messages(
        self, hashes: Mapping[int, str], *, idempotency_key: str | None = None
    ) -> BatchOut:
        """Approve exactly the texts that were read.

        Args:
            hashes: The `body_hash` of each message, by its id.
            idempotency_key: Makes sending this again harmless.
        """
        items = [{"id": number, "body_hash": digest} for number, digest in hashes.items()]
        path = "/messages/approve"
        return await self._send(BatchOut, "POST", path, {"items": items}, idempotency_key)

    async def edit_messages(
        self,
        texts: Mapping[int, str],
        *,
        read: Mapping[int, str] | None = None,
        idempotency_key: str | None = None,
    ) -> BatchOut:
        """Give messages other texts, by their ids; that voids approvals.

        Args:
            texts: The new texts.
            read: The `body_hash` of what was read: who has another text by now is a conflict.
            idempotency_key: Makes sending this again harmless.
        """
        known = read or {}
        items = [
            {"id": number, "body": text} | given(body_hash=known.get(number))
            for number, text in texts.items()
        ]
        return await self._send(
            BatchOut, "POST", "/messages/edit", {"items": items}, idempotency_key
        )

    async def reject_messages(
        self, ids: Sequence[int], *, idempotency_key: str | None = None
    ) -> BatchOut:
        """Cancel messages for good."""
        return await self._send(
            BatchOut, "POST", "/messages/reject", {"ids": list(ids)}, idempotency_key
        )

    async def drafting(self, campaign_id: int) -> DraftingOut:
        """Return why nobody is drafted for at this moment; `reason` is None where they are."""
        return await self._get(DraftingOut, f"/campaigns/{campaign_id}/drafts")

    async def preview_drafts(
        self,
        campaign_id: int,
        *,
        limit: int = 5,
        message_template: str | None = None,
        writer: MessageWriter | None = None,
    ) -> DraftsPreview:
        """Return what the best leads would get; a template that is given is tried, not kept."""
        body = given(limit=limit, message_template=message_template, writer=writer)
        path = f"/campaigns/{campaign_id}/drafts/preview"
        return await self._send(DraftsPreview, "POST", path, body)

    async def write_drafts(
        self, campaign_id: int, *, limit: int = 5, idempotency_key: str | None = None
    ) -> JobAccepted:
        """Let the model write what a preview shows."""
        path = f"/campaigns/{campaign_id}/drafts/write"
        return await self._send(JobAccepted, "POST", path, {"limit": limit}, idempotency_key)

    async def autopilot(self, campaign_id: int) -> AutopilotOut:
        """Return how many messages of a campaign may go without a look, and how many did."""
        return await self._get(AutopilotOut, f"/campaigns/{campaign_id}/autopilot")

    async def set_autopilot(self, campaign_id: int, daily_cap: int | None) -> AutopilotOut:
        """Let so many messages go without a look in any 24 hours; None: none."""
        path = f"/campaigns/{campaign_id}/autopilot"
        return await self._send(AutopilotOut, "PUT", path, {"daily_cap": daily_cap})
