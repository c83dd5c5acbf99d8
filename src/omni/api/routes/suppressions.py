"""Suppressions: those who must not be written to, by anybody, ever."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from omni.api.cursors import id_cursor, read_id_cursor
from omni.api.deps import Deps
from omni.api.idempotency import RunOnce
from omni.api.platforms import check_platform
from omni.api.routes.params import Cursor, Limit, RowId
from omni.api.schemas import Page, Suppressed, SuppressionIn, SuppressionOut
from omni.api.schemas.inbox import LiftIn, LiftOut, SuppressionFileOut
from omni.api.suppression_files import take_file
from omni.dispatch import store as dispatch
from omni.leads import suppressions_store as leads
from omni.storage.db import Tx

router = APIRouter(prefix="/suppressions", tags=["suppressions"])


@router.post("", status_code=201, response_model=Suppressed, summary="Suppress somebody")
async def suppress(body: SuppressionIn, deps: Deps, once: RunOnce) -> Response:
    """Never write to a person, a domain, a platform or anybody.

    What waits for a person is cancelled, in all campaigns. What waits for those of a domain or of a
    platform is held, and names the gate `suppressed`.
    """
    if body.scope in ("person", "platform") and body.platform is not None:
        check_platform(deps.platforms, body.platform)
    now = deps.clock()

    async def effect(tx: Tx) -> Suppressed:
        (platform, platform_id), added = await leads.suppress_scope(
            tx,
            body.scope,
            platform=body.platform,
            value=body.domain if body.scope == "domain" else body.platform_id,
            reason=body.reason,
            source="person",
            now=now,
        )
        cancelled = 0
        if body.scope == "person":
            cancelled = await dispatch.cancel_for_person(
                tx,
                platform=platform,
                platform_id=platform_id,
                reason=f"suppressed: {body.reason}",
                now=now,
            )
        return Suppressed(
            platform=platform, platform_id=platform_id, added=added, cancelled_messages=cancelled
        )

    return await once.run(201, effect)


@router.post("/file", summary="Suppress everybody in a file")
async def suppress_file(
    request: Request,
    deps: Deps,
    platform: Annotated[
        str | None, Query(max_length=50, description="Of lines without one")
    ] = None,
    reason: Annotated[str, Query(min_length=1, max_length=300)] = "from a file",
) -> SuppressionFileOut:
    """Take a CSV of persons and domains (`Content-Type: text/csv`), up to 100 MB, as it comes.

    Each part is written as it arrives. Sending the file again, whole, goes on where it broke off:
    what stands already is a no-op. Lines that make no sense are told, and hold up no other.
    """
    if platform is not None:
        check_platform(deps.platforms, platform)
    return await take_file(deps, request.stream(), platform=platform, reason=reason)


@router.post("/{suppression_id}/lift", response_model=LiftOut, summary="Lift a suppression")
async def lift(suppression_id: RowId, body: LiftIn, deps: Deps, once: RunOnce) -> Response:
    """Let somebody be written to again. Only a person does this, and says why."""
    now = deps.clock()

    async def effect(tx: Tx) -> LiftOut:
        gone = await leads.lift(tx, suppression_id, because=body.because, now=now)
        return LiftOut(
            platform=gone.platform,
            platform_id=gone.platform_id,
            reason=gone.reason,
            source=gone.source,
            suppressed_at=gone.created_at,
            lifted_because=body.because,
            lifted_at=now,
        )

    return await once.run(200, effect)


@router.get("", summary="List suppressions, newest first")
async def list_suppressions(
    deps: Deps,
    wide: Annotated[bool, Query(description="Only domains, platforms and all")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SuppressionOut]:
    """List those who must not be written to."""
    found = await leads.list_suppressions(
        deps.db, limit=limit + 1, before_id=read_id_cursor(cursor), wide=wide
    )
    page = found[:limit]
    return Page(
        items=[SuppressionOut.model_validate(suppression) for suppression in page],
        next_cursor=id_cursor(page[-1].id) if len(found) > limit else None,
    )
