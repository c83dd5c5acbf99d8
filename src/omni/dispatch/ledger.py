"""What a run of dispatch reads and writes in Postgres."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from omni.base.log import get_logger
from omni.dispatch.rows import message_from
from omni.dispatch.types import Account, Facts, Gate, Message, Outcome
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.dispatch", "sending")

MAX_MARKED = 10_000
MAX_RECOVERED = 1_000
_CONTACTED_SINCE = timedelta(days=7)


async def recover(db: Executor, *, lost_before: datetime, now: datetime) -> int:
    """Give back the claims, and doubt the sendings, that are older than `lost_before`.

    Returns:
        How many there were.
    """
    given_back = await db.execute(
        QUERIES["give_back_lost"], lost_before=lost_before, now=now, limit=MAX_RECOVERED
    )
    doubted = await db.execute(
        QUERIES["doubt_lost"],
        lost_before=lost_before,
        error="the worker was lost while it was sending: it may have arrived",
        now=now,
        limit=MAX_RECOVERED,
    )
    if given_back or doubted:
        get_logger().warning("dispatch.recovered", given_back=given_back, ambiguous=doubted)
    return given_back + doubted


async def pick(
    tx: Executor, account: Account, now: datetime, passed: Collection[int] = ()
) -> Message | None:
    """Return the message that is next for this account, its row locked.

    People whom it has written to come first; those of `passed` are left to other accounts.
    """
    row = await tx.fetchrow(QUERIES["pick_own"], None, account_id=account.id, now=now)
    if row is None:
        row = await tx.fetchrow(
            QUERIES["pick_message"], platform=account.platform, now=now, passed=list(passed)
        )
    return None if row is None else message_from(row)


async def facts(
    tx: Executor, message_id: int, account_id: int, *, conversation_since: datetime
) -> Facts:
    """Return what the gates ask about a message, as it is at this moment."""
    row = await tx.fetchrow(
        QUERIES["read_facts"],
        id=message_id,
        account_id=account_id,
        conversation_since=conversation_since,
    )
    assert row is not None
    return Facts(**{name: row[name] for name in Facts.__slots__})


async def set_aside(
    tx: Executor, message: Message, gate: Gate, *, eligible_at: datetime, now: datetime
) -> None:
    """Hold a message by the gate that names it, so that those behind it are not held up."""
    held = {"gate": gate, "eligible_at": eligible_at, "now": now}
    state = "pending" if gate is Gate.APPROVAL else "approved"
    await tx.execute(QUERIES["set_aside"], None, id=message.id, state=state, **held)
    if gate is Gate.CAMPAIGN:
        campaign_id = message.campaign_id
        await tx.execute(
            QUERIES["set_aside_campaign"], None, campaign_id=campaign_id, limit=MAX_MARKED, **held
        )
    get_logger().info("dispatch.message_held", message_id=message.id, gate=str(gate))


async def bind(tx: Executor, message: Message, account_id: int, now: datetime) -> None:
    """Leave a message to the account that wrote to this person first."""
    await tx.execute(
        QUERIES["bind_message"],
        id=message.id,
        bound_account_id=account_id,
        gate=Gate.SENDER,
        now=now,
    )
    get_logger().info("dispatch.message_bound", message_id=message.id, account_id=account_id)


async def hold_claim(db: Executor, claimed: Message, held: Outcome, now: datetime) -> bool:
    """Free a claim and say what holds its message; False if the claim was cancelled meanwhile.

    Nothing was on the wire, so it costs the account nothing.
    """
    get_logger().info(
        "dispatch.message_held", message_id=claimed.id, gate=str(held.gate), error=held.error
    )
    return bool(
        await db.execute(
            QUERIES["hold_claim"],
            id=claimed.id,
            account_id=claimed.account_id,
            claimed_at=claimed.claimed_at,
            gate=held.gate,
            error=held.error,
            eligible_at=held.eligible_at,
            now=now,
        )
    )


async def record(db: Executor, message: Message, outcome: Outcome, now: datetime) -> bool:
    """Write what came of a message on the wire; False if somebody has settled it meanwhile."""
    return bool(
        await db.execute(
            QUERIES["record_outcome"],
            id=message.id,
            account_id=message.account_id,
            claimed_at=message.claimed_at,
            state=outcome.state,
            error=outcome.error,
            platform_message_id=outcome.platform_message_id,
            gate=outcome.gate,
            eligible_at=outcome.eligible_at,
            now=now,
        )
    )


async def list_writing_on(db: Executor, now: datetime) -> list[int]:
    """Return the accounts that have something due for people whom they have written to before."""
    rows = await db.fetch(QUERIES["list_writing_on"], now=now, limit=MAX_RECOVERED)
    return [row["id"] for row in rows]


async def hold_bound(
    db: Executor, account_id: int, *, error: str, until: datetime, now: datetime
) -> int:
    """Put off what is due for people whom an account has written to before; return how many."""
    return await db.execute(
        QUERIES["hold_bound"],
        account_id=account_id,
        gate=Gate.PLATFORM,
        error=error,
        eligible_at=until,
        now=now,
        limit=MAX_MARKED,
    )


async def last_sent(db: Executor) -> tuple[str, datetime | None]:
    """Return the database's name, and when the newest message that was sent was recorded."""
    row = await db.fetchrow(QUERIES["last_sent"])
    assert row is not None
    return row["name"], row["at"]


async def contacted(db: Executor, now: datetime) -> tuple[int, ...]:
    """Return the leads that were written to in the last days and are not marked as contacted."""
    rows = await db.fetch(QUERIES["list_contacted"], since=now - _CONTACTED_SINCE, limit=MAX_MARKED)
    return tuple(row["id"] for row in rows)
