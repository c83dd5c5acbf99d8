"""Calls about judges."""

from __future__ import annotations

from omni.api.schemas import JobAccepted, Page
from omni.api.schemas.costs import AllCostsOut, CostsOut, EstimateOut
from omni.api.schemas.judge import (
    AttackOut,
    ComparisonOut,
    DisagreementOut,
    EvaluationOut,
    JudgesOut,
    PromptOut,
    RecordingOut,
)
from omni.client.calls import Calls, given


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

    async def evaluation(self, campaign_id: int) -> EvaluationOut:
        """Return how well a campaign's verdicts agree with what people decided."""
        return await self._get(EvaluationOut, f"/campaigns/{campaign_id}/evaluation")

    async def comparisons(self, campaign_id: int) -> list[ComparisonOut]:
        """Return how judges compared on a campaign's people, the newest first."""
        path = f"/campaigns/{campaign_id}/comparisons"
        return (await self._get(Page[ComparisonOut], path)).items

    async def compare_judges(
        self,
        campaign_id: int,
        *,
        left: str,
        right: str,
        sample: int | None = None,
        seed: str | None = None,
        left_task: str | None = None,
        right_task: str | None = None,
        idempotency_key: str | None = None,
    ) -> JobAccepted:
        """Start to ask two judges about the same candidates."""
        body = given(
            left=left, right=right, sample=sample, seed=seed, left_task=left_task,
            right_task=right_task,
        )  # fmt: skip
        path = f"/campaigns/{campaign_id}/comparisons"
        return await self._send(JobAccepted, "POST", path, body, idempotency_key)

    async def attack_judge(self, judge: str, *, idempotency_key: str | None = None) -> JobAccepted:
        """Start to show a judge hostile profiles."""
        body = given(judge=judge)
        return await self._send(JobAccepted, "POST", "/judge/redteam", body, idempotency_key)

    async def attacks(self) -> list[AttackOut]:
        """Return what judges made of hostile profiles, the newest first."""
        return (await self._get(Page[AttackOut], "/judge/redteam")).items

    async def all_costs(self, *, days: int = 30) -> AllCostsOut:
        """Return what all calls of models were for, and what they cost."""
        return await self._get(AllCostsOut, "/costs", {"days": days})

    async def disagreements(
        self, campaign_id: int, *, only_open: bool = True, limit: int = 50
    ) -> list[DisagreementOut]:
        """Return the people about whom judges disagreed, the newest first."""
        path = f"/campaigns/{campaign_id}/disagreements"
        params = {"only_open": str(only_open).lower(), "limit": limit}
        return (await self._get(Page[DisagreementOut], path, params)).items

    async def lead_recordings(self, lead_id: int) -> list[RecordingOut]:
        """Return what was asked and answered for the verdict that a lead comes from."""
        return (await self._get(Page[RecordingOut], f"/leads/{lead_id}/recordings")).items

    async def recordings(self, campaign_id: int, profile_id: int) -> list[RecordingOut]:
        """Return what judges were asked and said about a person in a campaign, newest first."""
        path = f"/campaigns/{campaign_id}/recordings/{profile_id}"
        return (await self._get(Page[RecordingOut], path)).items

    async def settle_disagreement(self, disagreement_id: int, *, fits: bool) -> None:
        """Say whether the person fits."""
        await self._transport.send("PUT", f"/disagreements/{disagreement_id}", {"fits": fits})

    async def estimate(self, campaign_id: int, *, limit: int | None = None) -> EstimateOut:
        """Return what the next qualification will probably take and cost."""
        path = f"/campaigns/{campaign_id}/estimate"
        return await self._get(EstimateOut, path, {"limit": limit})

    async def costs(self, campaign_id: int, *, days: int = 30) -> CostsOut:
        """Return what a campaign's models were called for, and what it cost."""
        return await self._get(CostsOut, f"/campaigns/{campaign_id}/costs", {"days": days})
