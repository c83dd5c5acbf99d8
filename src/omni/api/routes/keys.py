"""API keys: made, listed, and closed for ever."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from omni.api import store
from omni.api.deps import Deps
from omni.api.idempotency import RunOnce
from omni.api.schemas import Page
from omni.api.schemas.keys import KeyIn, KeyMade, KeyOut
from omni.api.security import demand
from omni.storage.db import Tx

router = APIRouter(prefix="/keys", tags=["keys"])


@router.post("", status_code=201, response_model=KeyMade, summary="Make a key")
async def create_key(body: KeyIn, request: Request, deps: Deps, response: Response) -> KeyMade:
    """Make a key with these scopes; no key can give more than it has.

    Its secret is shown now and never again: what is kept is a hash. So an `Idempotency-Key` has no
    effect here; whoever lost the answer revokes that key and makes another.
    """
    for scope in body.scopes:
        demand(request, scope)
    key, secret = await store.create_key(
        deps.db,
        name=body.name,
        scopes=body.scopes,
        expires_at=body.expires_at,
        now=deps.clock(),
    )
    response.headers["Cache-Control"] = "no-store"
    return KeyMade(**KeyOut.model_validate(key).model_dump(), secret=secret)


@router.get("", summary="List keys")
async def list_keys(deps: Deps) -> Page[KeyOut]:
    """List all keys, the oldest first, those that are revoked or have run out included."""
    found = await store.list_keys(deps.db)
    return Page(items=[KeyOut.model_validate(key) for key in found], next_cursor=None)


@router.post("/{key_id}/revoke", response_model=KeyOut, summary="Revoke a key")
async def revoke_key(key_id: UUID, deps: Deps, once: RunOnce) -> Response:
    """Close a key for ever, from the next request on. Closing it again changes nothing."""

    async def effect(tx: Tx) -> KeyOut:
        return KeyOut.model_validate(await store.revoke_key(tx, key_id, now=deps.clock()))

    return await once.run(200, effect)
