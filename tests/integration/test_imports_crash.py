"""An import whose process is killed, or that is cancelled: every row once, from where it was.

In CI a few kills of a small file; with OMNI_TEST_LONG=1 20 kills of one of 50,000 rows.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from omni.imports import store as imports
from omni.jobs import relay
from omni.jobs.bullmq import BullBroker
from omni.jobs.types import Job
from tests.integration.test_crawl_crash import Crawlers, crawling
from tests.integration.test_imports import Bench, people, running_bench
from tests.jobs_fixtures import ended, eventually, relaying

pytestmark = pytest.mark.long

LONG = bool(os.environ.get("OMNI_TEST_LONG"))
KILLS, ROWS = (20, 50_000) if LONG else (6, 8_000)
"""More kills than a job has attempts: a run that got on costs none."""

DOUBLES = 20
NOBODY = "http://127.0.0.1:9"
"""No network is needed."""


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the relay give the job of a dead process to the next one soon."""
    monkeypatch.setattr(relay, "GRACE_S", 0.1)
    monkeypatch.setattr(relay, "SWEEP_S", 0.2)


@asynccontextmanager
async def bench_and_broker(
    folder: Path, where: tuple[str, ...]
) -> AsyncGenerator[tuple[Bench, BullBroker]]:
    broker = BullBroker(where[1], prefix=where[2])
    async with running_bench(folder, *where[:2]) as bench:
        yield bench, broker
    await broker.close()


async def reached(bench: Bench, import_id: int, rows: int) -> None:
    async def there() -> bool:
        return (await imports.get(bench.world.db, import_id)).counts.rows >= rows

    await eventually(there, within=60)


async def whole(bench: Bench, import_id: int, job: Job) -> dict[str, Any]:
    """Assert that every row came in once; return the job's result."""
    assert job.state == "succeeded", job.error
    assert job.result is not None
    stored = await bench.rows("select platform_id from profiles_raw")
    assert sorted(row["platform_id"] for row in stored) == sorted(f"p{n}" for n in range(ROWS))
    assert (job.result["rows"], job.result["new"]) == (ROWS + DOUBLES, ROWS)
    assert (job.result["changed"], job.result["unchanged"]) == (0, 0)
    lines = await bench.errors(import_id)
    numbers = [int(line.split(",")[0]) for line in lines[1:]]
    assert numbers == list(range(ROWS + 2, ROWS + 2 + DOUBLES))
    return job.result


def file() -> str:
    """Return people, and at the end some of the first ones again."""
    return people(ROWS) + "".join(f"p{n},Again,,\n" for n in range(DOUBLES))


@pytest.mark.xdist_group("crawl_crash")
@pytest.mark.timeout(1_800 if LONG else 300)
async def test_a_killed_import_is_gone_on_with_and_takes_every_row_once(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    dice, where = Random(5), (database_url, valkey_url, queue_prefix, NOBODY, str(tmp_path))
    async with bench_and_broker(tmp_path, where) as (bench, broker):
        draft = await bench.upload(file())
        accepted = await bench.client.start_import(draft.id)
        async with relaying(bench.world.db, broker), crawling(*where) as crawlers:
            places = [await _kill(bench, crawlers, draft.id, dice) for _ in range(KILLS)]
            job = await ended(bench.world.db, accepted.job_id, within=300)
        await whole(bench, draft.id, job)
        print(f"\n{KILLS} kills at rows {places}, {job.attempts} attempts")
        assert job.attempts > 1


async def _kill(bench: Bench, crawlers: Crawlers, import_id: int, dice: Random) -> int:
    """Kill the process once it has got on; return how far the import was."""
    before = (await imports.get(bench.world.db, import_id)).counts.rows
    await reached(bench, import_id, min(before + 500, ROWS))
    await asyncio.sleep(dice.uniform(0, 0.2))
    await crawlers.kill()
    place = (await imports.get(bench.world.db, import_id)).counts.rows
    assert len(await bench.rows("select from profiles_raw")) == min(place, ROWS)
    await crawlers.start()
    return place


@pytest.mark.xdist_group("crawl_crash")
@pytest.mark.timeout(300)
async def test_a_cancelled_import_stops_and_goes_on_when_it_is_started_again(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    where = (database_url, valkey_url, queue_prefix, NOBODY, str(tmp_path))
    async with bench_and_broker(tmp_path, where) as (bench, broker):
        draft = await bench.upload(file())
        first = await bench.client.start_import(draft.id)
        async with relaying(bench.world.db, broker), crawling(*where):
            await reached(bench, draft.id, 500)
            await bench.client.cancel_job(first.job_id)
            stopped = await ended(bench.world.db, first.job_id)
            assert stopped.state == "cancelled"
            left = await bench.client.get_import(draft.id)
            assert left.state == "cancelled"
            assert 500 <= left.counts.rows < ROWS
            assert len(await bench.rows("select from profiles_raw")) == left.counts.rows
            second = await bench.client.start_import(draft.id)
            assert second.job_id != first.job_id
            job = await ended(bench.world.db, second.job_id, within=120)
        await whole(bench, draft.id, job)
