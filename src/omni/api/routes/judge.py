"""Judges: how they do, and what they are asked."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from omni.api.deps import Deps, Judging
from omni.api.routes.params import OptionalId
from omni.api.schemas.judge import JudgeOut, JudgesOut, PromptOut
from omni.campaigns import store as campaigns
from omni.predicate.plan import compile_criteria
from omni.qualification import judging_store as judging
from omni.qualification.plan import PROMPT_VERSION, build_question
from omni.qualification.types import asked_version

router = APIRouter(tags=["judge"])


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

    What is left out is empty in it.
    """
    campaign = None if campaign_id is None else await campaigns.get(deps.db, campaign_id)
    seen = None if profile_id is None else await judging.get_view(deps.db, profile_id)
    asked = build_question(
        brief=campaign.brief if campaign else "",
        criteria=campaign.criteria if campaign else {},
        english=compile_criteria(campaign.criteria).english if campaign else "(of the campaign)",
        view=seen.view if seen else {},
    )
    version = asked_version(campaign, PROMPT_VERSION) if campaign else PROMPT_VERSION
    return PromptOut(
        version=version, system=asked.system, user=asked.user, answer_schema=asked.schema
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
