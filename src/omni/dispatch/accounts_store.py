"""Accounts in Postgres: who sends, how much, and whether."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from omni.base.errors import Conflict, NotFound
from omni.base.log import get_logger
from omni.base.vault import Vault
from omni.connectors.types import Credentials
from omni.dispatch import harm, rules
from omni.dispatch.pacing_types import Tries
from omni.dispatch.rows import account_from
from omni.dispatch.types import (
    Account,
    Gate,
    Pacing,
    PausedBy,
)
from omni.storage.db import Executor, Row
from omni.storage.sql import Fragment, load_queries

QUERIES = load_queries("omni.dispatch", "accounts")

MAX_ACCOUNTS = 1_000
MAX_RELEASED = 10_000
_BY_HOUR = (Gate.RECIPIENT_QUIET, Gate.NO_HOUR)
"""What holds messages by the quiet hours of the accounts that could send them."""
_EVER = datetime.min.replace(tzinfo=UTC)


class Decrypts(Protocol):
    """Gives secrets back: the vault."""

    def decrypt(self, token: bytes) -> bytes:
        """Return what was encrypted."""
        ...


COLUMNS = Fragment(", ".join(Account.__slots__))
_HELD = {"columns": COLUMNS}


async def create_account(
    tx: Executor,
    *,
    platform: str,
    handle: str,
    secret: bytes | None,
    pacing: Pacing,
    platform_id: str | None = None,
    now: datetime,
) -> Account:
    """Add a sending identity.

    Args:
        tx: Where to write.
        platform: The name of a platform that has a sender.
        handle: How the platform knows it.
        secret: Already encrypted by the vault; None for platforms that need none.
        pacing: Its limits.
        platform_id: Who it is, as the platform has just said; None: it was not asked.
        now: The present moment.

    Raises:
        Rejected: The handle or a limit makes no sense.
        Conflict: The platform's account is there already.
    """
    rules.check_handle(handle)
    rules.check_pacing(pacing)
    row = await tx.fetchrow(
        QUERIES["insert_account"],
        _HELD,
        platform=platform,
        handle=handle,
        secret=secret,
        platform_id=platform_id,
        verified_at=None if platform_id is None else now,
        now=now,
        **_pacing_params(pacing),
    )
    if row is None:
        raise Conflict(await _why_there(tx, platform, handle, platform_id))
    await _release(tx, platform, _BY_HOUR, now)
    return account_from(row)


async def _why_there(tx: Executor, platform: str, handle: str, platform_id: str | None) -> str:
    same = await tx.fetchrow(
        QUERIES["get_account_of"], _HELD, platform=platform, platform_id=platform_id
    )
    if same is None or same["handle"] == handle:
        return f"there is an account {handle!r} on {platform} already"
    return f"that is the account {same['handle']!r} on {platform}, which is there already"


async def list_accounts(db: Executor) -> list[Account]:
    """Return the accounts, oldest first, at most `MAX_ACCOUNTS`."""
    rows = await db.fetch(QUERIES["list_accounts"], _HELD, limit=MAX_ACCOUNTS)
    return [account_from(row) for row in rows]


async def get_account(db: Executor, account_id: int) -> Account:
    """Return one account.

    Raises:
        NotFound: There is none.
    """
    return _found(await db.fetchrow(QUERIES["get_account"], _HELD, id=account_id), account_id)


async def set_pacing(tx: Executor, account_id: int, pacing: Pacing, *, now: datetime) -> Account:
    """Change an account's limits; what it has sent counts against the new ones.

    Whom it could not write to by its quiet hours is looked at again.

    Raises:
        Rejected: A limit makes no sense.
        NotFound: There is no such account.
    """
    rules.check_pacing(pacing)
    params = _pacing_params(pacing)
    row = await tx.fetchrow(QUERIES["set_pacing"], _HELD, id=account_id, **params)
    account = _found(row, account_id)
    await _release(tx, account.platform, _BY_HOUR, now)
    return account


async def set_verified(
    tx: Executor, account_id: int, *, platform_id: str | None, secret: bytes | None, now: datetime
) -> Account:
    """Note that the platform knows the account; with a new secret, if one is given, encrypted.

    Without a `platform_id` nobody was asked: only the secret is kept.

    Raises:
        NotFound: There is no such account.
        Conflict: It is somebody else than before, or another account is the same identity.
    """
    account = await get_account(tx, account_id)
    if platform_id is not None and account.platform_id not in (None, platform_id):
        raise Conflict(f"these are the credentials of {platform_id}, not of {account.platform_id}")
    same = await tx.fetchrow(
        QUERIES["get_account_of"], _HELD, platform=account.platform, platform_id=platform_id
    )
    if same is not None and same["id"] != account_id:
        raise Conflict(f"account {same['id']} is the same identity already")
    row = await tx.fetchrow(
        QUERIES["set_verified"],
        _HELD,
        id=account_id,
        platform_id=platform_id,
        secret=secret,
        now=now,
    )
    return _found(row, account_id)


async def pause_account(
    tx: Executor, account_id: int, *, reason: str, by: PausedBy, now: datetime
) -> Account | None:
    """Pause an account, saying why and who says so; only a person resumes it.

    Returns:
        The account; None if the program wanted to pause what is paused already.

    Raises:
        NotFound: There is no such account.
    """
    row = await tx.fetchrow(
        QUERIES["pause_account"], _HELD, id=account_id, reason=reason, paused_by=by, now=now
    )
    if row is None:
        await get_account(tx, account_id)
        return None
    if by != "person":
        get_logger().warning("dispatch.account_paused", account_id=account_id, by=by, why=reason)
    return account_from(row)


async def resume_account(tx: Executor, account_id: int, *, now: datetime) -> Account:
    """Let an account send again, because a person says so, and make due what waited for it.

    Raises:
        NotFound: There is no such account.
    """
    row = await tx.fetchrow(QUERIES["resume_account"], _HELD, id=account_id, now=now)
    account = _found(row, account_id)
    stopped = (Gate.ACCOUNT, Gate.CREDENTIALS, Gate.HARM)
    await _release(tx, account.platform, (*stopped, *_BY_HOUR), now)
    return account


async def note_use(db: Executor, account_id: int, error: str | None, now: datetime) -> None:
    """Note what the platform said to the account's last call; None is a good answer."""
    await db.execute(QUERIES["note_use"], id=account_id, error=error, now=now)


