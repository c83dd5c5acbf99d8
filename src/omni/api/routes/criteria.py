"""Criteria: their schema, what they would do, and why they concern a person or not."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from omni.api import explain, preview
from omni.api.deps import Deps
from omni.api.routes.params import RowId
from omni.api.schemas import ExplainOut, PreviewIn, PreviewOut
from omni.predicate.plan import criteria_schema

router = APIRouter(tags=["criteria"])


@router.get("/criteria/schema", summary="Show the JSON Schema of criteria")
async def get_schema() -> dict[str, Any]:
    """Show the language as JSON Schema 2020-12, for form builders and for checks beforehand."""
    return criteria_schema()


@router.post("/criteria/preview", summary="Preview criteria, or an edit of a campaign's")
async def preview_criteria(body: PreviewIn, deps: Deps) -> PreviewOut:
    """Say what criteria mean and whom they would concern; nothing is written.

    With a campaign: how many would enter and leave, and how many judgements that would cost.
    """
    return await preview.preview(deps.db, body, deps)


@router.get("/campaigns/{campaign_id}/explain/{profile_id}", summary="Explain a candidate")
async def explain_candidate(campaign_id: RowId, profile_id: RowId, deps: Deps) -> ExplainOut:
    """Say whether a person is in or out, which clause decided, and what makes the cheap score."""
    return await explain.explain(deps.db, campaign_id, profile_id)
