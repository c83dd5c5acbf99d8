"""Reads and writes endpoints and deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from omni.base.errors import NotFound
from omni.base.vault import Vault
from omni.storage.db import Executor, Row
from omni.storage.sql import Fragment, load_queries
from omni.webhooks.types import Call, Delivery, DeliveryState, Endpoint, EventKind, Outcome

QUERIES = load_queries("omni.webhooks")

MAX_ENDPOINTS = 100
MAX_REPLAYED = 100_000
MAX_RENEWED = 100_000
FORGOTTEN_AT_ONCE = 1_000

_DATA: Mapping[EventKind, str] = {
    "lead.qualified": "lead_data",
    "message.sent": "message_data",
    "reply.received": "reply_data",
}


async def renew_secrets(tx: Executor, vault: Vault) -> int:
    """Encrypt every endpoint's secret anew with the vault's first key; return how many.

    Call it in a transaction: after it the other keys may go.

    Raises:
        Rejected: A secret cannot be decrypted with the keys at hand.
    """
    found = await tx.fetch(QUERIES["lock_secrets"], limit=MAX_RENEWED)
    for row in found:
        renewed = vault.renew(row["secret"])
        await tx.execute(QUERIES["put_secret"], id=row["id"], secret=renewed)
    return len(found)


async def add_endpoint(
    tx: Executor, *, url: str, kinds: Sequence[str], secret: bytes, now: datetime
) -> Endpoint:
    """Add an endpoint; what happens from this transaction's end on is told to it.

    Args:
        secret: Encrypted.
    """
    row = await tx.fetchrow(
        QUERIES["insert_endpoint"], url=url, kinds=list(kinds), secret=secret, now=now
    )
    assert row is not None
    return _endpoint(row)


async def list_endpoints(db: Executor) -> list[Endpoint]:
    """Return all endpoints, the oldest first."""
    rows = await db.fetch(QUERIES["list_endpoints"], limit=MAX_ENDPOINTS)
    return [_endpoint(row) for row in rows]


async def get_endpoint(db: Executor, endpoint_id: int) -> Endpoint:
    """Return an endpoint.

    Raises:
        NotFound: There is none of this id.
    """
    return _found(await db.fetchrow(QUERIES["get_endpoint"], id=endpoint_id), endpoint_id)


async def enable(tx: Executor, endpoint_id: int) -> Endpoint:
    """Send to an endpoint again; raises as `get_endpoint`."""
    return _found(await tx.fetchrow(QUERIES["enable_endpoint"], id=endpoint_id), endpoint_id)


async def disable(tx: Executor, endpoint_id: int, because: str, *, now: datetime) -> None:
    """Send nothing more to an endpoint; what waits for it can be replayed later."""
    await tx.execute(QUERIES["disable_endpoint"], id=endpoint_id, because=because, now=now)


async def delete_endpoint(tx: Executor, endpoint_id: int) -> None:
    """Remove an endpoint with its deliveries.

    Raises:
        NotFound: There is none of this id.
    """
    if not await tx.execute(QUERIES["delete_endpoint"], id=endpoint_id):
        raise _missing(endpoint_id)


async def claim_due(tx: Executor, *, now: datetime, until: datetime, limit: int) -> list[Call]:
    """Take deliveries that are due; at `until` they are due again, unless they were recorded."""
    rows = await tx.fetch(QUERIES["claim_due"], now=now, until=until, limit=limit)
    return [Call(**row) for row in rows]


async def data_of(db: Executor, call: Call) -> Mapping[str, object] | None:
    """Return what there is to tell of an event; None if what it was about is gone."""
    return await db.fetchval(QUERIES[_DATA[call.kind]], row_id=call.row_id)


async def record(tx: Executor, call: Call, outcome: Outcome, *, now: datetime) -> None:
    """Note how a call went, on its delivery and on its endpoint."""
    # The endpoint first: who disables it takes its row, and then those of all its deliveries.
    if outcome.state == "delivered":
        await tx.execute(QUERIES["note_taken"], id=call.endpoint_id, now=now)
    elif outcome.state != "dropped":
        await tx.execute(QUERIES["note_failing"], id=call.endpoint_id, error=outcome.error, now=now)
    await tx.execute(
        QUERIES["end_delivery"],
        endpoint_id=call.endpoint_id,
        event_id=call.event_id,
        attempt=call.attempt,
        state=outcome.state,
        error=outcome.error,
        again_at=None if outcome.again_in is None else now + outcome.again_in,
        now=now,
    )
    if outcome.disable is not None:
        await disable(tx, call.endpoint_id, outcome.disable, now=now)


async def next_due(db: Executor) -> datetime | None:
    """Return when the next delivery is due; None if none waits."""
    return await db.fetchval(QUERIES["next_due"])


async def replay(
    tx: Executor, endpoint_id: int, *, since: datetime, until: datetime, now: datetime
) -> int:
    """Tell an endpoint again what happened in a stretch of time; return how many events.

    At most `MAX_REPLAYED`, the oldest first.
    """
    return await tx.execute(
        QUERIES["replay"], id=endpoint_id, since=since, until=until, limit=MAX_REPLAYED, now=now
    )


async def list_deliveries(
    db: Executor, endpoint_id: int, *, state: DeliveryState | None, limit: int
) -> list[Delivery]:
    """Return an endpoint's deliveries, the newest events first."""
    chosen = Fragment("and d.state = :state", {"state": state}) if state else Fragment("")
    rows = await db.fetch(
        QUERIES["list_deliveries"], {"in_state": chosen}, id=endpoint_id, limit=limit
    )
    return [Delivery(**row) for row in rows]


async def forget(db: Executor, *, before: datetime) -> int:
    """Forget events of before a moment, a bounded number."""
    return await db.execute(QUERIES["forget_events"], before=before, limit=FORGOTTEN_AT_ONCE)


def _found(row: Row | None, endpoint_id: int) -> Endpoint:
    if row is None:
        raise _missing(endpoint_id)
    return _endpoint(row)


def _missing(endpoint_id: int) -> NotFound:
    return NotFound(f"there is no webhook endpoint {endpoint_id}")


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(
        id=row["id"],
        url=row["url"],
        kinds=tuple(row["kinds"]),
        status=row["status"],
        disabled_because=row["disabled_because"],
        failing_since=row["failing_since"],
        last_ok_at=row["last_ok_at"],
        last_error=row["last_error"],
        created_at=row["created_at"],
    )
