"""Events by signed webhook: a sender of the user's own tells what came back to it."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from omni.api.deps import ApiDeps, Deps
from omni.api.doors import DOORS
from omni.api.idempotency import RunOnce, without_secret
from omni.api.routes.soon import classify_soon
from omni.api.schemas import Page
from omni.api.schemas.inbox import (
    DeliveryIn,
    DeliveryOut,
    SourceName,
    WebhookSourceIn,
    WebhookSourceMade,
    WebhookSourceOut,
)
from omni.base.errors import OmniError, Unauthorized
from omni.base.log import get_logger
from omni.connectors.types import InboxEvent
from omni.dispatch import accounts_store as accounts
from omni.feedback import store as feedback
from omni.feedback import webhooks_store as sources
from omni.feedback.plan import check_delivery, read, written
from omni.feedback.types import WebhookSource
from omni.jobs import store as jobs
from omni.storage.db import Tx

router = APIRouter(tags=["webhooks"])

_SECRET_BYTES = 32


@router.post(
    "/webhook-sources",
    status_code=201,
    response_model=WebhookSourceMade,
    summary="Let a sender hand in events",
)
async def create_source(body: WebhookSourceIn, deps: Deps, once: RunOnce) -> Response:
    """Make a source. Its secret is shown now and never again; it is stored encrypted.

    An `Idempotency-Key` makes no second source; what it gives again has no secret.
    """

    async def effect(tx: Tx) -> WebhookSourceMade:
        secret = written(secrets.token_bytes(_SECRET_BYTES))
        await accounts.get_account(tx, body.account_id)
        made = await sources.create(
            tx,
            name=body.name,
            account_id=body.account_id,
            secret=deps.vault.encrypt(secret.encode()),
            now=deps.clock(),
        )
        shown = WebhookSourceOut.model_validate(made)
        return WebhookSourceMade(**shown.model_dump(), secret=secret)

    return await once.run(201, effect, kept=without_secret)


@router.get("/webhook-sources", summary="List who may hand in events")
async def list_sources(deps: Deps) -> Page[WebhookSourceOut]:
    """List the sources, with the last delivery that was taken and the last that was refused."""
    found = await sources.list_sources(deps.db)
    return Page(items=[WebhookSourceOut.model_validate(each) for each in found], next_cursor=None)


@router.delete("/webhook-sources/{name}", status_code=204, summary="Take nothing more from one")
async def delete_source(name: SourceName, deps: Deps) -> Response:
    """Remove a source and its secret; what it told stays."""
    async with deps.db.transaction() as tx:
        await sources.delete(tx, name)
    return Response(status_code=204)


@router.post(
    "/webhooks/{source}",
    summary="Hand in events, signed",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/DeliveryIn"}}
            },
        }
    },
)
async def take_delivery(
    source: SourceName,
    request: Request,
    deps: Deps,
    webhook_id: Annotated[str | None, Header()] = None,
    webhook_timestamp: Annotated[str | None, Header()] = None,
    webhook_signature: Annotated[str | None, Header()] = None,
) -> DeliveryOut:
    """Record events with all that follows from them, in one transaction.

    No API key is asked: the signature is (Standard Webhooks). A wrong or old one is refused with
    401, a delivery that was taken already with 409; then nothing is written. The log tells of wrong
    signatures; `last_refusal` has what was signed rightly, and not taken all the same.
    """
    found, raw = await _known(deps, source), await request.body()
    try:
        secret = deps.vault.decrypt(await sources.secret_of(deps.db, source)).decode()
        delivery_id = check_delivery(
            secret,
            delivery_id=webhook_id,
            timestamp=webhook_timestamp,
            signatures=webhook_signature,
            body=raw,
            now=deps.clock(),
        )
        return await _record(deps, found, delivery_id, _read(raw))
    except Unauthorized as error:
        # Whoever has no secret costs no write: anybody may try, as often as they like.
        get_logger().warning("feedback.webhook_refused", source=source, reason=str(error))
        raise
    except OmniError as error:
        await sources.note_refused(deps.db, found, str(error), deps.clock())
        raise


def _read(raw: bytes) -> DeliveryIn:
    """Return the events of a delivery whose signature is right.

    Raises:
        RequestValidationError: As FastAPI itself raises it.
    """
    try:
        return DeliveryIn.model_validate_json(raw)
    except ValidationError as error:
        raise RequestValidationError(
            [{**found, "loc": ("body", *found["loc"])} for found in error.errors()]
        ) from error


async def _known(deps: ApiDeps, name: str) -> WebhookSource:
    """Return the source; that there is none is told like a wrong signature."""
    for each in await sources.list_sources(deps.db):
        if each.name == name:
            return each
    raise Unauthorized("the signature is not that of this body under this source's secret")


async def _record(
    deps: ApiDeps, source: WebhookSource, delivery_id: str, body: DeliveryIn
) -> DeliveryOut:
    now = deps.clock()
    events = [
        read(
            InboxEvent(
                event_id=each.id,
                kind=each.kind,
                platform_id=each.platform_id,
                text=each.text,
                occurred_at=each.occurred_at or now,
                in_reply_to=each.in_reply_to,
            ),
            now,
        )
        for each in body.events
    ]
    said = {
        event.event_id
        for event, each in zip(events, body.events, strict=True)
        if each.kind != "replied"
    }
    async with deps.db.transaction() as tx:
        await sources.take(tx, source, delivery_id, now)
        new = await feedback.record(
            tx, source.account_id, events, None, now, source=f"webhook:{source.id}", said=said
        )
        await feedback.apply(tx, new, DOORS, now)
        if any(event.kind == "replied" for event in new):
            await jobs.enqueue(tx, [classify_soon(now)], now=now)
    return DeliveryOut(recorded=len(new), known=len(events) - len(new))
