"""A platform in this process that a test can hold up, break, and ask what it was asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from omni.connectors.types import RawProfile, RefPage, Seed
from omni.jobs.types import CrawlConfig, CrawlSeed
from omni.storage.db import Database
from omni.storage.sql import Query

PLATFORM = "village"
ENTRIES = Query("entries", "select count(*) from crawl_steps where job_id = :job_id")
PEOPLE = Query("people", "select platform_id from profiles_raw order by profile_id")


@dataclass
class Village:
    """A list of people, page by page; each person has the next ones as followers.

    Attributes:
        people: How many there are.
        hiding: Who asks not to be found.
        held: Calls wait while it is cleared.
        fault: Called with each call; may raise.
    """

    people: int = 1_000
    page: int = 20
    batch_size: int = 10
    delay: float = 0.0
    platform: str = PLATFORM
    seed_types: frozenset[str] = frozenset({"search", "followers"})
    fault: Callable[[str], None] = lambda call: None
    hiding: set[str] = field(default_factory=set[str])
    held: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list[str])
    fetched: Counter[str] = field(default_factory=Counter[str])
    running: int = 0

    def __post_init__(self) -> None:
        self.held.set()

    async def expand(self, seed: Seed, cursor: str | None) -> RefPage:
        """Return a page of everybody, or of the five who come after a person."""
        await self._call(f"{seed.type} {seed.value} {cursor or 0}")
        if seed.type == "followers":
            first = int(seed.value) + 1
            return RefPage(self._names(first, first + 5), None)
        start = int(cursor or 0)
        following = start + self.page
        return RefPage(
            self._names(start, following), str(following) if following < self.people else None
        )

    async def fetch(self, platform_ids: Sequence[str]) -> Sequence[RawProfile]:
        """Return those people."""
        await self._call("people " + ",".join(platform_ids))
        self.fetched.update(platform_ids)
        return [
            RawProfile(self.platform, name, f"user{name}", discoverable=name not in self.hiding)
            for name in platform_ids
        ]

    def _names(self, start: int, end: int) -> tuple[str, ...]:
        return tuple(str(number) for number in range(start, min(end, self.people)))

    async def _call(self, call: str) -> None:
        self.asked.append(call)
        self.running += 1
        try:
            await asyncio.sleep(self.delay)
            await self.held.wait()
            self.fault(call)
        finally:
            self.running -= 1


def crawl_of(**bounds: int) -> CrawlSeed:
    """Return the arguments of a crawl of everybody in the village."""
    return CrawlSeed(PLATFORM, "search", "everybody", CrawlConfig(**bounds))


async def entries(db: Database, job_id: UUID) -> int:
    """Return how many entries the crawl's log has."""
    return await db.fetchval(ENTRIES, job_id=job_id)


async def people(db: Database) -> list[str]:
    """Return the ids of all who were written."""
    return [row["platform_id"] for row in await db.fetch(PEOPLE)]
