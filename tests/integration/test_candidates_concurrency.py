"""Whatever runs at once, and wherever it is stopped: at rest, candidates are a full evaluation."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any

import pytest

from omni.base.errors import Transient
from omni.campaigns import store as campaigns
from omni.candidates import work
from omni.candidates.store import QUERIES
from omni.jobs.types import Progress
from omni.predicate.plan import compile_criteria
from omni.profiles.types import SIGNALS
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.candidates_fixtures import (
    NOW,
    add_campaign,
    add_profiles,
    change_profiles,
    delete_profiles,
    evaluated,
    held,
    target_of,
)

POPULAR = {"field": "followers", "op": ">=", "value": 500}
UNPOPULAR = {"not": POPULAR}
GERMAN = {"field": "country", "op": "=", "value": "de"}
CRITERIA = (
    POPULAR,
    UNPOPULAR,
    GERMAN,
    {"any": [GERMAN, {"all": [POPULAR, {"not": {"field": "bio", "op": "exists"}}]}]},
    {"field": "text", "op": "matches", "value": "solar"},
)
WAITS_FOR_LOCK = Query(
    "waits",
    """
    select count(*) from pg_locks l join pg_database d on d.oid = l.database
    where d.datname = current_database() and l.locktype = 'advisory' and not l.granted
    """,
)
KILL_WAITING = Query(
    "kill_waiting",
    """
    select count(pg_terminate_backend(l.pid))
    from pg_locks l join pg_database d on d.oid = l.database
    where d.datname = current_database() and l.locktype = 'advisory' and not l.granted
    """,
)


class Life:
    """Changes that come at once, each followed by the job that it asks for."""

    def __init__(self, db: Database, ids: list[int], campaign_ids: list[int], seed: int) -> None:
        self._db = db
        self._ids = ids
        self._campaign_ids = campaign_ids
        self._random = Random(seed)
        self._jobs: list[asyncio.Task[None]] = []

    async def crawl(self) -> None:
        for _ in range(12):
            ids = self._random.sample(self._ids, 60)
            async with self._db.transaction() as tx:
                await change_profiles(tx, ids, by=self._random.randrange(1, 900))
            self._start(self._maintain(ids))

    async def erase(self) -> None:
        for _ in range(6):
            ids = self._random.sample(self._ids, 5)
            await delete_profiles(self._db, ids)
            self._start(self._maintain(ids))

    async def edit(self) -> None:
        for _ in range(10):
            campaign_id = self._random.choice(self._campaign_ids)
            compiled = compile_criteria(self._random.choice(CRITERIA))
            async with self._db.transaction() as tx:
                await campaigns.update(tx, campaign_id, now=NOW, compiled=compiled)
            self._start(self._refresh(campaign_id))

    async def learn(self) -> None:
        for _ in range(6):
            campaign_id = self._random.choice(self._campaign_ids)
            weights = [self._random.random() for _ in SIGNALS]
            async with self._db.transaction() as tx:
                await campaigns.add_weights(
                    tx, campaign_id, weights=weights, trained_on=1, metrics={}, now=NOW
                )
            self._start(self._refresh(campaign_id))

    async def rest(self) -> None:
        """Wait for every job; one that failed fails here."""
        await asyncio.gather(*self._jobs)

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        self._jobs.append(asyncio.create_task(job))

    async def _maintain(self, ids: list[int]) -> None:
        targets = [target_of(c) for c in await campaigns.active(self._db, limit=100)]
        await asyncio.sleep(self._random.random() / 20)  # time for others to overtake
        await work.maintain(self._db, targets, ids, now=NOW)

    async def _refresh(self, campaign_id: int) -> None:
        target = target_of(await campaigns.get(self._db, campaign_id))
        await asyncio.sleep(self._random.random() / 20)
        await work.refresh(self._db, target, now=NOW, report=ignore)


@pytest.mark.parametrize("seed", range(3))
async def test_all_at_once_end_as_a_full_evaluation(
    db: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(work, "PROFILES_PER_RANGE", 50)
    ids = await add_profiles(db, 400)
    campaign_ids = [(await add_campaign(db, criteria)).id for criteria in CRITERIA]
    for campaign_id in campaign_ids:
        target = target_of(await campaigns.get(db, campaign_id))
        await work.refresh(db, target, now=NOW, report=ignore)
    life = Life(db, ids, campaign_ids, seed)
    await asyncio.gather(life.crawl(), life.crawl(), life.erase(), life.edit(), life.learn())
    await life.rest()
    for campaign_id in campaign_ids:
        assert await held(db, campaign_id) == await evaluated(db, campaign_id)


async def test_a_writer_that_waited_sees_what_it_waited_for(db: Database) -> None:
    """Its snapshot is taken after the lock, so the newer features win, not the later write."""
    ids = await add_profiles(db, 100)
    target = target_of(await add_campaign(db, POPULAR))
    async with db.transaction() as tx:
        await tx.execute(QUERIES["lock_writer"], campaign_id=target.campaign_id)
        waiting = asyncio.create_task(work.maintain(db, [target], ids, now=NOW))
        await until_somebody_waits(db)
        await change_profiles(db, ids, by=500)
    await waiting
    assert await held(db, target.campaign_id) == await evaluated(db, target.campaign_id)


async def test_an_edit_while_maintenance_waits_makes_it_stale(db: Database) -> None:
    ids = await add_profiles(db, 100)
    campaign = await add_campaign(db, POPULAR)
    async with db.transaction() as tx:
        await tx.execute(QUERIES["lock_writer"], campaign_id=campaign.id)
        waiting = asyncio.create_task(work.maintain(db, [target_of(campaign)], ids, now=NOW))
        await until_somebody_waits(db)
        compiled = compile_criteria(UNPOPULAR)
        edited = await campaigns.update(db, campaign.id, now=NOW, compiled=compiled)
    assert (await waiting).stale == 1
    assert await held(db, campaign.id) == []
    await work.refresh(db, target_of(edited), now=NOW, report=ignore)
    assert await held(db, campaign.id) == await evaluated(db, campaign.id)


async def test_an_edit_in_the_middle_of_a_refresh_ends_it(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "PROFILES_PER_RANGE", 10)
    await add_profiles(db, 1_000)
    campaign = await add_campaign(db, UNPOPULAR)
    edits: list[asyncio.Task[object]] = []

    def edit(progress: Progress) -> None:
        if not edits:
            compiled = compile_criteria(POPULAR)
            change = campaigns.update(db, campaign.id, now=NOW, compiled=compiled)
            edits.append(asyncio.create_task(change))

    report = await work.refresh(db, target_of(campaign), now=NOW, report=edit)
    assert report.stale == 1
    assert 0 < report.entered < 500
    await asyncio.gather(*edits)
    await work.refresh(db, target_of(await campaigns.get(db, campaign.id)), now=NOW, report=ignore)
    assert await held(db, campaign.id) == await evaluated(db, campaign.id)


async def test_a_refresh_that_was_killed_is_mended_by_running_it_again(
    db: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "PROFILES_PER_RANGE", 10)
    ids = await add_profiles(db, 2_000)
    target = target_of(await add_campaign(db, POPULAR))
    victim = await Database.connect(database_url, size=1)
    halfway = asyncio.Event()

    def tell(progress: Progress) -> None:
        if progress.done >= 700:
            halfway.set()

    running = asyncio.create_task(work.refresh(victim, target, now=NOW, report=tell))
    await halfway.wait()
    async with db.transaction() as tx:
        await tx.execute(QUERIES["lock_writer"], campaign_id=target.campaign_id)
        await until_somebody_waits(db)
        await db.execute(KILL_WAITING)
        with pytest.raises(Transient):
            await running
    await victim.close()
    done = len(await held(db, target.campaign_id))
    assert 0 < done < len(await evaluated(db, target.campaign_id))
    await change_profiles(db, ids[:50], by=500)
    await asyncio.gather(
        work.maintain(db, [target], ids[:50], now=NOW),
        work.refresh(db, target, now=NOW, report=ignore),
    )
    assert await held(db, target.campaign_id) == await evaluated(db, target.campaign_id)


async def until_somebody_waits(db: Database) -> None:
    """Wait until a transaction stands in line for a campaign's lock."""
    async with asyncio.timeout(30):
        while not await db.fetchval(WAITS_FOR_LOCK):
            pass


def ignore(progress: Progress) -> None:
    """Take no notice."""
