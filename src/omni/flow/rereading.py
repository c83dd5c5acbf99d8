"""The step that looks at people again, where a look buys most."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from omni.base.errors import Cancelled, OmniError, Transient
from omni.base.log import get_logger
from omni.connectors.meter import meter
from omni.connectors.ports import ProfileSource
from omni.connectors.types import RawProfile
from omni.flow import caring, follow, intake
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs import store as ledger
from omni.jobs.plan import describe
from omni.jobs.types import CrawlRefresh, Progress
from omni.leads import suppressions_store as suppressions
from omni.profiles import image_store, refresh_store, refresh_work
from omni.profiles import work as profiles
from omni.profiles.image_work import old_images
from omni.profiles.refresh import Spending, share
from omni.profiles.refresh_store import Met, PlatformTerms
from omni.profiles.types import StoredBatch

RUN_S = 600.0
"""After so long a run begins no more batches: the next one goes on."""

HALVED = 8
"""After so many refused batches in a row no more is halved: it is enough to find one of 200."""

TIMES = 5
"""How often one choice looks further where those who are due are suppressed."""


@dataclass(frozen=True, slots=True)
class _Reread:
    """What a refresh has done so far."""

    stored: StoredBatch = intake.NOTHING
    gone: int = 0
    looked: int = 0
    failed: int = 0
    requests: int = 0


async def crawl_refresh(world: World, job: JobContext, args: CrawlRefresh) -> StepResult:
    """Look again at those whose look has become worth its price, within a budget of requests.

    Each platform has its own budget, and they share the limit of people, so that one that fails or
    is slow does not keep the others from being read. A batch that fails goes to the end of its
    platform's line, so that it cannot stop those behind it; `last_seen` stays, for nobody was seen.

    Raises:
        Transient: Batches failed, and none could be read.
    """
    budget = world.settings.refresh_requests
    terms = await refresh_work.review(
        world.db, dict.fromkeys(world.sources, budget), people=args.limit, now=world.clock()
    )
    due = await _due(world, args.limit)
    total = sum(map(len, due.values()))
    until = asyncio.get_running_loop().time() + RUN_S
    done = _Reread()
    for platform, people in due.items():
        before = done
        spending = Spending(budget, terms[platform].cost)
        done, spending = await _reread_platform(world, job, people, spending, done, total, until)
        await _note_spent(world, terms[platform], spending, done.failed - before.failed)
    if done.failed and not done.looked:
        raise Transient(f"{done.failed} batches could not be read: see the log")
    return StepResult(
        {
            **intake.counts(done.stored),
            "gone": done.gone,
            "failed_batches": done.failed,
            "requests": done.requests,
        }
    )


async def _due(world: World, limit: int) -> dict[str, list[Met]]:
    """Return whom to ask each platform for, within the limit that they share."""
    found = {platform: await _wanted(world, platform, limit) for platform in world.sources}
    shares = share({platform: len(people) for platform, people in found.items()}, limit)
    return {platform: found[platform][:count] for platform, count in shares.items() if count}


async def _wanted(world: World, platform: str, limit: int) -> list[Met]:
    """Return who is due on a platform, but for the suppressed: they are planned no more.

    Nothing of what a look would show of them is ever written.
    """
    wanted: list[Met] = []
    for _ in range(TIMES):
        due = await refresh_work.choose(world.db, platform, now=world.clock(), limit=limit)
        unwanted = await suppressions.suppressed_among(
            world.db, [(m.platform, m.platform_id) for m in due]
        )
        wanted = [m for m in due if (m.platform, m.platform_id) not in unwanted]
        if not unwanted:
            break
        dropped = {m.profile_id for m in due} - {m.profile_id for m in wanted}
        await refresh_store.drop_standings(world.db, sorted(dropped))
    return wanted


async def _reread_platform(
    world: World,
    job: JobContext,
    people: Sequence[Met],
    spending: Spending,
    done: _Reread,
    total: int,
    until: float,
) -> tuple[_Reread, Spending]:
    """Read a platform's people again, batch by batch, as far as its budget reaches.

    A batch that is refused is asked for in halves, so that one person whom the platform cannot bear
    does not keep the others of the batch from being read; not where it refuses everything.
    """
    source = world.source(people[0].platform)
    place, in_a_row = 0, 0
    halves: list[Sequence[Met]] = []
    while (halves or place < len(people)) and asyncio.get_running_loop().time() < until:
        size = spending.affordable(source.batch_size)
        if not size:
            break
        if halves:
            part = halves.pop()[:size]
        else:
            chosen = people[place : place + size]
            place += len(chosen)
            part = await refresh_work.claim(world.db, chosen, now=world.clock())
        if not part:
            continue
        before = done.failed
        with meter() as met:
            done, goes_on = await _reread(world, job, source, part, done)
        in_a_row = in_a_row + 1 if done.failed > before else 0
        if 0 < in_a_row <= HALVED and len(part) > 1:
            middle = len(part) // 2
            halves += [part[middle:], part[:middle]]
        # Some sources do without HTTP: then a batch counts as one request.
        requests = max(1, met.requests)
        spending = spending.after(people=len(part), requests=requests)
        done = replace(done, requests=done.requests + requests)
        job.report(Progress(done.looked, total))
        if not goes_on:
            break
    return done, spending


async def _reread(
    world: World, job: JobContext, source: ProfileSource, people: Sequence[Met], done: _Reread
) -> tuple[_Reread, bool]:
    """Read one batch again; return what is done now, and whether to go on with the platform."""
    asked = world.clock()
    ids = [each.platform_id for each in people]
    try:
        found = await source.fetch(ids)
        shown = [profile for profile in found if profile.discoverable]
        stored = await intake.write(world, job, shown)
    except Cancelled:
        raise
    except Exception as error:
        get_logger().warning(
            "crawl.batch_unread",
            platform=source.platform,
            people=len(ids),
            error=describe(error),
            exc_info=not isinstance(error, OmniError),
        )
        # A platform that is down is down for its next batch too; one that refuses some may take it.
        return replace(done, failed=done.failed + 1), not isinstance(error, Transient)
    gone = await _note_missing(world, source.platform, ids, found, asked)
    await _note_old_pictures(world, people)
    interests = await caring.interests_of(world, [each.profile_id for each in people])
    await refresh_work.record(world.db, people, interests, now=world.clock())
    return replace(
        done,
        stored=intake.add(done.stored, stored),
        gone=done.gone + gone,
        looked=done.looked + len(ids),
    ), True


async def _note_old_pictures(world: World, people: Sequence[Met]) -> None:
    """Ask for pictures again that may have changed without their profile."""
    now = world.clock()
    old = await old_images(world.db, [each.profile_id for each in people], now=now)
    await ledger.enqueue(world.db, follow.after_looking(old, now=now), now=now)


async def _note_missing(
    world: World, platform: str, ids: Sequence[str], found: Sequence[RawProfile], asked: datetime
) -> int:
    """Note who is gone, together with the jobs that let them leave every campaign."""
    shown = {profile.platform_id for profile in found if profile.discoverable}
    hidden = {profile.platform_id for profile in found} - shown
    async with world.db.transaction() as tx:
        gone = await profiles.mark_missing(
            tx,
            platform=platform,
            shown=sorted(shown),
            hidden=sorted(hidden),
            left_out=[person for person in ids if person not in shown | hidden],
            now=asked,
        )
        await refresh_store.drop_standings(tx, gone)
        await image_store.drop_images_of(tx, gone)
        await ledger.enqueue(tx, follow.after_leaving(gone), now=world.clock())
    return len(gone)


async def _note_spent(world: World, terms: PlatformTerms, spending: Spending, failed: int) -> None:
    await refresh_store.put_spent(
        world.db,
        terms.platform,
        cost=spending.learned(),
        people=spending.people,
        requests=spending.requests,
        failed=failed,
        now=world.clock(),
    )
