"""The step that takes in a file of people, batch by batch, each with its place in the file."""

from __future__ import annotations

import asyncio

from omni.connectors.file.desk import Desk, Part
from omni.connectors.file.types import PLATFORM
from omni.connectors.types import RawProfile
from omni.flow import intake
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.imports import store as imports
from omni.imports.types import Counts, Import
from omni.jobs import store as ledger
from omni.jobs.types import ImportProfiles, Progress
from omni.profiles import store as profiles
from omni.profiles.types import StoredBatch
from omni.storage.db import Tx

BATCH = 500
"""Rows that are read and written together."""


def open_desk(world: World) -> Desk:
    """Return the folder of uploaded files; people of platforms that there are keep them."""
    return Desk(world.settings.data_dir / "imports", set(world.sources) | set(world.senders))


async def import_profiles(world: World, job: JobContext, args: ImportProfiles) -> StepResult:
    """Take in what is left of a file; a run that was killed is gone on with, row by row.

    Raises:
        Rejected: The file is gone, or damaged.
        Transient: The database failed, or another run has taken over.
    """
    found = await imports.get(world.db, args.import_id)
    desk = open_desk(world)
    reader = await asyncio.to_thread(desk.open, found.sha256, found.shape, found.mapping)
    counts = found.counts
    await asyncio.to_thread(reader.skip, counts.rows)
    while (part := await asyncio.to_thread(reader.take, BATCH)) is not None:
        counts = await _take_in(world, job, found, counts, part)
        job.report(_progress(found, counts))
    async with world.db.transaction() as tx:
        await imports.finish(tx, found.id, now=world.clock())
    people = counts.added + counts.changed + counts.unchanged
    return StepResult(
        {
            "rows": counts.rows,
            "profiles": people,
            "new": counts.added,
            "changed": counts.changed,
            "unchanged": counts.unchanged,
            "left_alone": counts.left_alone,
            "skipped": counts.skipped,
            "problems": counts.problems,
        }
    )


async def _take_in(
    world: World, job: JobContext, found: Import, counts: Counts, part: Part
) -> Counts:
    """Write a part's people, its problems and the place behind it as one."""
    alone = await _left_alone(world, part.people)
    batch = [person for person in part.people if (person.platform, person.platform_id) not in alone]
    after = counts

    async def also(tx: Tx, stored: StoredBatch) -> None:
        nonlocal after
        taken = len(stored.new) + len(stored.changed) + stored.unchanged
        after = counts + Counts(
            rows=part.rows,
            added=len(stored.new),
            changed=len(stored.changed),
            unchanged=stored.unchanged,
            left_alone=len(alone),
            skipped=part.skipped + len(batch) - taken,
            problems=len(part.problems),
        )
        await imports.advance(tx, found.id, counts, after, part.problems)
        if counts == found.counts:
            await ledger.spare_attempt(tx, job.id, job.attempt)
        if job.campaign_id is not None:
            ids = sorted(alone.values())
            await profiles.add_discoveries(
                tx, job.campaign_id, ids, job_id=job.id, now=world.clock()
            )

    await intake.write(world, job, batch, also=also)
    return after


async def _left_alone(world: World, people: tuple[RawProfile, ...]) -> dict[tuple[str, str], int]:
    """Return those who are known, and of whom their own platform can be asked."""
    keys = [(each.platform, each.platform_id) for each in people if each.platform != PLATFORM]
    return await profiles.find_ids(world.db, keys)


def _progress(found: Import, counts: Counts) -> Progress:
    problems = f", {counts.problems:,} problems" if counts.problems else ""
    total = max(found.shape.rows, counts.rows) if found.shape.rows is not None else None
    note = f"{counts.added:,} new, {counts.changed:,} changed, {counts.unchanged:,} unchanged"
    return Progress(counts.rows, total, note + problems)
