"""What there is to choose from: platforms with their seeds, and the fields of criteria."""

from __future__ import annotations

from fastapi import APIRouter

from omni.api.deps import Deps
from omni.api.schemas import CriteriaField, Page, PlatformOut
from omni.predicate.plan import list_fields

router = APIRouter(tags=["catalogue"])


@router.get("/platforms", summary="List platforms")
async def list_platforms(deps: Deps) -> Page[PlatformOut]:
    """List the platforms that can be crawled, and the seeds that each one knows."""
    items = [
        PlatformOut(platform=platform, seed_types=sorted(seed_types))
        for platform, seed_types in sorted(deps.platforms.items())
    ]
    return Page(items=items, next_cursor=None)


@router.get("/criteria/fields", summary="List the fields of criteria")
async def list_criteria_fields() -> Page[CriteriaField]:
    """List what criteria may ask about, what it means, and the operators that fit."""
    items = [
        CriteriaField(
            name=field.name,
            kind=field.kind,
            label=field.label,
            doc=field.doc,
            operators=list(operators),
        )
        for field, operators in list_fields()
    ]
    return Page(items=items, next_cursor=None)
