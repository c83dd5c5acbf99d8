"""Accounts: the identities that messages are sent from."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from omni.api.deps import ApiDeps, Deps
from omni.api.holding import account_now
from omni.api.idempotency import RunOnce
from omni.api.platforms import check_sender
from omni.api.routes.params import RowId
from omni.api.routes.soon import dispatch_soon
from omni.api.schemas import (
    AccountIn,
    AccountNow,
    AccountOut,
    AccountPatch,
    Page,
    PauseIn,
    SecretIn,
)
from omni.base.errors import Rejected, Transient, Unauthorized
from omni.connectors.types import Credentials
from omni.dispatch import accounts_store as dispatch
from omni.dispatch.plan import warming_up
from omni.dispatch.types import Account, Pacing
from omni.jobs import store as jobs
from omni.storage.db import Tx

router = APIRouter(prefix="/accounts", tags=["accounts"])

VERIFY_TIMEOUT_S = 60.0


@router.post("", status_code=201, response_model=AccountOut, summary="Add an account")
async def create_account(body: AccountIn, deps: Deps, once: RunOnce) -> Response:
    """Verify an identity at its platform and add it; its secret is stored encrypted.

    It warms up from now on, unless `warmup_from` is null expressly.
    """
    check_sender(deps.senders, body.platform)
    secret = None if body.secret is None else body.secret.get_secret_value()
    platform_id = await _verified(deps, body.platform, Credentials(body.handle, secret))
    now = deps.clock()

    async def effect(tx: Tx) -> AccountOut:
        account = await dispatch.create_account(
            tx,
            platform=body.platform,
            handle=body.handle,
            secret=None if secret is None else deps.vault.encrypt(secret.encode()),
            pacing=_pacing(warming_up(body.daily_limit, now), body),
            platform_id=platform_id,
            now=now,
        )
        return AccountOut.model_validate(account)

    return await once.run(201, effect)


@router.get("", summary="List accounts")
async def list_accounts(deps: Deps) -> Page[AccountOut]:
    """List all accounts, oldest first, on one page."""
    accounts = await dispatch.list_accounts(deps.db)
    return Page(items=[AccountOut.model_validate(a) for a in accounts], next_cursor=None)


@router.get("/{account_id}", summary="Show an account")
async def get_account(account_id: RowId, deps: Deps) -> AccountNow:
    """Tell what it may do now, how much of its limits is used, and how it has been doing."""
    account = await dispatch.get_account(deps.db, account_id)
    return await account_now(deps.db, account, deps.clock())


@router.patch("/{account_id}", summary="Change an account's limits")
async def update_account(account_id: RowId, body: AccountPatch, deps: Deps) -> AccountOut:
    """Change the limits that are given; what it has sent counts against the new ones."""
    now = deps.clock()
    async with deps.db.transaction() as tx:
        account = await dispatch.get_account(tx, account_id)
        changed = await dispatch.set_pacing(
            tx, account_id, _pacing(_standing(account), body), now=now
        )
        await jobs.enqueue(tx, [dispatch_soon(now)], now=now)
    return AccountOut.model_validate(changed)


@router.put("/{account_id}/secret", summary="Renew an account's secret")
async def put_secret(account_id: RowId, body: SecretIn, deps: Deps) -> AccountOut:
    """Verify a new token or password at the platform and keep it, encrypted.

    An account that is paused because of its credentials sends on; one that a person or harm has
    paused stays paused.
    """
    account = await dispatch.get_account(deps.db, account_id)
    secret = body.secret.get_secret_value()
    platform_id = await _verified(deps, account.platform, Credentials(account.handle, secret))
    now = deps.clock()
    async with deps.db.transaction() as tx:
        account = await dispatch.set_verified(
            tx,
            account_id,
            platform_id=platform_id,
            secret=deps.vault.encrypt(secret.encode()),
            now=now,
        )
        if account.paused_by == "credentials":
            account = await dispatch.resume_account(tx, account_id, now=now)
            await jobs.enqueue(tx, [dispatch_soon(now)], now=now)
    return AccountOut.model_validate(account)


@router.post("/{account_id}/verify", summary="Verify an account again")
async def verify_account(account_id: RowId, deps: Deps) -> AccountOut:
    """Ask the platform whether it still knows the account."""
    account = await dispatch.get_account(deps.db, account_id)
    held = await dispatch.credentials(deps.db, account_id, deps.vault)
    platform_id = await _verified(deps, account.platform, held)
    async with deps.db.transaction() as tx:
        account = await dispatch.set_verified(
            tx, account_id, platform_id=platform_id, secret=None, now=deps.clock()
        )
    return AccountOut.model_validate(account)


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
    """Send from it again, within its limits, beginning in a few seconds.

    What went wrong before counts no longer: it is you who says that it may send.
    """
    now = deps.clock()

    async def effect(tx: Tx) -> AccountOut:
        account = await dispatch.resume_account(tx, account_id, now=now)
        await jobs.enqueue(tx, [dispatch_soon(now)], now=now)
        return AccountOut.model_validate(account)

    return await once.run(200, effect)


async def _verified(deps: ApiDeps, platform: str, credentials: Credentials) -> str | None:
    """Return who the account is at its platform; None where nothing can be sent there anyway.

    Raises:
        Rejected: The platform does not accept the credentials.
        Transient: The platform does not answer: nothing is kept that was not verified.
    """
    sender = deps.verifiers.get(platform)
    if sender is None:
        return None
    try:
        async with asyncio.timeout(VERIFY_TIMEOUT_S):
            identity = await sender.verify(credentials)
    except Unauthorized as error:
        raise Rejected(f"{platform} does not accept it: {error}", field="secret") from error
    except TimeoutError:
        raise Transient(f"{platform} did not answer in time: try again") from None
    return identity.platform_id


def _pacing(before: Pacing, body: AccountIn | AccountPatch) -> Pacing:
    """Return the limits with those that the body gives."""
    given = body.model_dump(exclude_unset=True, include=set(Pacing.__slots__))
    changes: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if value is not None or name in ("weekly_limit", "warmup_from")
    }
    for name in {"quiet_from", "quiet_to"} & changes.keys():
        hours, minutes = str(changes[name]).split(":")
        changes[name] = int(hours) * 60 + int(minutes)
    if "quiet_days" in changes:
        changes["quiet_days"] = tuple(sorted(changes["quiet_days"]))
    return replace(before, **changes)


def _standing(account: Account) -> Pacing:
    """Return the limits of an account; a weekly one that was never set goes with the daily one."""
    standing = Pacing(**{name: getattr(account, name) for name in Pacing.__slots__})
    unset = account.weekly_limit == 7 * account.daily_limit
    return replace(standing, weekly_limit=None) if unset else standing
