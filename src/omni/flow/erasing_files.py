"""What is kept of a person outside of the database: files that were imported, and logs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omni.base.errors import OmniError
from omni.base.log import get_logger
from omni.connectors.file.desk import Desk
from omni.erasures.plan import line_pattern
from omni.flow.importing import BATCH, open_desk
from omni.flow.world import World
from omni.imports import store as imports
from omni.imports.types import Import
from omni.jobs import store as jobs
from omni.storage.personal import Whom

PAGE = 200
LOGS = ("logs/*.log", "logs/*.log.*", "*/server.log")
"""Where parts and embedded servers write, under the data folder."""


@dataclass(frozen=True, slots=True)
class Files:
    """What became of files that name a person.

    Attributes:
        removed: How many were removed.
        in_use: Whether one is being taken in, so that it could not be.
    """

    removed: int
    in_use: bool


async def erase_from_imports(world: World, whom: Whom, names: Sequence[str]) -> Files:
    """Remove each file that the person is in, whole: it can be uploaded again without them.

    An import that was not begun goes with its file; of one that is done, its counts stay.
    """
    desk, pattern = open_desk(world), line_pattern(names)
    removed, in_use, before = 0, False, None
    while page := await imports.list_imports(world.db, before=before, limit=PAGE):
        before = page[-1].id
        for found in page:
            if not await asyncio.to_thread(_is_in, desk, found, whom, pattern):
                continue
            if await _is_open(world, found):
                in_use = True
                continue
            if found.job_id is None:
                async with world.db.transaction() as tx:
                    await imports.delete(tx, found.id)
            await asyncio.to_thread(desk.remove, found.sha256)
            removed += 1
    return Files(removed, in_use)


def _is_in(desk: Desk, found: Import, whom: Whom, pattern: re.Pattern[bytes]) -> bool:
    """Tell whether the person is in a file: by name, or as whom its rows are read."""
    try:
        reader = desk.open(found.sha256, found.shape, found.mapping)
    except OmniError:
        return False
    if desk.holds(found.sha256, pattern):
        return True
    try:
        while (part := reader.take(BATCH)) is not None:
            if any(
                (p.platform, p.platform_id) == (whom.platform, whom.platform_id)
                for p in part.people
            ):
                return True
    except OmniError as error:
        get_logger().warning("erasures.file_unread", import_id=found.id, error=str(error))
    return False


async def _is_open(world: World, found: Import) -> bool:
    """Tell whether a job has still to take a file in."""
    if found.job_id is None or found.finished_at is not None:
        return False
    try:
        return (await jobs.get_job(world.db, found.job_id)).state in ("queued", "running")
    except OmniError:
        return False


async def erase_from_logs(data_dir: Path, names: Sequence[str]) -> int:
    """Make lines of logs that name the person unreadable, in place; return how many."""
    return await asyncio.to_thread(_blank_all, data_dir, line_pattern(names))


def _blank_all(data_dir: Path, pattern: re.Pattern[bytes]) -> int:
    files = {path for place in LOGS for path in data_dir.glob(place) if path.is_file()}
    return sum(blank_lines(path, pattern) for path in sorted(files))


def blank_lines(path: Path, pattern: re.Pattern[bytes]) -> int:
    """Overwrite each matching line by as many asterisks; return how many.

    No byte moves, so that whoever is appending to the file meanwhile is not disturbed.
    """
    blanked = 0
    with path.open("r+b") as file:
        place = 0
        for line in iter(file.readline, b""):
            if pattern.search(line):
                text = line.rstrip(b"\r\n")
                file.seek(place)
                file.write(b"*" * len(text))
                file.seek(place + len(line))
                blanked += 1
            place += len(line)
    return blanked
