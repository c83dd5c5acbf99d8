"""How fresh profiles are, and what that costs."""

from __future__ import annotations

from fastapi import APIRouter

from omni.api.deps import Deps
from omni.api.schemas.people import FreshnessOut, RefreshOut, RefreshPlatformOut
from omni.profiles import refresh_store as store

router = APIRouter(tags=["refresh"])

DAY_S = 86_400.0


@router.get("/refresh", summary="How fresh are profiles?")
async def show_refresh(deps: Deps) -> RefreshOut:
    """Show how fresh profiles are, what a look costs on each platform, and who is due next."""
    counted = await store.read_freshness(deps.db)
    terms = await store.read_terms(deps.db)
    due = await store.next_due(deps.db, list(terms))
    return RefreshOut(
        freshness=[
            FreshnessOut.model_validate(each, from_attributes=True) for each in counted.kinds
        ],
        counted_at=counted.at,
        platforms=[
            RefreshPlatformOut(
                platform=name,
                people=counted.people.get(name, 0),
                price=each.terms.price,
                cost=each.cost,
                changes_every_days=1 / each.terms.average / DAY_S,
                longest_days=each.terms.longest.total_seconds() / DAY_S,
                budget=each.budget,
                requests=each.requests,
                looked_at=each.people,
                failed_batches=each.failed,
                ran_at=each.ran_at,
                next_due=due.get(name),
            )
            for name, each in terms.items()
        ],
    )
