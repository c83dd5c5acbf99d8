"""Opens what a command works with: servers, schema, database, world."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from omni.base.settings import Settings
from omni.embedded.servers import Servers
from omni.storage.db import Database

if TYPE_CHECKING:
    from omni.flow.world import World


@asynccontextmanager
async def open_servers(settings: Settings) -> AsyncGenerator[Servers]:
    """Join the servers. Embedded ones are brought up to date; those of a URL, `omni migrate` does.

    Raises:
        Rejected: The data folder cannot be used.
        Fatal: A server did not start.
        Transient: The database cannot be reached.
    """
    async with Servers(settings) as servers:
        if settings.database_url is None:
            from omni.storage.migrate import migrate

            await migrate(servers.database_url)
        yield servers


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncGenerator[Database]:
    """Open the database alone; raises as `open_servers` does."""
    async with open_servers(settings) as servers:
        database = await Database.connect(servers.database_url, size=2, name="omni-cli")
        try:
            yield database
        finally:
            await database.close()


@asynccontextmanager
async def open_world(settings: Settings) -> AsyncGenerator[World]:
    """Open everything that a process of Omni works with; raises as `open_servers` does."""
    from omni.flow.world import build_world  # every connector with it, so not for every command

    async with (
        open_servers(settings) as servers,
        build_world(settings, servers.database_url, servers.redis_url) as world,
    ):
        yield world
