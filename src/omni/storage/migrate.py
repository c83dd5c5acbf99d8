"""Brings a database to the newest schema: Alembic keeps the order, each step is plain SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from omni.base.errors import Transient

_LOCK = 7_013_115_090  # two processes that start at once migrate one after the other


def migrations_dir() -> Path:
    """Return the folder of the migrations, in a checkout or inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "_migrations"
    return packaged if packaged.is_dir() else package.parents[1] / "migrations"


def run_sql(filename: str) -> None:
    """Run one SQL file, any number of statements, in the migration's transaction."""
    script = (migrations_dir() / "sql" / filename).read_text("utf-8")
    adapted: Any = op.get_bind().connection.dbapi_connection

    async def run(driver: Any) -> None:
        await driver.execute(script)

    adapted.run_async(run)


async def migrate(database_url: str) -> str:
    """Upgrade the database to the newest revision, and return that revision's name.

    Raises:
        Transient: The database cannot be reached.
    """
    engine = create_async_engine(_sqlalchemy_url(database_url))
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_upgrade)
    except OSError as error:
        raise Transient(f"database: {error}") from error
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> str:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations_dir()))
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    command.upgrade(config, "head")
    head = ScriptDirectory.from_config(config).get_current_head()
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None or current != head:
        raise Transient(f"database: is at revision {current}, not {head}; try again")
    return current


def _sqlalchemy_url(database_url: str) -> str:
    for prefix in ("postgresql://", "postgres://"):
        if database_url.startswith(prefix):
            return "postgresql+asyncpg://" + database_url.removeprefix(prefix)
    return database_url
