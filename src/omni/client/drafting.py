"""Calls about drafts: looked at beforehand, approved, edited and rejected many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omni.api.schemas.drafting import AutopilotOut, BatchOut
from omni.client.calls import Calls


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
        self, texts: Mapping[int, str], *, idempotency_key: str | None = None
    ) -> BatchOut:
        """Give messages other texts, by their ids; that voids approvals."""
        items = [{"id": number, "body": text} for number, text in texts.items()]
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

    async def autopilot(self, campaign_id: int) -> AutopilotOut:
        """Return how many messages of a campaign may go without a look, and how many did."""
        return await self._get(AutopilotOut, f"/campaigns/{campaign_id}/autopilot")

    async def set_autopilot(self, campaign_id: int, daily_cap: int | None) -> AutopilotOut:
        """Let so many messages go without a look in any 24 hours; None: none."""
        path = f"/campaigns/{campaign_id}/autopilot"
        return await self._send(AutopilotOut, "PUT", path, {"daily_cap": daily_cap})
