"""Omni's crawl loop against a bare curl_cffi loop, Scrapy and Crawlee; then a crawl into Postgres.

Run by `make bench NAME=crawl`; prints one JSON object a line. It starts servers of its own; each
crawler runs in a process of its own, in rounds that turn around, all on the same local server. The
figures of the write path follow.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import crawl_write
from benchmarks.crawl_into import crawl_into_postgres
from benchmarks.crawl_process import CONCURRENCY, WARM_UP
from benchmarks.crawl_server import page_server

ROUNDS = 7
PAGES = {"omni": 2_000, "bare": 2_000, "scrapy": 500, "crawlee-curl": 900, "crawlee-impit": 900}
"""How many pages each crawler reads in a round: about a second's worth."""

_WRITE = {
    "write_vs_copy_ratio": "ratio",
    "write_rows_per_s": "profiles/s",
    "copy_rows_per_s": "rows/s",
}
_TEXT = "Today we measured how the tide turns in the small harbour, and wrote down what we saw. "


@dataclass(frozen=True, slots=True)
class Run:
    """What one crawler did in one round."""

    pages_per_s: float
    cpu_ms: float
    rss_mb: float


def main() -> None:
    """Run the benchmark."""
    folder = Path(tempfile.mkdtemp(prefix="omni-bench-"))
    try:
        with page_server(folder, one_person()) as (base, server):
            runs = measure(base)
        report(runs, server)
        for line in crawl_into_postgres(folder, one_person()):
            show(**line)
        for line in _of_the_write_path():
            show(**line)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def one_person() -> bytes:
    """Return a page of the synthetic network with one person on it: 4 KB of JSON."""
    posts = [
        {
            "text": f"{number}: {_TEXT * 2}#harbour https://example.org/{number}",
            "created_at": f"2026-07-{number + 1:02}T12:00:00Z",
            "likes": 10 * number,
            "reposts": number,
            "replies": 3,
        }
        for number in range(12)
    ]
    person = {
        "id": "syn:1",
        "username": "ada.harbour",
        "display_name": "Ada Harbour",
        "bio": "Measures tides. " + _TEXT,
        "followers_count": 12_345,
        "follows_count": 321,
        "posts_count": 999,
        "created_at": "2020-01-01T00:00:00Z",
        "bot": False,
        "accepts_messages": True,
        "discoverable": True,
        "pictures": ["/pictures/1"],
        "links": ["https://example.org/ada"],
        "posts": posts,
    }
    return json.dumps({"people": [person]}).encode()


def measure(base: str) -> dict[str, list[Run]]:
    """Run each crawler in turn, in an order that turns around from round to round."""
    runs: dict[str, list[Run]] = {name: [] for name in PAGES}
    for number in range(ROUNDS):
        for name in sorted(PAGES, reverse=number % 2 == 1):
            runs[name].append(run(name, base, PAGES[name]))
    return runs


def run(name: str, base: str, pages: int) -> Run:
    """Run one crawler once.

    Raises:
        RuntimeError: It failed.
    """
    command = [sys.executable, "-m", "benchmarks.crawl_process", name, base, str(pages)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2_000:]}")
    return Run(**json.loads(done.stdout.strip().splitlines()[-1]))


def report(runs: dict[str, list[Run]], server: str) -> None:
    """Print the ratios and what they are made of."""
    size = len(one_person())
    setting = (
        f"{size:,} bytes of JSON from {server} on loopback, one process each, {CONCURRENCY} "
        f"requests at a time, politeness off; median of {ROUNDS} interleaved rounds of "
        f"{PAGES['omni']:,} pages, the first {WARM_UP} untimed"
    )
    loop = (
        "Omni's loop has slots, pace, circuit, retries, metrics, address checks, the connector's "
        "parsing and the content hash in it"
    )

    def ratio(other: str) -> float:
        pairs = zip(runs["omni"], runs[other], strict=True)
        return statistics.median(ours.pages_per_s / its.pages_per_s for ours, its in pairs)

    for metric, other, note in (
        ("loop_vs_bare_ratio", "bare", "curl_cffi's session, body read and dropped; at least 0.7"),
        ("loop_vs_scrapy_ratio", "scrapy", "Scrapy, JSON parsed, body hashed; at least 4"),
        ("loop_vs_crawlee_ratio", "crawlee-curl",
         "Crawlee with its curl client, JSON parsed, body hashed; at least 1.5"),
        ("loop_vs_crawlee_impit_ratio", "crawlee-impit", "the same with its impit client"),
    ):  # fmt: skip
        show(metric, ratio(other), "ratio", f"pages/s over those of {note}; {setting}; {loop}")
    show(
        "rss_mb", statistics.median(each.rss_mb for each in runs["omni"]), "MB",
        f"peak resident memory of the process that runs Omni's loop alone; {setting}; at most 100",
    )  # fmt: skip
    for name, each in runs.items():
        rate = statistics.median(one.pages_per_s for one in each)
        show(f"{name.replace('-', '_')}_pages_per_s", rate, "pages/s", setting)
        cpu_ms = statistics.median(one.cpu_ms for one in each)
        show(f"{name.replace('-', '_')}_cpu_ms", cpu_ms, "ms a page", setting)


def show(metric: str, value: float, unit: str, note: str) -> None:
    """Print one line."""
    line = {"bench": "crawl", "metric": metric, "value": round(value, 3), "unit": unit}
    print(json.dumps(line | {"note": note}), flush=True)


def _of_the_write_path() -> Iterable[dict[str, Any]]:
    """Return the ratio and the rates of `benchmarks.crawl_write`, which says how they are taken."""
    figures = crawl_write.measure()
    for metric, unit in _WRITE.items():
        note = "see benchmarks/crawl_write.py; `make bench NAME=crawl_write` gives the rest"
        yield {"metric": metric, "value": figures[metric], "unit": unit, "note": note}


if __name__ == "__main__":
    main()
