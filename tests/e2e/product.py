"""The product as its user runs it: real processes, started by `omni up`, on ports of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from omni.client.client import OmniClient
from omni.storage.db import Database
from omni.storage.sql import Query

START_S = 90.0


@dataclass(frozen=True, slots=True)
class Product:
    """A running Omni."""

    api: OmniClient
    db: Database
    api_url: str
    ui_url: str
    network_url: str
    logs: Path

    async def count(self, table: str, where: str = "true") -> int:
        """Return how many rows of `table` fulfil `where` (both are literals of the tests)."""
        return await self.db.fetchval(Query("count", f"select count(*) from {table} where {where}"))

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query of the tests."""
        return [dict(row) for row in await self.db.fetch(Query("rows", sql))]


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@asynccontextmanager
async def running_product(
    folder: Path, database_url: str, redis_url: str, queue_prefix: str, **settings: object
) -> AsyncGenerator[Product]:
    """Start every part, wait until it answers, and stop it again with Ctrl-C's signal."""
    api, crawler, ui, synthetic = free_ports(4)
    environment = {
        # NiceGUI behaves otherwise where it finds pytest's own variables.
        **{n: v for n, v in os.environ.items() if not n.startswith(("OMNI_", "PYTEST_"))},
        "OMNI_DATA_DIR": str(folder / "data"),
        "OMNI_DATABASE_URL": database_url,
        "OMNI_REDIS_URL": redis_url,
        "OMNI_QUEUE_PREFIX": queue_prefix,
        "OMNI_API_PORT": str(api),
        "OMNI_CRAWLER_PORT": str(crawler),
        "OMNI_UI_PORT": str(ui),
        "OMNI_SYNTHETIC_PORT": str(synthetic),
        **{f"OMNI_{name.upper()}": str(value) for name, value in settings.items()},
    }
    logs = folder / "omni.log"
    process = await asyncio.to_thread(_start, folder, environment, logs)
    api_url = f"http://127.0.0.1:{api}"
    db = await Database.connect(database_url, size=2, name="omni-e2e")
    try:
        await _until_ready(process, api_url, logs)
        async with OmniClient(api_url) as client:
            yield Product(
                client, db, api_url, f"http://127.0.0.1:{ui}", f"http://127.0.0.1:{synthetic}", logs
            )
    finally:
        await db.close()
        await asyncio.to_thread(_stop, process)


def _start(folder: Path, environment: dict[str, str], logs: Path) -> subprocess.Popen[bytes]:
    with logs.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "omni.cli.main", "up"],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


async def _until_ready(process: subprocess.Popen[bytes], api_url: str, logs: Path) -> None:
    async with httpx.AsyncClient() as http, asyncio.timeout(START_S):
        while True:
            if process.poll() is not None:
                raise AssertionError(f"omni up ended:\n{_tail(logs)}")
            with suppress(httpx.TransportError):
                if (await http.get(f"{api_url}/ready")).status_code == 200:
                    return
            await asyncio.sleep(0.2)


def _tail(logs: Path) -> str:
    return logs.read_text(errors="replace")[-4_000:]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
        raise
