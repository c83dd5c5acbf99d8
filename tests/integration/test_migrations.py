"""The schema can be built, and building it again is a no-op."""

from __future__ import annotations

from omni.storage.db import Database
from omni.storage.migrate import migrate
from omni.storage.sql import Query


async def test_migrating_again_changes_nothing(db: Database, database_url: str) -> None:
    count = Query(
        "count", "select count(*) from information_schema.columns where table_schema='public'"
    )
    before = await db.fetchval(count)
    assert before > 50
    assert await migrate(database_url) == "0002"
    assert await db.fetchval(count) == before
