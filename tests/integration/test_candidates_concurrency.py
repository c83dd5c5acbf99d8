"""Whatever runs at once, and wherever it is stopped: at rest, candidates are a full evaluation."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from random import Random

import pytest

from omni.base.errors import Transient
from omni.campaigns import store as campaigns
from omni.candidates import work
from omni.candidates.differences import LANES, lanes_of, marks_of
from omni.candidates.store import QUERIES
from omni.candidates.types import CandidateReport
from omni.flow import crowds
from omni.jobs.types import Progress
from omni.predicate.plan import compile_criteria
from omni.profiles.types import SIGNALS
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.candidates_fixtures import (
    COUNTS,
    NOW,
    WORDS,
    add_campaign,
    add_profiles,
    change_profiles,
    change_words,
    crowd_of,
    delete_profiles,
    evaluated,
    held,
    target_of,
)
from tests.candidates_life import CRITERIA, GERMAN, POPULAR, UNPOPULAR, Life, ignore

LONG = bool(os.environ.get("OMNI_TEST_LONG"))
ROUNDS = 12
EVERY_LANE = range(LANES)
WAITS_FOR_LOCK = Query(
    "waits",
    """
    select count(*) from pg_locks l join pg_database d on d.oid = l.database
    where d.datname = current_database() and l.locktype = 'advisory' and not l.granted
    """,
)
KILL_SOME = Query(
    "kill_some",
    """
    select count(pg_terminate_backend(pid)) from (
        select pid from pg_stat_activity
        where datname = current_database() and application_name = 'omni-victim'
        order by random() limit 2
    ) victims
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


