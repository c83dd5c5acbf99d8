"""Sources of signed webhooks in Postgres, and the deliveries that were taken."""

from __future__ import annotations

from datetime import datetime

from omni.base.errors import Conflict, NotFound
from omni.base.vault import Vault
from omni.feedback.signing import TOLERANCE
from omni.feedback.types import WebhookSource
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.feedback", "webhooks")

MAX_SOURCES = 200
_FORGOTTEN_AT_ONCE = 1_000
_MAX_REFUSAL = 300


async def create(
    tx: Executor, *, name: str, account_id: int, secret: bytes, now: datetime
) -> WebhookSource:
    """Let somebody hand in events for an account.

    Args:
        tx: Where to write.
        name: Stands in the address.
        account_id: Whose conversations the events belong to.
        secret: Already encrypted by the vault.
        now: The present moment.

    Raises:
        Conflict: There is a source of this name.
    """
    made = await tx.fetchval(
        QUERIES["insert_source"], name=name, account_id=account_id, secret=secret, now=now
    )
    if made is None:
        raise Conflict(f"there is a source {name!r} already")
    return await get(tx, name)


async def get(db: Executor, name: str) -> WebhookSource:
    """Return a source.

    Raises:
        NotFound: There is none of this name.
    """
    row = await db.fetchrow(QUERIES["get_source"], name=name)
    if row is None:
        raise NotFound(f"there is no webhook source {name!r}")
    return WebhookSource(**row)


async def list_sources(db: Executor) -> list[WebhookSource]:
    """Return the sources, oldest first, at most `MAX_SOURCES`."""
    rows = await db.fetch(QUERIES["list_sources"], limit=MAX_SOURCES)
    return [WebhookSource(**row) for row in rows]


async def secret_of(db: Executor, name: str) -> bytes:
    """Return a source's secret, encrypted.

    Raises:
        NotFound: There is none of this name.
    """
    secret = await db.fetchval(QUERIES["get_secret"], name=name)
    if secret is None:
        raise NotFound(f"there is no webhook source {name!r}")
    return secret


async def delete(tx: Executor, name: str) -> None:
    """Take nothing more from a source; what it told stays.

    Raises:
        NotFound: There is none of this name.
    """
    if not await tx.execute(QUERIES["delete_source"], name=name):
        raise NotFound(f"there is no webhook source {name!r}")


async def take(tx: Executor, source: WebhookSource, delivery_id: str, now: datetime) -> None:
    """Note a delivery, in the transaction that writes its events.

    Raises:
        Conflict: It was taken already.
    """
    await tx.execute(
        QUERIES["forget_deliveries"], before=now - 3 * TOLERANCE, limit=_FORGOTTEN_AT_ONCE
    )
    taken = await tx.execute(
        QUERIES["take_delivery"], source_id=source.id, delivery_id=delivery_id, now=now
    )
    if not taken:
        raise Conflict("this delivery was taken already: nothing was written again")
    await tx.execute(QUERIES["note_taken"], id=source.id, now=now)


async def note_refused(db: Executor, source: WebhookSource, why: str, now: datetime) -> None:
    """Note why a delivery was refused, for whoever looks for it."""
    await db.execute(QUERIES["note_refused"], id=source.id, why=why[:_MAX_REFUSAL], now=now)


async def renew_secrets(tx: Executor, vault: Vault) -> int:
    """Encrypt every source's secret anew with the vault's first key; return how many.

    Raises:
        Rejected: A secret cannot be decrypted with the keys at hand.
    """
    found = await tx.fetch(QUERIES["lock_secrets"], limit=MAX_SOURCES)
    for row in found:
        await tx.execute(QUERIES["put_secret"], id=row["id"], secret=vault.renew(row["secret"]))
    return len(found)
