"""The tables of planned looks: refreshes, refresh_terms, rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from omni.profiles.census import Freshness, crowds, freshness, from_rows, level_of
from omni.profiles.refresh import DAY_S, History, Standing, Terms, rate_of
from omni.profiles.types import Interest
from omni.storage.db import Executor, Row
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.profiles", "refresh")


@dataclass(frozen=True, slots=True)
class Met:
    """A profile as it is held now, and what is planned of it.

    Attributes:
        standing: None if no look is planned yet.
        content_hash: What its content is now.
        last_seen: When it was seen last, by a refresh or by a crawl.
        gone: The platform does not show the person any more.
    """

    profile_id: int
    platform: str
    platform_id: str
    content_hash: str
    last_seen: datetime
    gone: bool
    standing: Standing | None

    @property
    def level(self) -> Interest:
        """How much campaigns care about the person."""
        return level_of(self.standing.interest) if self.standing else "stranger"

    @property
    def changes_every_days(self) -> float | None:
        """How often the person changes, by estimate; None before a look has told anything."""
        plan = self.standing
        return 1 / rate_of(plan.pace) / DAY_S if plan and plan.is_known else None


@dataclass(frozen=True, slots=True)
class PlatformTerms:
    """What looks cost on a platform, and what its last run spent.

    Attributes:
        cost: Requests for each person who is looked at.
        budget: Requests that a run may make.
        people: Asked for in the last run.
        requests: Made in the last run.
        failed: Batches that failed in the last run.
    """

    platform: str
    terms: Terms
    cost: float
    budget: int
    people: int
    requests: int
    failed: int
    ran_at: datetime


@dataclass(frozen=True, slots=True)
class Round:
    """A walk through a whole table, a stretch at a time.

    Attributes:
        reached: Where it is; empty at its beginning.
        counting: What this walk has counted so far.
        counted: What the last whole walk has counted; None before the first one has ended.
    """

    reached: str = ""
    counting: Any = None
    counted: Any = None
    counted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """How fresh people are, as they were last counted.

    Attributes:
        people: How many each platform has.
    """

    kinds: list[Freshness]
    people: dict[str, int]
    at: datetime | None


async def read_freshness(db: Executor) -> Counted:
    """Return what the last whole count has found; before the first one, what it has so far."""
    walk = await read_round(db, "census")
    census = from_rows(walk.counted or walk.counting)
    people = {name: sum(crowd.values()) for name, crowd in crowds(census).items()}
    return Counted(freshness(census), people, walk.counted_at)


async def find_due(db: Executor, platform: str, *, now: datetime, limit: int) -> list[Met]:
    """Return who is due on a platform, the longest overdue first."""
    rows = await db.fetch(QUERIES["find_due"], platform=platform, now=now, limit=limit)
    return [_met(row) for row in rows]


async def read_standings(db: Executor, profile_ids: Sequence[int]) -> list[Met]:
    """Return these people, as far as they exist, by profile_id."""
    rows = await db.fetch(QUERIES["read_standings"], profile_ids=list(profile_ids))
    return [_met(row) for row in rows]


async def claim_due(
    db: Executor, profile_ids: Sequence[int], *, now: datetime, again: datetime
) -> set[int]:
    """Put off those of these people who are still due until `again`; return who that was."""
    rows = await db.fetch(QUERIES["claim_due"], profile_ids=list(profile_ids), now=now, again=again)
    return {row["profile_id"] for row in rows}


async def put_standings(db: Executor, standings: Sequence[Standing]) -> int:
    """Write what is planned; return for how many that was new."""
    if not standings:
        return 0
    return await db.execute(
        QUERIES["put_standings"],
        profile_ids=[each.profile_id for each in standings],
        interests=[each.interest for each in standings],
        paces=[each.pace for each in standings],
        changes=[each.history.changes for each in standings],
        changed_s=[each.history.changed_s for each in standings],
        still_s=[each.history.still_s for each in standings],
        looked_at=[each.looked_at for each in standings],
        seen_hashes=[each.seen_hash for each in standings],
        refresh_at=[each.refresh_at for each in standings],
    )


async def drop_standings(db: Executor, profile_ids: Sequence[int]) -> int:
    """Plan no more looks at these people; return at how many one was planned."""
    if not profile_ids:
        return 0
    return await db.execute(QUERIES["drop_standings"], profile_ids=list(profile_ids))


async def read_terms(db: Executor) -> dict[str, PlatformTerms]:
    """Return the terms of each platform that was ever refreshed."""
    return {row["platform"]: _terms(row) for row in await db.fetch(QUERIES["read_terms"])}


async def put_terms(
    db: Executor, platform: str, terms: Terms, *, cost: float, budget: int, now: datetime
) -> None:
    """Write a platform's terms; `cost` only counts for a platform that is new."""
    await db.execute(
        QUERIES["put_terms"],
        platform=platform,
        price=terms.price,
        average=terms.average,
        longest_s=terms.longest.total_seconds(),
        cost=cost,
        budget=budget,
        now=now,
    )


async def put_spent(
    db: Executor,
    platform: str,
    *,
    cost: float,
    people: int,
    requests: int,
    failed: int,
    now: datetime,
) -> None:
    """Write what a run has spent on a platform."""
    await db.execute(
        QUERIES["put_spent"],
        platform=platform,
        cost=cost,
        people=people,
        requests=requests,
        failed=failed,
        now=now,
    )


async def read_round(db: Executor, name: str) -> Round:
    """Return where a walk is."""
    row = await db.fetchrow(QUERIES["read_round"], name=name)
    return Round(**row) if row else Round()


async def put_round(db: Executor, name: str, walk: Round, *, was: str) -> None:
    """Write where a walk is now, if it is still where it was."""
    await db.execute(
        QUERIES["put_round"],
        name=name,
        reached=walk.reached,
        counting=walk.counting,
        counted=walk.counted,
        counted_at=walk.counted_at,
        was=was,
    )


async def count_stretch(
    db: Executor, *, after: int, size: int, now: datetime
) -> list[dict[str, Any]]:
    """Return how many people of each kind the next stretch of the table holds."""
    rows = await db.fetch(QUERIES["count_stretch"], after=after, size=size, now=now)
    return [dict(row) for row in rows]


async def next_due(db: Executor, platforms: Sequence[str]) -> dict[str, datetime]:
    """Return when the next look is planned on each platform that has people."""
    rows = await db.fetch(QUERIES["next_due"], platforms=list(platforms))
    return {row["platform"]: row["refresh_at"] for row in rows}


def _met(row: Row) -> Met:
    return Met(
        profile_id=row["profile_id"],
        platform=row["platform"],
        platform_id=row["platform_id"],
        content_hash=row["content_hash"],
        last_seen=row["last_seen"],
        gone=row["gone_since"] is not None,
        standing=None if row["refresh_at"] is None else _standing(row),
    )


def _standing(row: Row) -> Standing:
    return Standing(
        profile_id=row["profile_id"],
        platform=row["platform"],
        interest=row["interest"],
        history=History(row["changes"], row["changed_s"], row["still_s"]),
        looked_at=row["looked_at"],
        seen_hash=row["seen_hash"],
        refresh_at=row["refresh_at"],
        pace=row["pace"],
    )


def _terms(row: Row) -> PlatformTerms:
    return PlatformTerms(
        platform=row["platform"],
        terms=Terms(row["price"], row["average"], timedelta(seconds=row["longest_s"])),
        cost=row["cost"],
        budget=row["budget"],
        people=row["people"],
        requests=row["requests"],
        failed=row["failed"],
        ran_at=row["ran_at"],
    )
