"""Suppressions: those who must not be written to, by anybody, ever."""

from __future__ import annotations

from fastapi import APIRouter, Response

from omni.api.cursors import id_cursor, read_id_cursor
from omni.api.deps import Deps
from omni.api.idempotency import RunOnce
from omni.api.platforms import check_platform
from omni.api.routes.params import Cursor, Limit
from omni.api.schemas import Page, Suppressed, SuppressionIn, SuppressionOut
from omni.dispatch import store as dispatch
from omni.leads import suppressions_store as leads
from omni.storage.db import Tx

router = APIRouter(prefix="/suppressions", tags=["suppressions"])


@router.post("", status_code=201, response_model=Suppressed, summary="Suppress a person")
async def suppress(body: SuppressionIn, deps: Deps, once: RunOnce) -> Response:
    """Never write to this person. What waits to be sent to them is cancelled, in all campaigns."""
    check_platform(deps.platforms, body.platform)
    now = deps.clock()

    async def effect(tx: Tx) -> Suppressed:
        added = await leads.suppress(
            tx,
            platform=body.platform,
            platform_id=body.platform_id,
            reason=body.reason,
            source="person",
            now=now,
        )
        cancelled = await dispatch.cancel_for_person(
            tx,
            platform=body.platform,
            platform_id=body.platform_id,
            reason=f"suppressed: {body.reason}",
            now=now,
        )
        return Suppressed(
            platform=body.platform,
            platform_id=body.platform_id,
            added=added,
            cancelled_messages=cancelled,
        )

    return await once.run(201, effect)


@router.get("", summary="List suppressions, newest first")
async def list_suppressions(
    deps: Deps, limit: Limit = 50, cursor: Cursor = None
) -> Page[SuppressionOut]:
    """List those who must not be written to."""
    found = await leads.list_suppressions(
        deps.db, limit=limit + 1, before_id=read_id_cursor(cursor)
    )
    page = found[:limit]
    return Page(
        items=[SuppressionOut.model_validate(suppression) for suppression in page],
        next_cursor=id_cursor(page[-1].id) if len(found) > limit else None,
    )
