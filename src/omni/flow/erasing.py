"""The step that erases a person: every room removes its share, then come files and logs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from omni.base.errors import Conflict, Snooze
from omni.base.log import get_logger
from omni.campaigns import erase_store as campaigns
from omni.candidates import erase_store as candidates
from omni.crawl import erase_store as crawls
from omni.dispatch import erase_store as dispatch
from omni.erasures import store
from omni.erasures.plan import names_of, pattern_of
from omni.erasures.types import Erasure, Target
from omni.feedback import erase_store as feedback
from omni.flow import follow
from omni.flow.erasing_files import erase_from_imports, erase_from_logs
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.hosts import erase_store as hosts
from omni.imports import erase_store as imports
from omni.jobs import store as jobs
from omni.jobs.types import ErasePerson, NewJob, Progress
from omni.leads import erase_store as leads
from omni.profiles import erase_store as profiles
from omni.profiles import image_store
from omni.qualification import erase_store as qualification
from omni.storage import erasing as storage
from omni.storage.personal import Share, Whom

SHARES: tuple[Share, ...] = (
    feedback.SHARE,
    dispatch.SHARE,
    leads.SHARE,
    qualification.SHARE,
    candidates.SHARE,
    profiles.SHARE,
    crawls.SHARE,
    imports.SHARE,
    hosts.SHARE,
    storage.SHARE,
    jobs.SHARE,
    campaigns.SHARE,
)
"""In the order in which they remove: what refers to something goes before it."""

LOOK_AGAIN = timedelta(seconds=2)
"""Between two looks at whether an erasure may go on."""

STRAGGLERS_AFTER = timedelta(minutes=10)
"""When whatever was being computed about them is surely done."""

PICTURES_AT_ONCE = 1_000


async def erase_person(world: World, job: JobContext, args: ErasePerson) -> StepResult:
    """Remove everything that is kept of a person; killed, it goes on where it was.

    Nothing new is written down of them since the erasure was asked for. What was being written then
    is waited for, and so are a message on the wire and jobs that are about them, which are stopped.

    Raises:
        Snooze: Something has to end first.
        Transient: The database or the object storage failed; another run goes on.
    """
    erasure = await store.get(world.db, UUID(args.erasure_id))
    if erasure.target is None:
        return StepResult({"removed": dict(erasure.removed)})
    if not await store.is_settled(world.db, erasure.id):
        await _wait(world, erasure, "what was being written when it was asked for")
    target = await _recognised(world, erasure.target)
    await store.note_target(world.db, erasure.id, target)
    whom = _whom(erasure, target)
    await _stop_jobs(world, whom)
    for share in SHARES:
        if (words := await share.obstacle(world.db, whom)) is not None:
            await _wait(world, erasure, words)
    await _remove(world, job, erasure, whom, target)
    mentions: dict[str, int] = {}
    for share in SHARES:
        mentions |= await share.mentions(world.db, whom)
    await store.finish(
        world.db, erasure.id, {k: n for k, n in mentions.items() if n}, now=world.clock()
    )
    get_logger().info("erasures.person_erased", erasure_id=str(erasure.id))
    done = await store.get(world.db, erasure.id)
    return StepResult({"removed": dict(done.removed)}, _after(target, world))


async def _recognised(world: World, target: Target) -> Target:
    """Return the target with all names that it is kept under; those that were found stay."""
    found = await profiles.find_person(world.db, target.platform, target.platform_id)
    profile_id = target.profile_id if found is None else found
    whom = Whom(target.platform, target.platform_id, profile_id, (target.platform_id,), "", "")
    aliases = {*target.names}
    for share in SHARES:
        aliases |= await share.aliases(world.db, whom)
    names = names_of(target.platform_id, aliases)
    return Target(target.platform, target.platform_id, profile_id, names)


def _whom(erasure: Erasure, target: Target) -> Whom:
    return Whom(
        target.platform,
        target.platform_id,
        target.profile_id,
        target.names,
        pattern_of(target.names),
        erasure.hash,
    )


async def _wait(world: World, erasure: Erasure, words: str) -> None:
    await store.note_waiting(world.db, erasure.id, words)
    raise Snooze(world.clock() + LOOK_AGAIN, f"waits: {words}")


async def _stop_jobs(world: World, whom: Whom) -> None:
    """Ask jobs to stop that are about this person, such as a crawl from them."""
    for job_id in await jobs.open_about(world.db, whom):
        with suppress(Conflict):
            await jobs.request_cancel(world.db, job_id, now=world.clock())


async def _remove(
    world: World, job: JobContext, erasure: Erasure, whom: Whom, target: Target
) -> None:
    """Remove what each room has, in a transaction each, then pictures, files and lines of logs."""
    for done, share in enumerate(SHARES):
        async with world.db.transaction() as tx:
            removed = await share.erase(tx, whom, now=world.clock())
            await store.note_removed(tx, erasure.id, removed)
        job.report(Progress(done + 1, len(SHARES) + 3))
    await _note(world, erasure, {"pictures": await _remove_pictures(world)})
    files = await erase_from_imports(world, whom, target.names)
    if files.in_use:
        await _wait(world, erasure, "an import of a file that names them")
    await _note(world, erasure, {"imported files": files.removed})
    lines = await erase_from_logs(world.settings.data_dir, target.names)
    await _note(world, erasure, {"lines of logs": lines})


async def _note(world: World, erasure: Erasure, removed: dict[str, int]) -> None:
    async with world.db.transaction() as tx:
        await store.note_removed(tx, erasure.id, removed)


async def _remove_pictures(world: World) -> int:
    """Remove the bytes of all pictures that were given up, those of this person among them."""
    removed = 0
    until = world.clock() + timedelta(seconds=1)
    while doomed := await image_store.find_doomed(world.db, before=until, limit=PICTURES_AT_ONCE):
        for sha256, copy in doomed:
            removed += await world.objects.delete(sha256, copy=copy)
            await image_store.forget_objects(world.db, [(sha256, copy)])
    return removed


def _after(target: Target, world: World) -> tuple[NewJob, ...]:
    """Whatever was being computed about them finds, later on, that there is nobody any more."""
    if target.profile_id is None:
        return ()
    run_at = world.clock() + STRAGGLERS_AFTER
    return tuple(
        replace(each, run_at=run_at) for each in follow.after_leaving((target.profile_id,))
    )
