"""API keys in Postgres, and what the API counts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID

from omni.api.keys import hash_token, hint_of, new_token
from omni.api.types import SCOPES, USUAL, ApiKey, Scope
from omni.base.errors import NotFound, Rejected
from omni.base.ids import new_id
from omni.base.log import get_logger
from omni.storage.db import Executor, Row
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.api")
MAX_KEYS = 1_000


async def create_key(
    db: Executor,
    *,
    name: str,
    scopes: Collection[str],
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; return it with its secret, which is shown here and never again.

    Who sends or administers also reads and writes: those scopes bring the usual ones along.

    Raises:
        Rejected: No name, a scope that there is not, or an end that has passed.
    """
    brought = USUAL if {"send", "admin"} & set(scopes) else ()
    chosen: tuple[Scope, ...] = tuple(
        scope for scope in SCOPES if scope in scopes or scope in brought
    )
    if not chosen or not set(scopes) <= set(SCOPES):
        raise Rejected(f"must be one or more of {', '.join(SCOPES)}", field="scopes")
    if not name.strip():
        raise Rejected("is needed: say who will use the key", field="name")
    if expires_at is not None and expires_at <= now:
        raise Rejected("has passed: a key runs out in the future, or never", field="expires_at")
    token = new_token()
    key = ApiKey(
        id=new_id(),
        name=" ".join(name.split()),
        hint=hint_of(token),
        scopes=chosen,
        created_at=now,
        last_used_at=None,
        expires_at=expires_at,
        revoked_at=None,
    )
    await db.execute(
        QUERIES["insert_key"],
        id=key.id,
        name=key.name,
        hint=key.hint,
        key_hash=hash_token(token),
        scopes=list(key.scopes),
        expires_at=expires_at,
        now=now,
    )
    get_logger().info("api.key_created", key_id=str(key.id), scopes=list(key.scopes))
    return key, token


async def list_keys(db: Executor) -> list[ApiKey]:
    """Return all keys, oldest first, revoked ones included."""
    return [_key(row) for row in await db.fetch(QUERIES["list_keys"], limit=MAX_KEYS)]


async def revoke_key(db: Executor, key_id: UUID, *, now: datetime) -> ApiKey:
    """Close a key for ever; closing it again changes nothing.

    Raises:
        NotFound: There is no such key.
    """
    row = await db.fetchrow(QUERIES["revoke_key"], id=key_id, now=now)
    if row is None:
        raise NotFound(f"there is no API key {key_id}")
    get_logger().info("api.key_revoked", key_id=str(key_id))
    return _key(row)


async def has_usable_key(db: Executor, *, now: datetime) -> bool:
    """Tell whether any key opens anything."""
    return bool(await db.fetchval(QUERIES["has_usable_key"], now=now))


async def find_key(db: Executor, token: str, *, now: datetime) -> ApiKey | None:
    """Return the key that `token` opens, and note that it was used; None if it opens nothing."""
    key_hash = hash_token(token)
    row = await db.fetchrow(QUERIES["find_key"], key_hash=key_hash)
    if row is None or not compare_digest(row["key_hash"], key_hash):
        return None
    key = _key(row)
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    if key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1):
        await db.execute(QUERIES["touch_key"], id=key.id, now=now)
    return key


async def freeze_snapshot(tx: Executor) -> None:
    """Make every later read of this transaction see the same moment; it can write nothing."""
    await tx.execute(QUERIES["freeze_snapshot"])


async def count_discovered(db: Executor, campaign_id: int) -> int:
    """Return how many people the campaign's crawls have found."""
    return await db.fetchval(QUERIES["count_discovered"], campaign_id=campaign_id)


async def ping(db: Executor) -> None:
    """Return if Postgres answers.

    Raises:
        Transient: It does not.
    """
    await db.fetchval(QUERIES["ping"])


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        hint=row["hint"],
        scopes=tuple(scope for scope in SCOPES if scope in row["scopes"]),
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
