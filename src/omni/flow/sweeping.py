"""The step that removes what is kept only for a time: files, and readings of web pages."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from omni.base.log import get_logger
from omni.connectors.file.desk import Desk
from omni.flow.importing import open_desk
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.imports import store as imports
from omni.jobs.types import SweepStorage
from omni.storage.pages import Pages

IMPORTS_AT_ONCE = 500
"""The most old imports, and the most files of nobody, that one run removes."""

STRAY_FOR = timedelta(days=1)
"""How long a file may lie without an import: uploads that are under way have none yet."""

PAGES_KEPT = timedelta(days=180)
"""How long the reading of a page is kept that nobody asks for; then it is only asked for anew."""


async def sweep_storage(world: World, job: JobContext, args: SweepStorage) -> StepResult:
    """Remove old imports with their files, files of no import, and old readings of pages.

    Raises:
        Transient: The database failed; another run goes on.
    """
    desk, now = open_desk(world), world.clock()
    old = await _old_imports(world, desk, now)
    strays = await _strays(world, desk, now)
    pages = await Pages(world.db, world.clock).forget(before=now - PAGES_KEPT)
    return StepResult({"imports": old, "files": strays, "pages": pages})


async def _old_imports(world: World, desk: Desk, now: datetime) -> int:
    """Remove imports that are as old as finished jobs may become, however they ended."""
    before = now - timedelta(days=world.settings.jobs_kept_days)
    found = await imports.expired(world.db, before=before, limit=IMPORTS_AT_ONCE)
    for import_id in found:
        async with world.db.transaction() as tx:
            sha256 = await imports.delete(tx, import_id)
        if sha256 is not None:
            await asyncio.to_thread(desk.remove, sha256)
        get_logger().info("imports.expired_removed", import_id=import_id)
    return len(found)


async def _strays(world: World, desk: Desk, now: datetime) -> int:
    """Remove files that a process left which was killed before or after it had an import."""
    removed = 0
    for name in await asyncio.to_thread(desk.older_than, now - STRAY_FOR):
        if removed == IMPORTS_AT_ONCE:
            break
        if not await imports.is_file_used(world.db, name):
            await asyncio.to_thread(desk.discard, name)
            removed += 1
    if removed:
        get_logger().info("imports.strays_removed", files=removed)
    return removed
