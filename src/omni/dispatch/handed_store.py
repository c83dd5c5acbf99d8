"""Messages that are handed over as rows of a file, read from the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from omni.dispatch.spreadsheet import HandedOver, handed_csv
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.dispatch", "handed")

PAGE = 500
_AT_ONCE = 10_000


async def handed_over(
    db: Executor, account_id: int, *, since: datetime, now: datetime
) -> AsyncIterator[str]:
    """Yield, as CSV piece by piece, what an account has handed over after `since`, oldest first.

    A message is handed over when it is first asked for: whatever is committed late comes after all
    that was in a file before, and asking by the last row's moment leaves out nobody. Whoever was
    suppressed, or has written back, meanwhile is left out.

    Args:
        db: Where to read, and to note what is handed over now.
        account_id: Whose messages.
        since: The moment of the last row that is known.
        now: The present moment.
    """
    yield handed_csv((), header=True)
    given = _AT_ONCE
    while given >= _AT_ONCE:
        given = await db.execute(
            QUERIES["hand_over"], account_id=account_id, now=now, limit=_AT_ONCE
        )
    after = (since, 2**63 - 1)
    while True:
        rows = await db.fetch(
            QUERIES["page_handed_over"],
            account_id=account_id,
            after_at=after[0],
            after_id=after[1],
            limit=PAGE,
        )
        if rows:
            found = [
                HandedOver(**{name: row[name] for name in HandedOver.__slots__}) for row in rows
            ]
            yield handed_csv(found, header=False)
            after = (rows[-1]["handed_at"], rows[-1]["id"])
        if len(rows) < PAGE:
            return