async def tries_of(db: Executor, account: Account, now: datetime) -> Tries:
    """Return what became of the account's last messages since a person last resumed it."""
    row = await db.fetchrow(
        QUERIES["count_tries"],
        account_id=account.id,
        since=account.resumed_at or _EVER,
        awaited_before=now - harm.AWAIT,
        limit=harm.SAMPLE,
    )
    assert row is not None
    return Tries(**{name: row[name] for name in Tries.__slots__})


async def stop_harm(tx: Executor, account_id: int, now: datetime) -> str | None:
    """Pause an active account that does harm; return why, or None if it may go on."""
    account = await get_account(tx, account_id)
    if account.status != "active":
        return None
    reason = harm.harm_of(await tries_of(tx, account, now))
    if reason is not None:
        await pause_account(tx, account_id, reason=reason, by="harm", now=now)
    return reason


async def note_answer(
    tx: Executor, *, platform: str, platform_id: str, kind: str, at: datetime, now: datetime
) -> None:
    """Note on all that was sent to a person what came back, and stop an account that does harm.

    Call it in the transaction that records the event.

    Args:
        tx: Where to write.
        platform: The person's.
        platform_id: The person's, immutable.
        kind: Of the event: `opt_out`, `blocked` and `bounced` count against the account; all other
            kinds but `accepted`, `rejected` and `converted` show that the message has arrived.
        at: When it occurred: later messages are not concerned.
        now: The present moment.
    """
    if kind in ("accepted", "rejected", "converted"):
        return
    told = kind if kind in ("opt_out", "blocked", "bounced") else "delivered"
    rows = await tx.fetch(
        QUERIES["mark_messages"], platform=platform, platform_id=platform_id, kind=told, at=at
    )
    if told != "delivered":
        for account_id in sorted({row["account_id"] for row in rows} - {None}):
            await stop_harm(tx, account_id, now)


async def credentials(db: Executor, account_id: int, vault: Decrypts) -> Credentials:
    """Return an account's identity with its secret, decrypted for one use.

    Raises:
        NotFound: There is no such account.
        Rejected: The secret cannot be decrypted with the keys at hand.
    """
    row = await db.fetchrow(QUERIES["get_credentials"], id=account_id)
    if row is None:
        raise NotFound(f"there is no account {account_id}")
    encrypted = row["credentials"]
    secret = None if encrypted is None else vault.decrypt(encrypted).decode("utf-8", "replace")
    return Credentials(handle=row["handle"], secret=secret)


async def renew_secrets(tx: Executor, vault: Vault) -> int:
    """Encrypt every account's secret anew with the vault's first key; return how many.

    Call it in a transaction: after it the other keys may go.

    Raises:
        Rejected: A secret cannot be decrypted with the keys at hand.
    """
    found = await tx.fetch(QUERIES["lock_secrets"], limit=MAX_ACCOUNTS)
    for row in found:
        renewed = vault.renew(row["credentials"])
        await tx.execute(QUERIES["put_secret"], id=row["id"], secret=renewed)
    return len(found)


async def _release(tx: Executor, platform: str, gates: Sequence[Gate], now: datetime) -> None:
    """Make due what these gates hold on a platform."""
    await tx.execute(
        QUERIES["release_platform"],
        platform=platform,
        gates=list(gates),
        limit=MAX_RELEASED,
        now=now,
    )


def _pacing_params(pacing: Pacing) -> dict[str, Any]:
    """Return the limits by the names of their columns."""
    params = {name: getattr(pacing, name) for name in Pacing.__slots__}
    return params | {"quiet_days": sorted(pacing.quiet_days)}


def _found(row: Row | None, account_id: int) -> Account:
    if row is None:
        raise NotFound(f"there is no account {account_id}")
    return account_from(row)
