"""What was read of web pages, with what their servers tell whether it still holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from omni.base.clock import Clock
from omni.storage.db import Database
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.storage")


STRETCH = 5_000
"""Pages that are looked at in one statement when old ones are forgotten."""


class Pages:
    """A durable memory of pages, shared by all processes.

    Args:
        db: Where it is kept.
        clock: Tells how old a reading is.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def recall(self, url: str) -> tuple[str | None, str | None, dict[str, Any]] | None:
        """Return entity tag, date and reading of a page; None if it was never kept."""
        row = await self._db.fetchrow(QUERIES["recall_page"], url=url)
        if row is None:
            return None
        return row["etag"], row["last_modified"], cast("dict[str, Any]", row["reading"])

    async def keep(
        self, url: str, *, etag: str | None, last_modified: str | None, reading: dict[str, Any]
    ) -> None:
        """Keep what a page said; the same again is hardly a write."""
        await self._db.execute(
            QUERIES["keep_page"],
            url=url,
            etag=etag,
            last_modified=last_modified,
            reading=reading,
            now=self._clock(),
        )

    async def forget(self, *, before: datetime, size: int = STRETCH) -> int:
        """Remove what was last read before a moment, stretch by stretch; return how many.

        Raises:
            Transient: The database failed; what was removed until then is.
        """
        after, removed = "", 0
        while True:
            row = await self._db.fetchrow(
                QUERIES["forget_pages"], after=after, size=size, before=before
            )
            assert row is not None
            removed += row["gone"]
            if row["seen"] < size:
                return removed
            after = row["last"]
