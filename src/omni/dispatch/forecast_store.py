"""When messages that are not written yet could be out, by what the accounts have sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from omni.dispatch.pacing import charged_times, forecast, limits_of
from omni.dispatch.types import Account, Charge
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.dispatch", "drafts")
PACING = load_queries("omni.dispatch", "pacing")

MAX_COUNTED = 10_000

_WINDOW = timedelta(days=7)


async def finish_of(
    db: Executor, accounts: list[Account], people: Mapping[str, int], *, now: datetime
) -> tuple[int, datetime | None]:
    """Return how many approved messages go first, and when all of them could be out.

    Args:
        db: Where to read what was sent.
        accounts: All of them; those that are paused send nothing.
        people: How many more messages there would be, by platform.
        now: The present moment.

    Returns:
        The moment is None where there is nothing to send, or no account sends it all in time.
    """
    waiting_total, finish, never = 0, None, False
    for platform, count in people.items():
        waiting = await db.fetchval(QUERIES["count_waiting"], platform=platform, limit=MAX_COUNTED)
        waiting_total += waiting
        able = [a for a in accounts if a.platform == platform and a.status == "active"]
        lanes = [(limits_of(a), await _charged(db, a, now)) for a in able]
        found = forecast(lanes, count + waiting, now)
        never = never or found.finish is None
        finish = max(filter(None, (finish, found.finish)), default=None)
    return waiting_total, None if never else finish


async def _charged(db: Executor, account: Account, now: datetime) -> list[datetime]:
    rows = await db.fetch(
        PACING["list_charges"],
        account_id=account.id,
        since=now - _WINDOW,
        limit=max(1, account.weekly_limit),
    )
    return charged_times((Charge(row["charged_at"], row["in_flight"]) for row in rows), now)
