"""Messages that are handed over as rows of a file, read from the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from omni.dispatch.spreadsheet import HandedOver, handed_csv
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.dispatch", "handed")

PAGE = 500


async def handed_over(db: Executor, account_id: int, *, since: datetime) -> AsyncIterator[str]:
    """Yield, as CSV piece by piece, what an account has handed over after `since`, oldest first.

    Whoever was suppressed, or has written back, meanwhile is left out.
    """
    yield handed_csv((), header=True)
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
            after = (rows[-1]["charged_at"], rows[-1]["id"])
        if len(rows) < PAGE:
            return