@pytest.fixture
async def campaign_ids(db: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Campaigns, on pages of four."""
    monkeypatch.setattr(work, "PROFILES_PER_RANGE", 50)
    monkeypatch.setattr(crowds, "PAGE", 4)
    return [(await add_campaign(db, criteria)).id for criteria in CRITERIA]


async def refresh_all(db: Database, campaign_ids: list[int]) -> None:
    for campaign_id in campaign_ids:
        target = target_of(await campaigns.get(db, campaign_id))
        await work.refresh(db, target, now=NOW, report=ignore)


async def check(db: Database, campaign_ids: list[int]) -> None:
    for campaign_id in campaign_ids:
        assert await held(db, campaign_id) == await evaluated(db, campaign_id)


@pytest.mark.parametrize("seed", range(3))
async def test_all_at_once_end_as_a_full_evaluation(
    db: Database, campaign_ids: list[int], seed: int
) -> None:
    ids = await add_profiles(db, 400)
    await refresh_all(db, campaign_ids)
    life = Life(db, db, ids, campaign_ids, seed)
    await life.go_on(ROUNDS)
    await life.rest()
    await check(db, campaign_ids)


async def with_kills(
    db: Database, url: str, campaign_ids: list[int], seed: int, rounds: int
) -> Life:
    """Let life go on while the connections of the jobs are killed, and a worker process is."""
    ids = await add_profiles(db, 400)
    await refresh_all(db, campaign_ids)
    jobs = await Database.connect(url, size=6, name="omni-victim")
    life = Life(db, jobs, ids, campaign_ids, seed)
    over = asyncio.Event()

    async def kill() -> None:
        while not over.is_set():
            await asyncio.sleep(0.03)
            await db.execute(KILL_SOME)

    killing = asyncio.create_task(kill())
    await asyncio.gather(life.go_on(rounds), killed_worker(db, url, ids, seed))
    over.set()
    await killing
    await life.rest()
    await jobs.close()
    return life


async def killed_worker(db: Database, url: str, ids: list[int], seed: int) -> None:
    """Change profiles for a worker of its own process, kill that, and give its jobs to another."""
    random = Random(seed)
    batches = [sorted(random.sample(ids, 100)) for _ in range(20)]
    first = await start_worker(url)
    assert first.stdin is not None
    assert first.stdout is not None
    await first.stdout.readline()
    for batch in batches:
        await change_profiles(db, batch, by=random.randrange(1, 900))
        first.stdin.write(json.dumps(batch).encode() + b"\n")
    done = 0
    for _ in range(random.randrange(1, 10)):
        assert await first.stdout.readline()
        done += 1
    await asyncio.sleep(random.random() / 50)
    first.kill()
    await first.wait()
    second = await start_worker(url)
    left = "\n".join(json.dumps(batch) for batch in batches[done:]) + "\n"
    await second.communicate(left.encode())
    assert second.returncode == 0


async def start_worker(url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.candidates_process", url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20 if LONG else 1))
async def test_kills_leave_the_same_as_none(
    db: Database, database_url: str, campaign_ids: list[int], seed: int
) -> None:
    life = await with_kills(db, database_url, campaign_ids, seed, 5 * ROUNDS if LONG else ROUNDS)
    assert life.failures
    await check(db, campaign_ids)


async def test_a_refresh_that_waited_sees_what_it_waited_for(db: Database) -> None:
    """Its snapshot is taken after the lock, so the newer features win, not the later write."""
    ids = await add_profiles(db, 100)
    target = target_of(await add_campaign(db, POPULAR))
    async with db.transaction() as tx:
        await tx.execute(QUERIES["lock_lanes"], lanes=EVERY_LANE)
        waiting = asyncio.create_task(work.refresh(db, target, now=NOW, report=ignore))
        await until_somebody_waits(db)
        await change_profiles(db, ids, by=500)
    await waiting
    assert await held(db, target.campaign_id) == await evaluated(db, target.campaign_id)


async def test_a_delta_looks_again_at_whom_another_change_has_overtaken(db: Database) -> None:
    """What it looked at is old, and the delta of the later change may pass over this campaign."""
    ids = await add_profiles(db, 100)
    campaign = await add_campaign(db, UNPOPULAR)
    crowd = await crowd_of(db, campaign)
    counts, words = (dict.fromkeys(ids, marks_of(marks)) for marks in (COUNTS, WORDS))
    async with db.transaction() as tx:
        await tx.execute(QUERIES["lock_lanes"], lanes=EVERY_LANE)
        early = asyncio.create_task(work.maintain(db, crowd, ids, now=NOW, changes=counts))
        await until_somebody_waits(db)
        await change_words(db, ids[:50])
        await delete_profiles(db, ids[50:60])
    assert (await early).overtaken == 60
    assert await held(db, campaign.id) == await evaluated(db, campaign.id) != []
    late = await work.maintain(db, crowd, ids[:50], now=NOW, changes=words)
    assert late == CandidateReport(passed=50)


async def test_whoever_never_stands_still_is_left_to_another_attempt(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MOST_LOOKS", 1)
    ids = await add_profiles(db, 10)
    crowd = await crowd_of(db, await add_campaign(db, POPULAR))
    async with db.transaction() as tx:
        await tx.execute(QUERIES["lock_lanes"], lanes=EVERY_LANE)
        job = asyncio.create_task(work.maintain(db, crowd, ids, now=NOW))
        await until_somebody_waits(db)
        await change_words(db, ids)
    with pytest.raises(Transient):
        await job


async def test_a_delta_does_not_wait_for_a_refresh_of_other_profiles(db: Database) -> None:
    ids = await add_profiles(db, 10)
    crowd = await crowd_of(db, await add_campaign(db, POPULAR))
    async with db.transaction() as tx:
        others = [lane for lane in EVERY_LANE if lane not in lanes_of(ids)]
        await tx.execute(QUERIES["lock_lanes"], lanes=others)
        async with asyncio.timeout(10):
            await work.maintain(db, crowd, ids, now=NOW)


async def test_a_crowd_is_never_older_than_the_question(db: Database) -> None:
    """Back to an earlier state, too, and with a campaign that comes, pauses or learns."""
    kept, seen = crowds.Crowds(), list[list[tuple[str, int]]]()
    one, other = await add_campaign(db, POPULAR), await add_campaign(db, GERMAN)

    async def now_seen() -> list[tuple[str, int]]:
        return [
            (target.criteria_hash, target.weights_version)
            async for crowd in kept.pages(db)
            for target in crowd.targets
        ]

    async def edit(criteria: object) -> None:
        await campaigns.update(db, one.id, now=NOW, compiled=compile_criteria(criteria))

    seen.append(await now_seen())
    await edit(UNPOPULAR)
    seen.append(await now_seen())
    await edit(POPULAR)
    assert await now_seen() == seen[0] != seen[1]
    await campaigns.update(db, other.id, now=NOW, status="paused")
    assert await now_seen() == seen[0][:1]
    await campaigns.add_weights(
        db, one.id, weights=[0.5] * len(SIGNALS), trained_on=1, metrics={}, now=NOW
    )
    assert await now_seen() == [(one.criteria_hash, 1)]


async def test_an_edit_while_maintenance_waits_makes_it_stale(db: Database) -> None:
    ids = await add_profiles(db, 600)
    campaign = await add_campaign(db, UNPOPULAR)
    async with db.transaction() as tx:
        await tx.execute(QUERIES["lock_lanes"], lanes=EVERY_LANE)
        crowd = await crowd_of(db, campaign)
        waiting = asyncio.create_task(work.maintain(db, crowd, ids, now=NOW))
        await until_somebody_waits(db)
        compiled = compile_criteria(POPULAR)
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
    campaign = await add_campaign(db, POPULAR)
    target = target_of(campaign)
    victim = await Database.connect(database_url, size=1)
    halfway = asyncio.Event()

    def tell(progress: Progress) -> None:
        if progress.done >= 700:
            halfway.set()

    running = asyncio.create_task(work.refresh(victim, target, now=NOW, report=tell))
    await halfway.wait()
    async with db.transaction() as tx:
        await tx.execute(QUERIES["lock_lanes"], lanes=EVERY_LANE)
        await until_somebody_waits(db)
        await db.execute(KILL_WAITING)
        with pytest.raises(Transient):
            await running
    await victim.close()
    done = len(await held(db, target.campaign_id))
    assert 0 < done < len(await evaluated(db, target.campaign_id))
    await change_profiles(db, ids[:50], by=500)
    await asyncio.gather(
        work.maintain(db, await crowd_of(db, campaign), ids[:50], now=NOW),
        work.refresh(db, target, now=NOW, report=ignore),
    )
    assert await held(db, target.campaign_id) == await evaluated(db, target.campaign_id)


async def until_somebody_waits(db: Database) -> None:
    """Wait until a transaction stands in line for a lane."""
    async with asyncio.timeout(30):
        while not await db.fetchval(WAITS_FOR_LOCK):
            pass
