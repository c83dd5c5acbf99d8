"""Work that looks at the judges themselves: comparisons and hostile profiles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from omni.api.deps import Deps
from omni.api.estimate import read_all_costs
from omni.api.idempotency import RunOnce
from omni.api.routes.params import RowId
from omni.api.routes.work import accept
from omni.api.schemas import JobAccepted, Page
from omni.api.schemas.costs import AllCostsOut
from omni.api.schemas.judge import AttackIn, AttackOut, CompareIn
from omni.base.errors import Conflict, Rejected
from omni.campaigns import store as campaigns
from omni.jobs.types import AttackJudge, CompareJudges
from omni.llm.types import read_judge
from omni.qualification import redteam_store as redteams
from omni.storage.db import Tx

router = APIRouter(tags=["judge"])

MAX_ATTACKS = 20


@router.post(
    "/campaigns/{campaign_id}/comparisons",
    status_code=202,
    response_model=JobAccepted,
    summary="Compare two judges",
)
async def compare(campaign_id: RowId, body: CompareIn, deps: Deps, once: RunOnce) -> Response:
    """Ask two judges, or one with two tasks, about the same candidates, on the campaign's budget.

    No verdict of it makes a lead. Where they disagree a person settles who is right.
    """
    left, right = _checked(body.left, "left"), _checked(body.right, "right")
    if (left, body.left_task) == (right, body.right_task):
        raise Rejected("is the same judge with the same task: nothing to compare", field="right")
    args = CompareJudges(
        campaign_id=campaign_id,
        left=body.left,
        right=body.right,
        sample=body.sample,
        seed=body.seed,
        left_task=body.left_task,
        right_task=body.right_task,
    )

    async def effect(tx: Tx) -> JobAccepted:
        campaign = await campaigns.get(tx, campaign_id)
        if not campaign.judge_share:
            raise Conflict("judges are off for this campaign: turn them on first")
        return await accept(tx, args, now=deps.clock())

    return await once.run(202, effect)


@router.post(
    "/judge/redteam", status_code=202, response_model=JobAccepted, summary="Attack a judge"
)
async def attack(body: AttackIn, deps: Deps, once: RunOnce) -> Response:
    """Show a judge hostile profiles; its calls are in the ledger, and belong to no campaign."""
    _checked(body.judge, "judge")

    async def effect(tx: Tx) -> JobAccepted:
        return await accept(tx, AttackJudge(judge=body.judge), now=deps.clock())

    return await once.run(202, effect)


@router.get("/judge/redteam", summary="Show what judges made of hostile profiles")
async def list_attacks(deps: Deps) -> Page[AttackOut]:
    """Show the last twenty reports, the newest first."""
    found = await redteams.list_attacks(deps.db, limit=MAX_ATTACKS)
    return Page(items=[AttackOut.model_validate(one) for one in found], next_cursor=None)


@router.get("/costs", summary="Show what all models were paid for")
async def get_all_costs(
    deps: Deps, days: Annotated[int, Query(ge=1, le=3_650)] = 30
) -> AllCostsOut:
    """Show calls and costs by day, model and purpose, those of no campaign included."""
    return await read_all_costs(deps, days)


def _checked(spec: str, field: str) -> tuple[str, str | None]:
    try:
        return read_judge(spec)
    except Rejected as error:
        raise Rejected(str(error), field=field) from error
