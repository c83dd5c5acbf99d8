"""Accounts in Postgres: who sends, how much, and whether."""

from __future__ import annotations

from datetime import datetime

from omni.base.errors import Conflict, NotFound
from omni.base.vault import Vault
from omni.connectors.types import Credentials
from omni.dispatch import rules
from omni.dispatch.rows import account_from
from omni.dispatch.types import Account, AccountStatus, Gate
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.dispatch", "accounts")

MAX_ACCOUNTS = 1_000
MAX_RELEASED = 10_000


async def create_account(
    tx: Executor,
    *,
    platform: str,
    handle: str,
    secret: bytes | None,
    hourly_limit: int,
    daily_limit: int,
    now: datetime,
) -> Account:
    """Add a sending identity.

    Args:
        tx: Where to write.
        platform: The name of a platform that has a sender.
        handle: How the platform knows it.
        secret: Already encrypted by the vault; None for platforms that need none.
        hourly_limit: The most messages in any 60 minutes; 0 sends nothing.
        daily_limit: The most messages in any 24 hours, not below `hourly_limit`.
        now: The present moment.

    Raises:
        Rejected: The handle or a limit makes no sense.
        Conflict: The platform's account is there already.
    """
    rules.check_account(handle, hourly_limit, daily_limit)
    row = await tx.fetchrow(
        QUERIES["insert_account"],
        platform=platform,
        handle=handle,
        secret=secret,
        hourly_limit=hourly_limit,
        daily_limit=daily_limit,
        now=now,
    )
    if row is None:
        raise Conflict(f"there is an account {handle!r} on {platform} already")
    return account_from(row)


async def list_accounts(db: Executor) -> list[Account]:
    """Return the accounts, oldest first, at most `MAX_ACCOUNTS`."""
    rows = await db.fetch(QUERIES["list_accounts"], limit=MAX_ACCOUNTS)
    return [account_from(row) for row in rows]


async def get_account(db: Executor, account_id: int) -> Account:
    """Return one account.

    Raises:
        NotFound: There is none.
    """
    row = await db.fetchrow(QUERIES["get_account"], id=account_id)
    if row is None:
        raise NotFound(f"there is no account {account_id}")
    return account_from(row)


async def set_account_status(
    tx: Executor, account_id: int, status: AccountStatus, reason: str | None = None
) -> Account:
    """Pause an account, saying why, or let it send again.

    Raises:
        NotFound: There is no such account.
    """
    row = await tx.fetchrow(
        QUERIES["set_account_status"],
        id=account_id,
        status=status,
        reason=reason if status == "paused" else None,
    )
    if row is None:
        raise NotFound(f"there is no account {account_id}")
    return account_from(row)


async def release_account(tx: Executor, account: Account, *, now: datetime) -> int:
    """Make due what waits because an account was paused; return how many messages."""
    return await tx.execute(
        QUERIES["release_platform"],
        platform=account.platform,
        gate=Gate.ACCOUNT,
        limit=MAX_RELEASED,
        now=now,
    )


async def credentials(db: Executor, account_id: int, vault: Vault) -> Credentials:
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
