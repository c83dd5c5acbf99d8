"""The schema can be built, and building it again is a no-op."""

from __future__ import annotations

from alembic.config import Config
from alembic.script import ScriptDirectory

from omni.storage.db import Database
from omni.storage.migrate import migrate
from omni.storage.sql import Query
from tests.architecture.tree import ROOT


async def test_migrating_again_changes_nothing(db: Database, database_url: str) -> None:
    count = Query(
        "count", "select count(*) from information_schema.columns where table_schema='public'"
    )
    before = await db.fetchval(count)
    assert before > 50
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    assert await migrate(database_url) == newest
    assert await db.fetchval(count) == before
