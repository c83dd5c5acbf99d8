"""One server of the API benchmark, in a process of its own: the real API, or the reference.

The reference is the least that can give a page of leads over HTTP: a bare Starlette route that
hands on what Postgres built as one value. Both are served alike.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
import uvicorn
from cryptography.fernet import Fernet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from omni.api.app import create_api
from omni.api.deps import ApiDeps
from omni.base.clock import utc_now
from omni.base.vault import Vault
from omni.storage.db import Database

POOL = 10
PAGE_AS_ONE_VALUE = """
    select json_build_object('items', json_agg(p), 'next_cursor', null)::text
    from (
        select
            id, campaign_id, profile_id, platform, platform_id,
            ('{"bluesky": "https://bsky.app/profile/"}'::jsonb ->> platform) || platform_id
                as profile_url,
            username, display_name, score, confidence, reasons, state,
            decided_at, created_at, updated_at
        from leads
        where campaign_id = $1
        order by score desc, id desc
        limit $2
    ) p
"""


class _Bell:
    """The benchmark has no broker, and asks for none."""

    async def ping(self) -> None:
        """Answer."""


@asynccontextmanager
async def _omni(database_url: str) -> AsyncGenerator[ASGIApp]:
    db = await Database.connect(database_url, size=POOL)
    vault = Vault(Fernet.generate_key().decode())
    yield create_api(ApiDeps(db=db, broker=_Bell(), platforms={}, vault=vault, clock=utc_now))
    await db.close()


@asynccontextmanager
async def _reference(database_url: str) -> AsyncGenerator[ASGIApp]:
    async def page(request: Request) -> Response:
        campaign_id = int(request.path_params["campaign_id"])
        limit = int(request.query_params["limit"])
        body = await pool.fetchval(PAGE_AS_ONE_VALUE, campaign_id, limit)
        return Response(body, media_type="application/json")

    async with asyncpg.create_pool(
        database_url, min_size=1, max_size=POOL, server_settings={"TimeZone": "UTC"}
    ) as pool:
        yield Starlette(routes=[Route("/campaigns/{campaign_id}/leads", page)])


async def serve(which: str, database_url: str) -> None:
    """Serve until terminated; print the URL first."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    bound.listen(128)
    make = {"omni": _omni, "reference": _reference}[which]
    async with make(database_url) as app:
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        # Callers wait in the socket's queue until the server takes them.
        print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
        await uvicorn.Server(config).serve(sockets=[bound])


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2]))
