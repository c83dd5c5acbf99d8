"""Outgoing webhooks: who is told what happens, and what became of it."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Query, Response

from omni.api.deps import Deps
from omni.api.idempotency import RunOnce, without_secret
from omni.api.routes.params import Limit, RowId
from omni.api.schemas import Page
from omni.api.schemas.webhooks import (
    DeliveryOut,
    EndpointIn,
    EndpointMade,
    EndpointOut,
    Replayed,
    ReplayIn,
)
from omni.base.errors import Conflict
from omni.storage.db import Tx
from omni.webhooks import plan, store
from omni.webhooks.types import DeliveryState

router = APIRouter(prefix="/webhook-endpoints", tags=["outgoing webhooks"])


@router.post("", status_code=201, response_model=EndpointMade, summary="Add an endpoint")
async def add_endpoint(body: EndpointIn, deps: Deps, once: RunOnce) -> Response:
    """Tell an address what happens from now on. The secret that signs the calls is shown once.

    Addresses on this machine and in private networks are refused when they are called, unless
    `OMNI_HTTP_LOOPBACK_ORIGINS` names them. An `Idempotency-Key` makes no second endpoint; what it
    gives again has no secret, which is not kept in clear: if the first answer was lost, remove the
    endpoint and add another.
    """
    url = plan.check_url(body.url)

    async def effect(tx: Tx) -> EndpointMade:
        secret = plan.secret_of(secrets.token_bytes(plan.KEY_BYTES))
        if len(await store.list_endpoints(tx)) >= store.MAX_ENDPOINTS:
            raise Conflict(f"there are {store.MAX_ENDPOINTS} endpoints already: remove one")
        made = await store.add_endpoint(
            tx,
            url=url,
            kinds=list(dict.fromkeys(body.kinds)),
            secret=deps.vault.encrypt(secret.encode()),
            now=deps.clock(),
        )
        return EndpointMade(**EndpointOut.model_validate(made).model_dump(), secret=secret)

    return await once.run(201, effect, kept=without_secret)


@router.get("", summary="List endpoints")
async def list_endpoints(deps: Deps) -> Page[EndpointOut]:
    """List all endpoints, the oldest first, on one page."""
    found = await store.list_endpoints(deps.db)
    return Page(items=[EndpointOut.model_validate(each) for each in found], next_cursor=None)


@router.delete("/{endpoint_id}", status_code=204, summary="Remove an endpoint")
async def remove_endpoint(endpoint_id: RowId, deps: Deps) -> Response:
    """Tell it nothing any more, and forget what became of its calls."""
    async with deps.db.transaction() as tx:
        await store.delete_endpoint(tx, endpoint_id)
    return Response(status_code=204)


@router.post(
    "/{endpoint_id}/enable", response_model=EndpointOut, summary="Enable a disabled endpoint"
)
async def enable_endpoint(endpoint_id: RowId, deps: Deps, once: RunOnce) -> Response:
    """Send to it again; what it has missed is told by a replay."""

    async def effect(tx: Tx) -> EndpointOut:
        return EndpointOut.model_validate(await store.enable(tx, endpoint_id))

    return await once.run(200, effect)


@router.post(
    "/{endpoint_id}/replay",
    status_code=202,
    response_model=Replayed,
    summary="Tell an endpoint again what happened in a stretch of time",
)
async def replay(endpoint_id: RowId, body: ReplayIn, deps: Deps, once: RunOnce) -> Response:
    """Call again with the same ids, so that whoever has seen an event knows it again.

    Events are kept as long as jobs (`OMNI_JOBS_KEPT_DAYS`), and only while some endpoint wants
    their kind.
    """
    now = deps.clock()

    async def effect(tx: Tx) -> Replayed:
        endpoint = await store.get_endpoint(tx, endpoint_id)
        if endpoint.status != "active":
            raise Conflict("the endpoint is disabled: enable it first")
        events = await store.replay(
            tx, endpoint_id, since=body.since, until=body.until or now, now=now
        )
        return Replayed(events=events)

    return await once.run(202, effect)


@router.get("/{endpoint_id}/deliveries", summary="What became of the calls?")
async def list_deliveries(
    endpoint_id: RowId,
    deps: Deps,
    state: Annotated[DeliveryState | None, Query()] = None,
    limit: Limit = 50,
) -> Page[DeliveryOut]:
    """List an endpoint's deliveries, the newest events first."""
    await store.get_endpoint(deps.db, endpoint_id)
    found = await store.list_deliveries(deps.db, endpoint_id, state=state, limit=limit)
    return Page(items=[DeliveryOut.model_validate(each) for each in found], next_cursor=None)
