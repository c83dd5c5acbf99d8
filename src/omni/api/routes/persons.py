"""Everything that is kept of one person, for themselves: given out, or removed for good."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from omni.api.cursors import read_time_cursor, time_cursor
from omni.api.deps import Deps
from omni.api.idempotency import RunOnce
from omni.api.persons import export_person
from omni.api.platforms import find_platform_of_people
from omni.api.routes.params import Cursor, Limit
from omni.api.schemas import Page
from omni.api.schemas.erasures import ErasureOut, PersonExport, PersonRef
from omni.base.ids import new_id
from omni.dispatch import store as dispatch
from omni.erasures import store as erasures
from omni.jobs import store as jobs
from omni.jobs.types import ErasePerson, NewJob
from omni.leads import suppressions_store as leads
from omni.profiles.erase_store import find_immutable_id
from omni.storage.db import Tx

router = APIRouter(tags=["people's rights"])


@router.post("/people/export", summary="Give out everything that is kept of a person")
async def export(body: PersonRef, deps: Deps) -> PersonExport:
    """Give out every row, recording and picture of a person, as it is stored.

    It is a POST so that nobody's name gets into a log of addresses.
    """
    platform = await find_platform_of_people(deps, body.platform)
    platform_id = await find_immutable_id(deps.db, platform, body.platform_id)
    return await export_person(deps, platform, platform_id)


@router.post(
    "/people/erase",
    status_code=202,
    response_model=ErasureOut,
    summary="Remove everything that is kept of a person, for good",
)
async def erase(body: PersonRef, deps: Deps, once: RunOnce) -> Response:
    """Keep a person out from this moment on, and remove all that there is of them.

    Nothing more is sent to them, and nothing new is stored of them. What is stored is removed by a
    job within seconds, unless something that is about them has to end first: `GET /erasures/{id}`
    tells, and is the receipt. There is no way back: a salted hash stays, which keeps them out of
    crawls, imports, drafts and sends.
    """
    platform = await find_platform_of_people(deps, body.platform)
    platform_id = await find_immutable_id(deps.db, platform, body.platform_id)
    now = deps.clock()

    async def effect(tx: Tx) -> ErasureOut:
        who: dict[str, Any] = {"platform": platform, "platform_id": platform_id}
        # Before the hash stands, which refuses to note anything of them. It goes with the rest.
        await leads.suppress(tx, **who, reason="asked to be erased", source="person", now=now)
        await dispatch.cancel_for_person(tx, **who, reason="asked to be erased", now=now)
        erasure = await erasures.ask(tx, **who, erasure_id=new_id(), now=now)
        job = NewJob(ErasePerson(erasure_id=str(erasure.id)))
        (job_id,) = await jobs.enqueue(tx, [job], now=now)
        return ErasureOut.model_validate(await erasures.note_job(tx, erasure.id, job_id))

    return await once.run(202, effect)


@router.get("/erasures", summary="List erasures, newest first")
async def list_erasures(deps: Deps, limit: Limit = 50, cursor: Cursor = None) -> Page[ErasureOut]:
    """List erasures with their receipts; none tells whom it was about."""
    found = await erasures.list_erasures(deps.db, before=read_time_cursor(cursor), limit=limit + 1)
    page = found[:limit]
    return Page(
        items=[ErasureOut.model_validate(erasure) for erasure in page],
        next_cursor=time_cursor(page[-1].asked_at, page[-1].id) if len(found) > limit else None,
    )


@router.get("/erasures/{erasure_id}", summary="Show an erasure: how far it is, or its receipt")
async def get_erasure(erasure_id: UUID, deps: Deps) -> ErasureOut:
    """Show what was removed, and what the erasure waits for while it is open."""
    return ErasureOut.model_validate(await erasures.get(deps.db, erasure_id))
