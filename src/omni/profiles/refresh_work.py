"""Plans looks at people: whom next, what was seen, and what campaigns care about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from omni.base.log import get_logger
from omni.profiles import refresh_store as store
from omni.profiles.census import Census, add, crowds, from_rows, to_rows
from omni.profiles.refresh import (
    AGAIN,
    History,
    Standing,
    Terms,
    cared,
    looked,
    planned,
    terms_of,
)
from omni.profiles.refresh_store import Met, PlatformTerms, Round
from omni.storage.db import Executor

STRETCH = 50_000
"""How many people one run counts. More of them are counted over several runs."""

PERIOD_S = 900.0
"""Seconds between two runs."""

SETTLED_TIMES = 5
"""How often one choice looks further where crawls have met those who are due."""


async def note_interest(db: Executor, interests: Mapping[int, float], *, now: datetime) -> int:
    """Write how much campaigns care about these people; doing so again changes nothing.

    Who is new gets a first plan, and who is gone has none any more.

    Args:
        interests: By profile_id; one of the values of `refresh.INTEREST`.

    Returns:
        How many plans were written or dropped.
    """
    terms = await store.read_terms(db)
    written: list[Standing] = []
    gone: list[int] = []
    for met in await store.read_standings(db, sorted(interests)):
        interest = interests[met.profile_id]
        if met.gone:
            gone.append(met.profile_id)
        elif met.standing is None:
            written.append(planned(_first(met, interest), _of(terms, met.platform)))
        elif met.standing.interest != interest:
            written.append(cared(met.standing, interest, _of(terms, met.platform)))
    return await store.put_standings(db, written) + await store.drop_standings(db, gone)


async def review(
    db: Executor, budgets: Mapping[str, int], *, people: int, now: datetime
) -> dict[str, PlatformTerms]:
    """Count a stretch of the people, and set each platform's price by what is known of all.

    Args:
        budgets: Requests that a run may make, by platform.
        people: The most people that a run asks a platform for.

    Returns:
        The terms of these platforms.
    """
    found = crowds(await _count(db, now))
    held = await store.read_terms(db)
    for platform, budget in budgets.items():
        cost = held[platform].cost if platform in held else 1.0
        looks_per_s = max(1.0, min(budget / cost, people)) / PERIOD_S
        terms = terms_of(found.get(platform, {}), looks_per_s)
        await store.put_terms(db, platform, terms, cost=cost, budget=budget, now=now)
    return {p: t for p, t in (await store.read_terms(db)).items() if p in budgets}


async def choose(db: Executor, platform: str, *, now: datetime, limit: int) -> list[Met]:
    """Return who is to be asked for on a platform, the longest overdue first.

    Those whom a crawl has met meanwhile were looked at for nothing: that is noted, and they are
    left out if it was late enough.
    """
    terms = _of(await store.read_terms(db), platform)
    times = SETTLED_TIMES
    while True:
        due = await store.find_due(db, platform, now=now, limit=limit)
        met = [each for each in due if each.standing and each.last_seen > each.standing.looked_at]
        gone = [each.profile_id for each in due if each.gone]
        if (not met and not gone) or not times:
            return [each for each in due if each not in met and not each.gone]
        times -= 1
        await store.drop_standings(db, gone)
        await store.put_standings(db, sorted(_seen(met, terms), key=lambda each: each.profile_id))


async def claim(db: Executor, people: Sequence[Met], *, now: datetime) -> list[Met]:
    """Take people for a request; return those whom no other run has taken.

    They are put off, so that whoever cannot be read goes behind those who can, even if the process
    dies of them.
    """
    mine = await store.claim_due(
        db, [each.profile_id for each in people], now=now, again=now + AGAIN
    )
    return [each for each in people if each.profile_id in mine]


async def record(
    db: Executor, people: Sequence[Met], interests: Mapping[int, float], *, now: datetime
) -> int:
    """Note what a request has shown of people, and plan their next looks; return of how many.

    Who was not seen stays put off.

    Args:
        people: Those whom `claim` gave.
        interests: What campaigns care about now, by profile_id.
    """
    if not people:
        return 0
    terms = _of(await store.read_terms(db), people[0].platform)
    fresh = await store.read_standings(db, [each.profile_id for each in people])
    seen = [
        replace(each, standing=replace(each.standing, interest=interests[each.profile_id]))
        for each in fresh
        if each.standing and not each.gone and each.last_seen > each.standing.looked_at
    ]
    return await store.put_standings(db, _seen(seen, terms))


async def _count(db: Executor, now: datetime) -> Census:
    """Walk on through the table; return what the last whole walk has counted, or this so far."""
    walk = await store.read_round(db, "census")
    after = int(walk.reached or 0)
    rows = await store.count_stretch(db, after=after, size=STRETCH, now=now)
    counting = add(
        from_rows(walk.counting),
        {
            (r["platform"], r["interest"], r["pace"]): (r["people"], r["hour"], r["day"], r["week"])
            for r in rows
        },
    )
    if sum(row["people"] for row in rows) < STRETCH:
        moved = Round("", [], to_rows(counting), now)
        get_logger().info("profiles.people_counted", kinds=len(counting))
    else:
        reached = str(max(row["last"] for row in rows))
        moved = replace(walk, reached=reached, counting=to_rows(counting))
    await store.put_round(db, "census", moved, was=walk.reached)
    return from_rows(moved.counted) or counting


def _first(met: Met, interest: float) -> Standing:
    return Standing(
        profile_id=met.profile_id,
        platform=met.platform,
        interest=interest,
        history=History(),
        looked_at=met.last_seen,
        seen_hash=met.content_hash,
        refresh_at=met.last_seen,
    )


def _seen(people: Sequence[Met], terms: Terms) -> list[Standing]:
    return [
        looked(each.standing, at=each.last_seen, content_hash=each.content_hash, terms=terms)
        for each in people
        if each.standing
    ]


def _of(terms: Mapping[str, PlatformTerms], platform: str) -> Terms:
    return terms[platform].terms if platform in terms else Terms()
