"""Judges: how they do, and what they are asked."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from omni.api.deps import Deps, Judging
from omni.api.estimate import estimate_run, read_costs
from omni.api.routes.params import Limit, OptionalId, RowId
from omni.api.schemas import Page
from omni.api.schemas.costs import CostsOut, EstimateOut
from omni.api.schemas.judge import (
    ComparisonOut,
    DisagreementOut,
    EvaluationOut,
    JudgeOut,
    JudgesOut,
    PromptOut,
    SettleDisagreementIn,
)
from omni.campaigns import store as campaigns
from omni.leads.labels_store import list_labels
from omni.llm.types import images_of
from omni.predicate.plan import compile_criteria
from omni.qualification import comparison_store as comparisons
from omni.qualification import judging_store as judging
from omni.qualification.evaluation_plan import draw, evaluate
from omni.qualification.plan import PROMPT_VERSION, build_question
from omni.qualification.types import asked_version

router = APIRouter(tags=["judge"])

MAX_COMPARISONS = 20


@router.get("/judge", summary="Show the judges")
async def get_judges(deps: Deps) -> JudgesOut:
    """Ask each judge's server whether it and its model are there; no model is called."""
    found = await asyncio.gather(*(_look(judge) for judge in deps.judges))
    return JudgesOut(judges=found, prompt_version=PROMPT_VERSION)


@router.get("/prompt", summary="Show the prompt")
async def get_prompt(
    deps: Deps, campaign_id: OptionalId = None, profile_id: OptionalId = None
) -> PromptOut:
    """Show what a judge is asked, with a campaign's criteria and brief, about a person.

    What is left out is empty in it. Pictures are those that the first judge is shown.
    """
    campaign = None if campaign_id is None else await campaigns.get(deps.db, campaign_id)
    seen = None if profile_id is None else await judging.get_view(deps.db, profile_id)
    most = images_of(deps.judges[0].model) if deps.judges else 0
    pictures: list[str] = []
    if profile_id is not None and most:
        shown = await judging.get_view_shown(deps.db, profile_id, deps.judges[0].model)
        pictures = shown.split("+")[1:]
    asked = build_question(
        brief=campaign.brief if campaign else "",
        criteria=campaign.criteria if campaign else {},
        english=compile_criteria(campaign.criteria).english if campaign else "(of the campaign)",
        view=seen.view if seen else {},
        pictures=len(pictures),
    )
    version = asked_version(campaign, PROMPT_VERSION) if campaign else PROMPT_VERSION
    return PromptOut(
        version=version,
        system=asked.system,
        user=asked.user,
        answer_schema=asked.schema,
        pictures=pictures,
        most_pictures=most,
    )


async def _look(judge: Judging) -> JudgeOut:
    health = await judge.health()
    return JudgeOut(
        model=judge.model,
        ok=health.ok,
        detail=health.detail,
        models=list(health.models),
        concurrency=judge.concurrency,
    )


@router.get("/campaigns/{campaign_id}/evaluation", summary="Hold verdicts against decisions")
async def get_evaluation(campaign_id: RowId, deps: Deps) -> EvaluationOut:
    """Tell precision, recall and calibration of the verdicts, as far as people's decisions go."""
    campaign = await campaigns.get(deps.db, campaign_id)
    found = evaluate(await list_labels(deps.db, campaign), campaign.threshold)
    told = EvaluationOut.model_validate(found)
    return told.model_copy(update={"svg": draw(found)})


@router.get("/campaigns/{campaign_id}/estimate", summary="Estimate the next run")
async def get_estimate(
    campaign_id: RowId, deps: Deps, limit: Annotated[int | None, Query(ge=1, le=10_000)] = None
) -> EstimateOut:
    """Estimate calls, tokens, time and cost of the next qualification; no model is called."""
    return await estimate_run(deps, campaign_id, limit)


@router.get("/campaigns/{campaign_id}/costs", summary="Show what models were paid for")
async def get_costs(
    campaign_id: RowId, deps: Deps, days: Annotated[int, Query(ge=1, le=3_650)] = 30
) -> CostsOut:
    """Show a campaign's calls and costs by day, model and purpose, as the ledger has them."""
    return await read_costs(deps, campaign_id, days)


@router.get("/campaigns/{campaign_id}/comparisons", summary="List comparisons of judges")
async def list_comparisons(campaign_id: RowId, deps: Deps) -> Page[ComparisonOut]:
    """List how judges compared on the campaign's people, the newest first."""
    await campaigns.get(deps.db, campaign_id)
    found = await comparisons.list_comparisons(deps.db, campaign_id, limit=MAX_COMPARISONS)
    return Page(items=[ComparisonOut.model_validate(one) for one in found], next_cursor=None)


@router.get("/campaigns/{campaign_id}/disagreements", summary="List where judges disagree")
async def list_disagreements(
    campaign_id: RowId, deps: Deps, only_open: bool = True, limit: Limit = 50
) -> Page[DisagreementOut]:
    """List the people to whom one judge said yes and another no, the newest first."""
    await campaigns.get(deps.db, campaign_id)
    found = await comparisons.list_disagreements(
        deps.db, campaign_id, only_open=only_open, limit=limit
    )
    return Page(items=[DisagreementOut.model_validate(one) for one in found], next_cursor=None)


@router.put("/disagreements/{disagreement_id}", summary="Settle a disagreement")
async def settle(disagreement_id: RowId, body: SettleDisagreementIn, deps: Deps) -> DisagreementOut:
    """Say whether the person fits; it counts as a label. Saying it again replaces it."""
    settled = await comparisons.settle(deps.db, disagreement_id, fits=body.fits, now=deps.clock())
    return DisagreementOut.model_validate(settled)
