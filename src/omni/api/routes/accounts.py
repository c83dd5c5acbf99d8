"""Accounts: the identities that messages are sent from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from omni.api.deps import Deps
from omni.api.idempotency import RunOnce
from omni.api.platforms import check_sender
from omni.api.routes.params import RowId
from omni.api.routes.soon import dispatch_soon
from omni.api.schemas import AccountIn, AccountOut, Page, PauseIn
from omni.dispatch import accounts_store as dispatch
from omni.dispatch.types import Pacing
from omni.jobs import store as jobs
from omni.storage.db import Tx

router = APIRouter(prefix="/accounts", tags=["accounts"])


@router.post("", status_code=201, response_model=AccountOut, summary="Add an account")
async def create_account(body: AccountIn, deps: Deps, once: RunOnce) -> Response:
    """Add an identity; its secret is stored encrypted and never shown."""
    check_sender(deps.senders, body.platform)
    secret = None if body.secret is None else body.secret.get_secret_value().encode()

    async def effect(tx: Tx) -> AccountOut:
        account = await dispatch.create_account(
            tx,
            platform=body.platform,
            handle=body.handle,
            secret=None if secret is None else deps.vault.encrypt(secret),
            pacing=Pacing(hourly_limit=body.hourly_limit, daily_limit=body.daily_limit),
            now=deps.clock(),
        )
        return AccountOut.model_validate(account)

    return await once.run(201, effect)


@router.get("", summary="List accounts")
async def list_accounts(deps: Deps) -> Page[AccountOut]:
    """List all accounts, oldest first, on one page."""
    accounts = await dispatch.list_accounts(deps.db)
    return Page(items=[AccountOut.model_validate(a) for a in accounts], next_cursor=None)


@router.post("/{account_id}/pause", response_model=AccountOut, summary="Pause an account")
async def pause_account(
    account_id: RowId,
    deps: Deps,
    once: RunOnce,
    body: Annotated[PauseIn | None, Body()] = None,
) -> Response:
    """Send nothing from it until it is resumed."""
    reason = (body or PauseIn()).reason

    async def effect(tx: Tx) -> AccountOut:
        account = await dispatch.pause_account(
            tx, account_id, reason=reason, by="person", now=deps.clock()
        )
        return AccountOut.model_validate(account)

    return await once.run(200, effect)


@router.post("/{account_id}/resume", response_model=AccountOut, summary="Resume an account")
async def resume_account(account_id: RowId, deps: Deps, once: RunOnce) -> Response:
    """Send from it again, within its limits, beginning in a few seconds."""
    now = deps.clock()

    async def effect(tx: Tx) -> AccountOut:
        account = await dispatch.resume_account(tx, account_id, now=now)
        await jobs.enqueue(tx, [dispatch_soon(now)], now=now)
        return AccountOut.model_validate(account)

    return await once.run(200, effect)
