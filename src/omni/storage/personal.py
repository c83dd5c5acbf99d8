"""What a room keeps of one person: read out, or removed, by the room's own named queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from omni.storage.db import Executor
from omni.storage.sql import Queries

MOST_ROWS = 10_000
"""The most rows of a table that are read out of one person."""

_HELD, _ERASE, _LOCK = "held_", "erase_", "lock_"
_ALIAS, _NAME, _WAIT = "alias_", "name_", "wait_"


@dataclass(frozen=True, slots=True)
class Whom:
    """A person, by all that they can be found by.

    Attributes:
        platform: Where they are.
        platform_id: Their immutable id there.
        profile_id: Ours; None if there is no profile of them (any more).
        names: Every name that they are kept under, the immutable id among them.
        pattern: The same as a regular expression of Postgres, for texts and JSON.
        hash: What stays when they are erased.
    """

    platform: str
    platform_id: str
    profile_id: int | None
    names: tuple[str, ...]
    pattern: str
    hash: str


class Share:
    """One room's share of what is kept of a person.

    The room's file of queries has, by the beginning of a query's name: `held_TABLE` reads its rows
    out as JSON, in the column `row`; `erase_TABLE` removes them or what names the person in them;
    `lock_…` runs before what follows it in the file; `alias_TABLE` gives other names that it knows
    them by, in the column `name`; `name_TABLE` counts what names the person and
    is not theirs; `wait_…` returns words, where an erasure has to wait. Each is given all of `Whom`
    and, where it says so, `:now` and `:limit`.
    """

    def __init__(self, queries: Queries) -> None:
        self._queries = queries.by_name

    async def held(self, db: Executor, whom: Whom) -> dict[str, list[Any]]:
        """Return the rows of each table that hold something of the person, at most `MOST_ROWS`."""
        found: dict[str, list[Any]] = {}
        for name in self._named(_HELD):
            rows = await db.fetch(self._queries[name], None, **asdict(whom), limit=MOST_ROWS)
            found[name.removeprefix(_HELD)] = [row["row"] for row in rows]
        return found

    async def erase(self, tx: Executor, whom: Whom, *, now: datetime) -> dict[str, int]:
        """Remove what there is of the person; return how many rows of each table that were."""
        removed: dict[str, int] = {}
        for name in self._named(_ERASE, _LOCK):
            touched = await tx.execute(self._queries[name], None, **asdict(whom), now=now)
            if name.startswith(_ERASE):
                removed[name.removeprefix(_ERASE)] = touched
        return removed

    async def aliases(self, db: Executor, whom: Whom) -> set[str]:
        """Return the names, of now and of before, that the person is kept under."""
        found: set[str] = set()
        for name in self._named(_ALIAS):
            rows = await db.fetch(self._queries[name], None, **asdict(whom))
            found |= {row["name"] for row in rows}
        return found

    async def mentions(self, db: Executor, whom: Whom) -> dict[str, int]:
        """Count what names the person, by table, and is somebody else's to change."""
        return {
            name.removeprefix(_NAME): await db.fetchval(self._queries[name], None, **asdict(whom))
            for name in self._named(_NAME)
        }

    async def obstacle(self, db: Executor, whom: Whom) -> str | None:
        """Return why an erasure has to wait, in words; None if it has not."""
        for name in self._named(_WAIT):
            words: str | None = await db.fetchval(self._queries[name], None, **asdict(whom))
            if words is not None:
                return words
        return None

    @property
    def tables(self) -> Mapping[str, bool]:
        """The tables that are read out or erased here, and whether they are erased."""
        names = (*self._named(_HELD), *self._named(_ERASE))
        erased = {name.removeprefix(_ERASE) for name in self._named(_ERASE)}
        found = {name.removeprefix(_HELD).removeprefix(_ERASE) for name in names}
        return {table: table in erased for table in sorted(found)}

    @property
    def readable(self) -> frozenset[str]:
        """The tables that are read out here."""
        return frozenset(name.removeprefix(_HELD) for name in self._named(_HELD))

    def _named(self, *beginnings: str) -> list[str]:
        return [name for name in self._queries if name.startswith(beginnings)]
