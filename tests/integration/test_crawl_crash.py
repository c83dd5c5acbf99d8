"""A crawler that is killed again and again: nobody lost, nobody twice, nothing asked twice.

In CI a few kills of a small crawl; with OMNI_TEST_LONG=1 50 kills of a crawl of 5,000 people.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from omni.connectors.synthetic.world import World, person_id
from omni.crawl import store as logs
from omni.crawl.types import PageRead
from omni.jobs import relay
from omni.jobs.bullmq import BullBroker
from omni.jobs.types import CrawlConfig, CrawlSeed, NewJob
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.jobs_fixtures import ended, enqueue, eventually, relaying
from tests.synthetic_fixtures import (
    NOW,
    break_network,
    mend_network,
    requests_of,
    running_network,
)

pytestmark = pytest.mark.long

LONG = bool(os.environ.get("OMNI_TEST_LONG"))
KILLS, PEOPLE = (50, 5_000) if LONG else (4, 600)
SLOW_S = 1.0 if LONG else 0.5
"""What a page takes, so that the crawl outlives the kills."""

STUCK_S = 600.0
"""What each further page takes once a run has had its share: on a busy machine, too, the crawl must
not end before the last kill."""

WORD = "de"
"""A word that most people of the synthetic network write."""

SEED = 7
PAGE = BATCH = 50
CALLS = 4
PER_KILL = (200 + BATCH) * 2 + CALLS * BATCH
"""People of the haul that is written, of the one that is gathered, and of the calls that run."""

PEOPLE_KEPT = Query("kept", "select platform_id from profiles_raw")


def expected_people() -> tuple[int, set[str]]:
    """Return how many people to look at so that `PEOPLE` may be kept, and who these are."""
    world, position = World(PEOPLE * 2, SEED, NOW), 0
    looked_at, kept = 0, set[str]()
    while True:
        page = world.search(WORD, position, PAGE)
        for number in page.numbers:
            looked_at += 1
            if world.person(number).discoverable:
                kept.add(person_id(number))
            if len(kept) == PEOPLE:
                return looked_at, kept
        assert page.next is not None
        position = page.next


class Crawlers:
    """One crawler at a time: when it is killed, another one is started."""

    def __init__(self, nursery: asyncio.subprocess.Process) -> None:
        self._nursery = nursery
        self._pid = 0

    async def start(self) -> None:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(b"\n")
        self._pid = int(await self._nursery.stdout.readline())

    async def kill(self) -> None:
        """Kill the one that runs, and return when it is dead."""
        os.kill(self._pid, signal.SIGKILL)
        await eventually(self._is_dead)

    async def _is_dead(self) -> bool:
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return True
        return False


@asynccontextmanager
async def crawling(*where: str) -> AsyncGenerator[Crawlers]:
    """Start a crawler; end the last one with the block."""
    nursery = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.crawl_process",
        *where,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        crawlers = Crawlers(nursery)
        await crawlers.start()
        yield crawlers
    finally:
        assert nursery.stdin is not None
        nursery.stdin.close()
        await asyncio.wait_for(nursery.wait(), 30)


def slow_down(url: str, share: int) -> None:
    """Let the next pages take a while, and those after them as good as for ever."""
    mend_network(url)
    break_network(url, path="/search", mode="slow", seconds=SLOW_S, times=share)
    break_network(url, path="/search", mode="slow", seconds=STUCK_S, times=100_000)


class Committed:
    """What was durable at the moment of a kill, and how many requests there had been."""

    def __init__(self, people: Iterable[str], cursors: Iterable[str], requests: int) -> None:
        self.people, self.cursors, self.requests = set(people), set(cursors), requests


async def committed(db: Database, job_id: UUID, url: str) -> Committed:
    people = [row["platform_id"] for row in await db.fetch(PEOPLE_KEPT)]
    cursors = [""]
    async for entry in logs.read(db, job_id):
        cursors += [step.cursor or "" for step in entry.steps if isinstance(step, PageRead)]
    return Committed(people, cursors[:-1], (await asyncio.to_thread(requests_of, url))[0])


def asked_people(requests: Iterable[str]) -> Counter[str]:
    asked = Counter[str]()
    for request in requests:
        url = urlsplit(request)
        if url.path == "/people":
            asked.update(parse_qs(url.query)["ids"][0].split(","))
    return asked


def asked_cursors(requests: Iterable[str]) -> Counter[str]:
    urls = [urlsplit(request) for request in requests]
    return Counter(
        parse_qs(url.query).get("cursor", [""])[0] for url in urls if url.path == "/search"
    )


@pytest.mark.xdist_group("crawl_crash")
@pytest.mark.timeout(1_800 if LONG else 300)
async def test_a_crawler_killed_again_and_again_loses_nobody_and_asks_nothing_twice(
    db: Database,
    database_url: str,
    valkey_url: str,
    queue_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "GRACE_S", 0.1)
    monkeypatch.setattr(relay, "SWEEP_S", 0.2)
    looked_at, expected = await asyncio.to_thread(expected_people)
    config = CrawlConfig(max_profiles=looked_at, max_pages=10_000, max_seconds=3_000)
    (job_id,) = await enqueue(db, NewJob(CrawlSeed("synthetic", "search", WORD, config)))
    broker, dice = BullBroker(valkey_url, prefix=queue_prefix), Random(SEED)
    network = running_network(tmp_path / "network", people=PEOPLE * 2, seed=SEED)
    snapshots: list[Committed] = []
    share = looked_at // PAGE // KILLS
    with network as url:
        slow_down(url, share)
        where = (database_url, valkey_url, queue_prefix, url, str(tmp_path))
        async with relaying(db, broker), crawling(*where) as crawlers:
            for _ in range(KILLS):
                before = await _entries(db, job_id)

                async def went_on(before: int = before) -> bool:
                    return await _entries(db, job_id) >= before + 2

                try:
                    await eventually(went_on, within=60)
                except TimeoutError:
                    pytest.fail(f"kill {len(snapshots)}: nothing more of {await _state(db)}")
                await asyncio.sleep(dice.uniform(0, 0.5))
                await crawlers.kill()
                snapshots.append(await committed(db, job_id, url))
                if len(snapshots) < KILLS:
                    await asyncio.to_thread(slow_down, url, share)
                else:
                    await asyncio.to_thread(mend_network, url)
                await crawlers.start()
            job = await ended(db, job_id, within=120)
        _, requests = await asyncio.to_thread(requests_of, url)
    await broker.close()

    assert job.state == "succeeded", job.error
    assert job.result is not None
    kept = [row["platform_id"] for row in await db.fetch(PEOPLE_KEPT)]
    assert (len(kept), set(kept)) == (PEOPLE, expected)
    assert (job.result["new"], job.result["kept"]) == (PEOPLE, PEOPLE)
    assert (job.result["found"], job.result["ended_by"]) == (looked_at, "profiles")
    assert job.result["resumed"] >= KILLS
    for snapshot in snapshots:
        later = requests[snapshot.requests :]
        assert not snapshot.people & asked_people(later).keys()
        assert not snapshot.cursors & asked_cursors(later).keys()
    people, cursors = asked_people(requests), asked_cursors(requests)
    repeated = people.total() - len(people)
    assert repeated <= KILLS * PER_KILL
    print(
        f"\n{KILLS} kills, {len(kept)} profiles, {len(requests)} requests;"
        f" repeated: {repeated} people, {cursors.total() - len(cursors)} pages;"
        f" resumed {job.result['resumed']} times, {job.attempts} attempts of {job.max_attempts}"
    )


async def _entries(db: Database, job_id: UUID) -> int:
    count = Query("count", "select count(*) from crawl_steps where job_id = :job_id")
    return await db.fetchval(count, job_id=job_id)


async def _state(db: Database) -> list[dict[str, object]]:
    """Return what the ledger and the server say of a crawl that does not go on."""
    crawl = Query("job", "select *, now() from jobs where kind = 'crawl.seed'")
    waits = Query("waits", "select pid, state, wait_event, query from pg_stat_activity")
    return [dict(row) for query in (crawl, waits) for row in await db.fetch(query)]
