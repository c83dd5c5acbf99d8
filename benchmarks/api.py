"""A page of 50 leads out of 1,000,000: Omni's API against the least that could give it.

Run by `make bench NAME=api`; prints one JSON object a line. It starts a Postgres of its own, and
each server and the load in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import asyncpg

from benchmarks.http_load import CONNECTIONS, Load, measure
from omni.api.cursors import score_cursor
from omni.base.log import configure_logging
from omni.embedded.postgres import Postgres
from omni.storage.migrate import migrate

LEADS = 1_000_000
DEPTH = 500_000
PAGE = 50
ROUNDS = 11
SECONDS = 2.0  # many short rounds: what disturbs one pair of measurements misses the next

SETTING = (
    f"page of {PAGE} from {LEADS:,} leads of one campaign, {CONNECTIONS} kept-alive connections, "
    f"one server process on uvicorn, median of {ROUNDS} interleaved rounds of {SECONDS:g} s"
)
SEEDED = "leads were inserted with foreign keys off (session_replication_role = replica)"

_INSERT = """
    insert into leads (campaign_id, profile_id, platform, platform_id, username, display_name,
        score_id, score, confidence, reasons, state, created_at, updated_at)
    select 1, n, 'bluesky', 'did:plc:' || md5(n::text), 'user' || n || '.example',
        'Person ' || n, n, (hashint8(n)::bigint & 1048575) / 1048576.0, 0.8,
        jsonb_build_array(
            jsonb_build_object('criterion', 'followers between 200 and 50,000',
                'evidence', n % 50000 || ' followers'),
            jsonb_build_object('criterion', 'writes about open source',
                'evidence', 'open source for ' || n % 20 || ' years, see ' || md5(n::text)),
            jsonb_build_object('criterion', 'speaks English',
                'evidence', 'Hello, I build tools for people who build tools')
        ),
        'new', now(), now()
    from generate_series(1, $1::int) n
"""


def main() -> None:
    """Run the benchmark."""
    configure_logging("warning")
    folder = Path(tempfile.mkdtemp(prefix="omni-bench-"))
    postgres = Postgres(folder / "postgres")
    postgres.start()
    try:
        cursor = asyncio.run(_seed(postgres.url))
        with (
            _server("omni", postgres.url, folder) as omni,
            _server("reference", postgres.url, folder) as reference,
        ):
            first = f"/campaigns/1/leads?limit={PAGE}"
            urls = {
                "omni": omni + first,
                "deep": f"{omni}{first}&cursor={cursor}",
                "reference": reference + first,
            }
            _check(urls)
            _report(_load(urls))
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _seed(database_url: str) -> str:
    """Fill the table, its indexes last; return the cursor that leads to the deep page."""
    await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("set session_replication_role = replica")
        await connection.execute("set maintenance_work_mem = '256MB'")
        await connection.execute(
            "insert into campaigns (name, criteria, criteria_hash) values ('bench', '{}', '')"
        )
        indexes = await connection.fetch(
            "select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition"
            " from pg_index where indrelid = 'leads'::regclass and not indisunique"
        )
        for index in indexes:
            await connection.execute(f"drop index {index['name']}")
        await connection.execute(_INSERT, LEADS)
        for index in indexes:
            await connection.execute(index["definition"])
        await connection.execute("vacuum analyze leads")
        last = await connection.fetchrow(
            "select score, id from leads where campaign_id = 1"
            " order by score desc, id desc offset $1 limit 1",
            DEPTH - 1,
        )
        assert last is not None
        return score_cursor(last["score"], last["id"])
    finally:
        await connection.close()


@contextmanager
def _server(which: str, database_url: str, folder: Path) -> Generator[str]:
    """Run one server; yield its URL."""
    command = [sys.executable, "-m", "benchmarks.api_process", which, database_url]
    with (folder / f"{which}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError((folder / f"{which}.log").read_text("utf-8", "replace")[-2_000:])
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _check(urls: dict[str, str]) -> None:
    """Hold that both give the same leads, and that the deep page is another one."""
    pages = {name: json.load(urlopen(url, timeout=30))["items"] for name, url in urls.items()}
    assert pages["omni"] == pages["reference"]
    assert len(pages["deep"]) == len(pages["omni"]) == PAGE
    assert pages["deep"][0]["score"] <= pages["omni"][-1]["score"]


def _load(urls: dict[str, str]) -> dict[str, list[Load]]:
    """Measure each in turn, in an order that turns around from round to round."""
    loads: dict[str, list[Load]] = {name: [] for name in urls}
    for number in range(ROUNDS):
        for name in sorted(urls, reverse=number % 2 == 1):
            loads[name].append(measure(urls[name], SECONDS))
    return loads


def _report(loads: dict[str, list[Load]]) -> None:
    rates = {name: [load.requests_per_s for load in each] for name, each in loads.items()}

    def ratio(over: str, under: str) -> float:
        """Compare round by round, since a noisy neighbour slows both."""
        pairs = zip(rates[over], rates[under], strict=True)
        return statistics.median(one / other for one, other in pairs)

    _print(
        "leads_vs_pgjson_ratio", ratio("omni", "reference"), "ratio",
        f"requests/s over those of a bare Starlette route that hands on the page as one value that "
        f"Postgres built; {SETTING}; {SEEDED}; at least 0.8",
    )  # fmt: skip
    _print(
        "deep_page_ratio", ratio("omni", "deep"), "ratio",
        f"time of the page at depth {DEPTH:,} over that of the first; {SETTING}; at most 1.5",
    )  # fmt: skip
    for name, metric in (
        ("omni", "leads"), ("deep", "deep_leads"), ("reference", "pgjson"),
    ):  # fmt: skip
        _print(f"{metric}_per_s", statistics.median(rates[name]), "requests/s", SETTING)
        p50 = statistics.median(load.p50_ms for load in loads[name])
        p99 = statistics.median(load.p99_ms for load in loads[name])
        _print(f"{metric}_p50_ms", p50, "ms", SETTING)
        _print(f"{metric}_p99_ms", p99, "ms", SETTING)


def _print(metric: str, value: float, unit: str, note: str) -> None:
    line = {"bench": "api", "metric": metric, "value": round(value, 3), "unit": unit, "note": note}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
