"""Calls about judges."""

from __future__ import annotations

from omni.api.schemas.judge import JudgesOut, PromptOut
from omni.client.calls import Calls


class JudgeCalls(Calls):
    """Judges, and what they are asked."""

    async def judges(self) -> JudgesOut:
        """Return the judges, and whether they can work now."""
        return await self._get(JudgesOut, "/judge")

    async def prompt(
        self, *, campaign_id: int | None = None, profile_id: int | None = None
    ) -> PromptOut:
        """Return what a judge is asked, with a campaign's part, about a person."""
        return await self._get(
            PromptOut, "/prompt", {"campaign_id": campaign_id, "profile_id": profile_id}
        )
