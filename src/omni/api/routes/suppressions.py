"""Suppressions: those who must not be written to, by anybody, ever."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from omni.api.cursors import id_cursor, name_cursor, read_id_cursor, read_name_cursor
from omni.api.deps import Deps
from omni.api.idempotency import RunOnce
from omni.api.platforms import find_platform_of_people
from omni.api.routes.params import Cursor, Limit, RowId
from omni.api.schemas import Page, Suppressed, SuppressionIn, SuppressionOut
from omni.api.schemas.inbox import ConcernedOut, LiftIn, LiftOut, SuppressionFileOut
from omni.api.suppression_files import take_file
from omni.base.errors import Rejected
from omni.dispatch import held_store as held
from omni.dispatch import store as dispatch
from omni.leads import suppressions_store as leads
from omni.leads.plan import keys_of
from omni.leads.types import Scope
from omni.storage.db import Tx

router = APIRouter(prefix="/suppressions", tags=["suppressions"])

_PARTS: dict[Scope, frozenset[str]] = {
    "person": frozenset({"platform", "platform_id"}),
    "domain": frozenset({"domain"}),
    "platform": frozenset({"platform"}),
    "all": frozenset(),
}
"""What says whom a suppression of each scope concerns."""


@router.post("", status_code=201, response_model=Suppressed, summary="Suppress somebody")
async def suppress(body: SuppressionIn, deps: Deps, once: RunOnce) -> Response:
    """Never write to a person, a domain, a platform or anybody.

    What waits for a person is cancelled, in all campaigns. What waits for those of a domain or of a
    platform is held, and names the gate `suppressed`.
    """
    _check_parts(body)
    named = body.platform
    if named is not None:
        named = await find_platform_of_people(deps, named)
    now = deps.clock()
    value = body.domain if body.scope == "domain" else body.platform_id
    keys = keys_of(body.scope, named, value)
    if body.scope == "person":
        # A link says it by itself.
        await find_platform_of_people(deps, keys[0][0])

    async def effect(tx: Tx) -> Suppressed:
        (platform, platform_id), added = await leads.suppress_scope(
            tx,
            body.scope,
            platform=named,
            value=value,
            reason=body.reason,
            source="person",
            now=now,
        )
        cancelled = 0
        if body.scope == "person":
            why = f"suppressed: {body.reason}"
            cancelled = await dispatch.cancel_for_people(tx, keys, reason=why, now=now)
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
    what stands already is a no-op. Lines that make no sense are told, and hold up no other. A file
    whose `Content-Length` is too large is refused before anything of it is read.
    """
    if platform is not None:
        platform = await find_platform_of_people(deps, platform)
    declared = request.headers.get("content-length", "")
    return await take_file(
        deps,
        request.stream(),
        platform=platform,
        reason=reason,
        declared=int(declared) if declared.isdigit() else None,
    )


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


@router.get("", summary="List suppressions, newest first, or those that begin so")
async def list_suppressions(
    deps: Deps,
    wide: Annotated[bool, Query(description="Only domains, platforms and all")] = False,
    search: Annotated[
        str | None,
        Query(max_length=300, description="How the id, username or domain begins; by name, then"),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SuppressionOut]:
    """List those who must not be written to."""
    wanted = _wanted(search)
    if wanted:
        if wide:
            raise Rejected("leave it out of a search, which looks at all", field="wide")
        found = await leads.search_suppressions(
            deps.db, wanted, limit=limit + 1, after=read_name_cursor(cursor)
        )
    else:
        found = await leads.list_suppressions(
            deps.db, limit=limit + 1, before_id=read_id_cursor(cursor), wide=wide
        )
    page = found[:limit]
    following = None
    if len(found) > limit:
        last = page[-1]
        following = name_cursor(last.platform_id, last.id) if wanted else id_cursor(last.id)
    return Page(
        items=[SuppressionOut.model_validate(suppression) for suppression in page],
        next_cursor=following,
    )


@router.get("/concerned", summary="How many waiting messages would a suppression hold?")
async def count_concerned(
    deps: Deps,
    scope: Literal["domain", "platform", "all"],
    platform: Annotated[str | None, Query(max_length=50)] = None,
    domain: Annotated[str | None, Query(max_length=300)] = None,
) -> ConcernedOut:
    """Count what waits for those of a domain, of a platform, or for all, before it is held."""
    keys = keys_of(scope, platform, domain)
    messages, more = await held.count_concerned(
        deps.db,
        platform=keys[0][0] if scope == "platform" else None,
        domains=[named for _, named in keys] if scope == "domain" else None,
    )
    return ConcernedOut(messages=messages, more=more)


def _check_parts(body: SuppressionIn) -> None:
    """Refuse what the scope has no use for: who names somebody means them, and not everybody."""
    for part in ("platform", "platform_id", "domain"):
        if getattr(body, part) is not None and part not in _PARTS[body.scope]:
            raise Rejected(f"has no place in the scope {body.scope!r}: leave one out", field=part)


def _wanted(search: str | None) -> str:
    """Return how the names begin that are looked for, as they are written down."""
    beginning = (search or "").strip().replace("\0", "")
    return beginning[1:] if beginning.startswith("@") and ":" not in beginning else beginning
