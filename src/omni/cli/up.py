"""The whole product in one command: the servers, the schema, every part, and their end."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from omni.base.settings import Settings
from omni.cli.guard import bind, check_address
from omni.cli.lifetime import Signals
from omni.cli.parts import PARTS
from omni.cli.supervisor import Say, Supervisor, omni_command
from omni.embedded.servers import Servers
from omni.storage.db import Database
from omni.storage.migrate import migrate


@dataclass(frozen=True, slots=True)
class Product:
    """Omni, running.

    Attributes:
        settings: What it was started with.
        database_url: For work that has no place in the API, such as the demo's.
        supervisor: Watches the parts.
    """

    settings: Settings
    database_url: str
    supervisor: Supervisor

    @property
    def ui_url(self) -> str:
        """Where the web UI is."""
        return f"http://{self.settings.ui_host}:{self.settings.ui_port}"


@asynccontextmanager
async def running_product(
    settings: Settings, signals: Signals, say: Say
) -> AsyncGenerator[Product]:
    """Start everything; stop everything at the end of the block.

    Args:
        settings: What to start, and where.
        signals: A stop that comes while it starts lets the block begin early: look at it first.
        say: Told each thing that a person should know, a line at a time.

    Raises:
        Rejected: A port is taken, an address is not allowed, a folder cannot be used.
        Fatal: A server or a part did not start.
    """
    _check_ports(settings)
    begun = time.monotonic()
    async with Servers(settings) as servers:
        revision = await migrate(servers.database_url)
        say(f"{'servers':<10} Postgres and Valkey, schema {revision}")
        await _check_addresses(settings, servers.database_url)
        supervisor = Supervisor(
            [(name, omni_command(name, "--supervised")) for name in (*PARTS, "ui")],
            environment={
                "OMNI_DATABASE_URL": servers.database_url,
                "OMNI_REDIS_URL": servers.redis_url,
                "OMNI_DATA_DIR": str(settings.data_dir.resolve()),
            },
            logs=settings.data_dir / "logs",
            signals=signals,
            say=say,
        )
        async with supervisor:
            if not signals.stop.is_set():
                say(f"{'ready':<10} after {time.monotonic() - begun:.1f} s")
            yield Product(settings, servers.database_url, supervisor)
            say(f"{'stopping':<10} (Ctrl-C once more to hurry)")
    say(f"{'stopped':<10} the data stay in {settings.data_dir}")


def _check_ports(settings: Settings) -> None:
    for host, port, setting in (
        (settings.api_host, settings.api_port, "OMNI_API_PORT"),
        (settings.crawler_host, settings.crawler_port, "OMNI_CRAWLER_PORT"),
        (settings.ui_host, settings.ui_port, "OMNI_UI_PORT"),
        ("127.0.0.1", settings.synthetic_port, "OMNI_SYNTHETIC_PORT"),
    ):
        bind(host, port, setting).close()


async def _check_addresses(settings: Settings, database_url: str) -> None:
    database = await Database.connect(database_url, size=2, name="omni-up")
    try:
        for host, setting in (
            (settings.api_host, "OMNI_API_HOST"),
            (settings.crawler_host, "OMNI_CRAWLER_HOST"),
            (settings.ui_host, "OMNI_UI_HOST"),
        ):
            await check_address(host, setting, database)
    finally:
        await database.close()
