"""What there is to choose from: platforms with their seeds, and the fields of criteria."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from omni.api.deps import Deps
from omni.api.platforms import platforms_of_people
from omni.api.schemas import CriteriaField, Page, PlatformOut, SeedTypeOut
from omni.connectors.types import SeedType
from omni.predicate.plan import list_fields

router = APIRouter(tags=["catalogue"])


@router.get("/platforms", summary="List platforms")
async def list_platforms(
    deps: Deps,
    purpose: Annotated[
        Literal["crawl", "send", "people"],
        Query(description="Those to crawl, those to write on, or all that people can be of"),
    ] = "crawl",
) -> Page[PlatformOut]:
    """List the platforms, and the seeds that each one knows: none where it is not crawled."""
    named = {
        "crawl": frozenset(deps.platforms),
        "send": deps.senders,
        "people": platforms_of_people(deps),
    }[purpose]
    items = [
        PlatformOut(
            platform=platform,
            seed_types=sorted(deps.platforms.get(platform, ())),
            seeds=_explained(deps.platforms.get(platform, ()), deps.seeds.get(platform, ())),
        )
        for platform in sorted(named)
    ]
    return Page(items=items, next_cursor=None)


def _explained(seed_types: Collection[str], told: Sequence[SeedType]) -> list[SeedTypeOut]:
    """Return the seed types with what is told of them; a foreign connector may tell nothing."""
    known = [SeedTypeOut.model_validate(seed) for seed in told if seed.name in seed_types]
    silent = sorted(set(seed_types) - {seed.name for seed in known})
    return known + [SeedTypeOut(name=name, about="", example="") for name in silent]


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
