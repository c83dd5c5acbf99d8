"""Who is to be judged next: the walk over those who are not marked, flights, and choices."""

from __future__ import annotations

import heapq
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from omni.qualification.types import MOST_REFUSALS, Choice, OpenCandidate, VerdictKey
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.qualification", "shortlist")

FLIGHT = timedelta(minutes=20)
"""So long one verdict may be under way; after that its worker counts as dead."""
LEAST_PAGE = 200
MOST_PAGE = 1_000

Mark = Callable[[int, Mapping[int, str]], Awaitable[object]]
"""Marks candidates as settled under an epoch, given the view of each that is settled.

A mark is only a hint that saves a look: who is settled and has none is found on the walk, and is
marked then. What must never be is a mark on a view that is not settled; the marker sees to that.
"""


async def epoch_of(db: Executor, key: VerdictKey, criteria: dict[str, Any], now: datetime) -> int:
    """Return the number of a key, the same each time."""
    found = await db.fetchval(QUERIES["find_epoch"], **asdict(key))
    if found is None:
        await db.execute(QUERIES["add_epoch"], **asdict(key), criteria=criteria, now=now)
        found = await db.fetchval(QUERIES["find_epoch"], **asdict(key))
    return int(found)


async def has_seen(db: Executor) -> bool:
    """Tell whether any judge has ever been shown pictures."""
    return bool(await db.fetchval(QUERIES["has_seen"]))


async def list_open(
    db: Executor, key: VerdictKey, epoch: int, *, limit: int, mark: Mark
) -> list[OpenCandidate]:
    """Return up to `limit` candidates that are not settled under `key`, best cheap score first.

    Its cost is that of the open ones, and once that of those who were settled since the last time:
    they are marked, and not met again.
    """
    groups = await db.fetch(QUERIES["list_groups"], campaign_id=key.campaign_id, epoch=epoch)
    found: list[OpenCandidate] = []
    for row in groups:
        found += await _open_of(db, key, epoch, row["judged_epoch"], limit, mark)
    return heapq.nsmallest(limit, found, key=lambda one: (-one.cheap_score, one.profile_id))


async def _open_of(
    db: Executor, key: VerdictKey, epoch: int, marked: int, limit: int, mark: Mark
) -> list[OpenCandidate]:
    """Return the open ones among those with one mark."""
    size = min(MOST_PAGE, max(LEAST_PAGE, limit))
    found: list[OpenCandidate] = []
    after = (math.inf, 0)
    while len(found) < limit:
        page = await db.fetch(
            QUERIES["page_unmarked"],
            **asdict(key),
            marked=marked,
            most_refusals=MOST_REFUSALS,
            after_score=after[0],
            after_id=after[1],
            limit=size,
        )
        settled = {row["profile_id"]: row["view_hash"] for row in page if row["settled"]}
        if settled:
            await mark(epoch, settled)
        found += [
            OpenCandidate(row["profile_id"], row["cheap_score"], row["last_post_at"])
            for row in page
            if not row["settled"]
        ]
        if len(page) < size:
            break
        after = (page[-1]["cheap_score"], page[-1]["profile_id"])
    return found[:limit]


async def take_flights(
    db: Executor, key: VerdictKey, profile_ids: Sequence[int], *, holder: UUID, now: datetime
) -> dict[int, str]:
    """Take these people in hand; return the view of each who is in nobody else's."""
    rows = await db.fetch(
        QUERIES["take_flights"],
        **asdict(key),
        profile_ids=list(profile_ids),
        holder=holder,
        until=now + FLIGHT,
        now=now,
    )
    return {row["profile_id"]: row["view_hash"] for row in rows}


async def end_flights(
    db: Executor, key: VerdictKey, views: Mapping[int, str], *, holder: UUID
) -> None:
    """Let these people go, given the view of each."""
    await db.execute(
        QUERIES["end_flights"],
        **asdict(key),
        profile_ids=list(views),
        profile_hashes=list(views.values()),
        holder=holder,
    )


async def forget_flights(db: Executor, *, now: datetime) -> None:
    """Let those go whom nobody came back for."""
    await db.execute(QUERIES["forget_flights"], before=now - FLIGHT)


async def note_choices(
    db: Executor, campaign_id: int, job_id: UUID, choices: Sequence[Choice], *, now: datetime
) -> None:
    """Note who was shortlisted, and how likely that was."""
    await db.execute(
        QUERIES["note_choices"],
        campaign_id=campaign_id,
        job_id=job_id,
        profile_ids=[each.candidate.profile_id for each in choices],
        scores=[each.candidate.cheap_score for each in choices],
        explored=[each.explored for each in choices],
        propensities=[each.propensity for each in choices],
        now=now,
    )
