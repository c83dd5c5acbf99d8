"""The API as its callers meet it: served by uvicorn on 127.0.0.1, on the test's database."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from cryptography.fernet import Fernet
from fastapi import FastAPI

from omni.api.app import create_api
from omni.api.deps import ApiDeps, Judging, NoObjects, Pinged
from omni.base.clock import Clock, utc_now
from omni.base.vault import Vault
from omni.client.client import OmniClient
from omni.llm.types import Prices
from omni.storage.db import Database
from omni.storage.objects import Objects
from omni.storage.sql import Query

PLATFORMS = {
    "synthetic": frozenset({"search", "followers"}),
    "bluesky": frozenset({"actor", "followers", "follows", "search"}),
}
CRITERIA = {"all": [{"field": "followers", "op": ">=", "value": 10}]}
CAMPAIGN: dict[str, Any] = {"name": "Maintainers", "criteria": CRITERIA}

_TABLES = Query(
    "tables",
    """
    select string_agg(
        format('select %L as name, count(*) as count from %I', tablename, tablename), ' union all '
    )
    from pg_tables where schemaname = 'public'
    """,
)
_ADD_LEADS = Query(
    "add_leads",
    """
    with known as (
        insert into profiles_raw (platform, platform_id, username, payload, content_hash)
        select 'bluesky', 'did:plc:' || n, 'user' || n || '.example', '{}', 'h'
        from unnest(:numbers::int[]) n
        returning profile_id, username
    ),
    scores as (
        insert into llm_scores (campaign_id, profile_id, username, profile_hash, criteria_hash,
            model, prompt_version, outcome, qualified, score, raw, latency_ms)
        select :campaign_id, profile_id, username, 'v', 'c', 'm', '1', 'verdict', true,
            :score::float8, '', 1 from known
        returning id, profile_id
    )
    insert into leads (campaign_id, profile_id, platform, platform_id, username, display_name,
        score_id, score, confidence, reasons)
    select :campaign_id, p.profile_id, 'bluesky', 'did:plc:' || n, p.username, :name, s.id,
        :score::float8, 0.75, '[{"criterion": "bio", "evidence": "I \\"climb\\" </script> ☃"}]'
    from unnest(:numbers::int[]) n
    join known p on p.username = 'user' || n || '.example'
    join scores s using (profile_id)
    order by n
    returning id
    """,
)


@dataclass(frozen=True, slots=True)
class Served:
    """A running API."""

    url: str
    http: httpx.AsyncClient
    client: OmniClient
    db: Database

    async def counts(self) -> dict[str, int]:
        """Return how many rows each table has."""
        count = Query("count", await self.db.fetchval(_TABLES))
        return {row["name"]: row["count"] for row in await self.db.fetch(count)}

    async def campaign_id(self) -> int:
        """Return the id of a new campaign."""
        return (await self.client.create_campaign(**CAMPAIGN)).id

    async def add_leads(
        self, campaign_id: int, numbers: range, *, score: float = 0.9, name: str | None = "Ada"
    ) -> list[int]:
        """Write leads straight into the tables; return their ids."""
        rows = await self.db.fetch(
            _ADD_LEADS, campaign_id=campaign_id, numbers=list(numbers), score=score, name=name
        )
        return sorted(row["id"] for row in rows)

    async def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Return the rows of a query of the tests."""
        return [dict(row) for row in await self.db.fetch(Query("rows", sql), **params)]


class Bell:
    """A broker that answers, as far as the API asks one."""

    async def ping(self) -> None:
        """Answer."""


def deps(
    db: Database,
    *,
    require_keys: bool = False,
    clock: Clock = utc_now,
    broker: Pinged | None = None,
    objects: Objects | None = None,
    judges: Sequence[Judging] = (),
    prices: Prices | None = None,
) -> ApiDeps:
    """Return what the API needs, on a real database."""
    return ApiDeps(
        db=db,
        broker=broker or Bell(),
        platforms=PLATFORMS,
        senders=frozenset(PLATFORMS),
        vault=Vault(Fernet.generate_key().decode()),
        clock=clock,
        require_keys=require_keys,
        objects=objects or NoObjects(),
        judges=judges,
        prices=prices or Prices(),
    )


class _Server(uvicorn.Server):
    """Leaves signals to the test runner."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncGenerator[str]:
    """Serve `app`; yield its URL."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        while not server.started:
            await asyncio.sleep(0.005)
            if task.done():
                task.result()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        bound.close()


@asynccontextmanager
async def served(
    db: Database,
    *,
    require_keys: bool = False,
    api_key: str | None = None,
    clock: Clock = utc_now,
    judges: Sequence[Judging] = (),
    prices: Prices | None = None,
) -> AsyncGenerator[Served]:
    """Serve the API on `db`, with a client and with bare HTTP."""
    app = create_api(deps(db, require_keys=require_keys, clock=clock, judges=judges, prices=prices))
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http,
        OmniClient(url, api_key=api_key) as client,
    ):
        yield Served(url, http, client, db)


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """Return the one problem document of a refusal, after checking its form."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert {"type", "title", "detail", "instance"} <= body.keys()
    assert body["detail"]
    assert "\n" not in body["detail"]
    return body
