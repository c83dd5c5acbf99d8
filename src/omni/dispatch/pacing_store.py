"""What an account has sent, in Postgres, and what its limits make of it."""

from __future__ import annotations

from datetime import datetime

from omni.dispatch import pacing
from omni.dispatch.pacing_types import Uses
from omni.dispatch.rows import account_from
from omni.dispatch.types import Account, Charge, Slot
from omni.storage.db import Executor
from omni.storage.sql import Fragment, load_queries

QUERIES = load_queries("omni.dispatch", "pacing")

NEWEST = 500
"""So many of an account's charges are read one by one."""

_ACCOUNT = {"columns": Fragment(", ".join(Account.__slots__))}


async def lock_account(tx: Executor, account_id: int) -> Account | None:
    """Return the account, locked: its claims happen one after the other, in every worker."""
    row = await tx.fetchrow(QUERIES["lock_account"], _ACCOUNT, id=account_id)
    return None if row is None else account_from(row)


async def sender_now(tx: Executor, account_id: int) -> Account | None:
    """Return the account as it is at this moment."""
    row = await tx.fetchrow(QUERIES["get_sender"], _ACCOUNT, id=account_id)
    return None if row is None else account_from(row)


async def slot(tx: Executor, account: Account, now: datetime) -> Slot:
    """Return when the account may send, by all that it has sent; its row should be locked.

    Of a long past only the newest charges are read, and those further back that decide anything.
    """
    limits = pacing.limits_of(account)
    places = pacing.deciding_places(limits, now)
    window = {"account_id": account.id, "since": now - pacing.WEEK}
    rows = await tx.fetch(QUERIES["list_charges"], None, limit=min(max(places), NEWEST), **window)
    charges = [Charge(row["charged_at"], row["in_flight"]) for row in rows]
    far = [place for place in places if place > NEWEST] if len(rows) == NEWEST else []
    older: dict[int, datetime] = {}
    if far:
        found = await tx.fetch(QUERIES["list_places"], None, places=far, **window)
        older = {row["place"]: row["charged_at"] for row in found}
    return pacing.next_slot(limits, pacing.charged_times(charges, now), now, older)


async def uses(db: Executor, account: Account, now: datetime) -> Uses:
    """Return how much of its allowance an account has used, and what its day allows now."""
    row = await db.fetchrow(QUERIES["count_uses"], account_id=account.id, now=now)
    assert row is not None
    cap = pacing.daily_cap(pacing.limits_of(account), now)
    return Uses(row["in_hour"], row["in_day"], row["in_week"], cap)
