"""A platform that answers badly: one clear error after bounded tries, and nothing half-written."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from omni.base.errors import Transient
from omni.base.settings import Settings
from omni.connectors.synthetic.source import SyntheticSource
from omni.flow.steps import bind_steps
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World, build_world
from omni.jobs.types import CrawlSeed
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.synthetic_fixtures import break_network, mend_network, quick_client, running_network

TABLES = ("profiles_raw", "profile_features", "images", "discoveries", "jobs")
FAULTS: list[dict[str, Any]] = [
    {"mode": "status", "status": 500},
    {"mode": "status", "status": 429},
    {"mode": "status", "status": 429, "retry_after": 3_600},
    {"mode": "hang", "seconds": 30},
    {"mode": "garbage"},
    {"mode": "drop"},
]


@asynccontextmanager
async def world_with(
    url: str, folder: Path, database_url: str, valkey_url: str
) -> AsyncGenerator[World]:
    settings = Settings(_env_file=None, data_dir=folder, synthetic_url=url)  # pyright: ignore[reportCallIssue]
    async with (
        build_world(settings, database_url, valkey_url) as world,
        quick_client(timeout_s=0.4) as http,
    ):
        yield replace(world, http=http, sources={"synthetic": SyntheticSource(http, url)})


async def crawl(world: World) -> StepResult:
    args = CrawlSeed(platform="synthetic", seed_type="search", seed_value="climate")
    job = JobContext(id=uuid4(), campaign_id=None, attempt=1, report=lambda _: None)
    return await bind_steps(world)["crawl.seed"](job, args)


async def counts(db: Database) -> dict[str, int]:
    return {
        table: await db.fetchval(Query("count", f"select count(*) from {table}"))
        for table in TABLES
    }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, fault.values())))
async def test_a_seed_that_cannot_be_read_writes_nothing(
    fault: dict[str, Any], tmp_path: Path, db: Database, database_url: str, valkey_url: str
) -> None:
    with running_network(tmp_path / "state.sqlite") as url:
        break_network(url, path="/search", times=1_000, **fault)
        async with world_with(url, tmp_path, database_url, valkey_url) as world:
            with pytest.raises(Transient) as caught:
                await crawl(world)
    assert len(str(caught.value).splitlines()) == 1
    assert not any((await counts(db)).values())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, fault.values())))
async def test_a_platform_that_breaks_midway_leaves_whole_rows_and_can_be_crawled_again(
    fault: dict[str, Any], tmp_path: Path, db: Database, database_url: str, valkey_url: str
) -> None:
    with running_network(tmp_path / "state.sqlite") as url:
        async with world_with(url, tmp_path, database_url, valkey_url) as world:
            break_network(url, path="/people", times=1_000, **fault)
            with pytest.raises(Transient):
                await crawl(world)
            broken = await counts(db)
            assert broken["profiles_raw"] == broken["profile_features"]
            mend_network(url)
        # A host that asked for an hour's pause is asked again by a client that has not heard it.
        async with world_with(url, tmp_path, database_url, valkey_url) as world:
            found = await crawl(world)
            again = await crawl(world)
    whole = await counts(db)
    assert whole["profiles_raw"] == whole["profile_features"] == found.result["profiles"] > 10
    assert again.result["unchanged"] == again.result["profiles"] == found.result["profiles"]
