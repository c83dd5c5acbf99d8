"""The ledger: every job's outbox entry, status and result is one row of `jobs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from omni.base.errors import Conflict, NotFound
from omni.base.ids import derived_id, new_id
from omni.jobs.plan import MAX_ENQUEUED, check_jobs
from omni.jobs.types import (
    Beat,
    Claimed,
    Delivery,
    Ended,
    Job,
    JobState,
    LostRun,
    NewJob,
    QueueName,
)
from omni.storage.db import Database, Executor
from omni.storage.personal import Share, Whom
from omni.storage.sql import Fragment, load_queries

QUERIES = load_queries("omni.jobs")
ERASE = load_queries("omni.jobs", "erase")

SHARE = Share(ERASE)
"""What the ledger keeps of one person."""

CHANNEL = "omni_jobs"
"""The NOTIFY channel on which new due jobs are announced."""

CANCELS = "omni_cancels"
"""The NOTIFY channel that tells the ids of running jobs which are to stop."""

SOON = timedelta(seconds=5)
"""A job that is queued until then only snoozes: it is not backing off after a failure."""

_STATE_FILTERS: Mapping[JobState, str] = {
    # Literals, not a parameter, so that the planner can prove that the partial index applies.
    "queued": "and state = 'queued'",
    "running": "and state = 'running'",
    "succeeded": "and state = 'succeeded'",
    "failed": "and state = 'failed'",
    "cancelled": "and state = 'cancelled'",
}


async def enqueue(tx: Executor, jobs: Sequence[NewJob], *, now: datetime) -> list[UUID]:
    """Write jobs to the ledger, in the caller's transaction; the relay is woken at its commit.

    A keyed job that the ledger already has, in whatever state, stays as it is.

    Returns:
        The jobs' ids, in order.

    Raises:
        Rejected: A kind that no step serves, arguments that are not plain JSON, or too many jobs
            at once.
    """
    if not jobs:
        return []
    args = check_jobs(jobs)
    ids = [derived_id(job.key) if job.key is not None else new_id() for job in jobs]
    await tx.execute(
        QUERIES["insert_jobs"],
        ids=ids,
        kinds=[job.args.kind for job in jobs],
        queues=[job.args.queue for job in jobs],
        args=args,
        campaign_ids=[getattr(job.args, "campaign_id", None) for job in jobs],
        run_ats=[job.run_at or now for job in jobs],
        max_attempts=[job.args.max_attempts for job in jobs],
        now=now,
    )
    return ids


async def get_job(db: Executor, job_id: UUID) -> Job:
    """Return one job.

    Raises:
        NotFound: The ledger has no such job.
    """
    row = await db.fetchrow(QUERIES["get_job"], id=job_id)
    if row is None:
        raise NotFound(f"there is no job {job_id}")
    return Job(**row)


async def list_jobs(
    db: Executor,
    *,
    campaign_id: int | None = None,
    state: JobState | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Job]:
    """Return the newest jobs first, one page of them.

    Args:
        before: `(created_at, id)` of the last job of the previous page.
        limit: 1 to 500; anything else is brought into these bounds.
    """
    filters: list[str] = []
    params: dict[str, object] = {}
    if campaign_id is not None:
        filters.append("and campaign_id = :campaign_id")
        params["campaign_id"] = campaign_id
    if state is not None:
        filters.append(_STATE_FILTERS[state])
    if before is not None:
        filters.append("and (created_at, id) < (:before_at::timestamptz, :before_id::uuid)")
        params["before_at"], params["before_id"] = before
    fragment = Fragment(" ".join(filters), params)
    rows = await db.fetch(
        QUERIES["list_jobs"], {"filters": fragment}, limit=min(max(limit, 1), 500)
    )
    return [Job(**row) for row in rows]


async def request_cancel(db: Executor, job_id: UUID, *, now: datetime) -> Job:
    """Cancel a queued job at once; ask the worker of a running one to stop it.

    Raises:
        NotFound: The ledger has no such job.
        Conflict: The job has ended.
    """
    row = await db.fetchrow(QUERIES["cancel_job"], id=job_id, now=now)
    if row is not None:
        if row["state"] == "running":
            await db.execute(QUERIES["tell_cancel"], id=job_id)
        return Job(**row)
    ended = await get_job(db, job_id)
    raise Conflict(f"the job has already ended: it is {ended.state}")


async def count_open(db: Executor, campaign_id: int) -> dict[str, int]:
    """Return how many jobs of each kind are queued or running for the campaign."""
    rows = await db.fetch(QUERIES["count_open"], campaign_id=campaign_id)
    return {row["kind"]: row["open"] for row in rows}


async def find_obstacle(
    db: Executor, job_id: UUID, campaign_id: int, *, now: datetime
) -> str | None:
    """Return the kind of job that a campaign's qualification has to wait for, None if it may begin.

    That is a refresh of the campaign's candidates; maintenance that was asked for before the
    qualification was (later maintenance is not waited for, lest a steady crawl hold it up for
    ever); and another qualification of the campaign, for two would pay for the same verdicts.

    Args:
        job_id: The qualification, which runs.
    """
    return await db.fetchval(
        QUERIES["find_obstacle"],
        id=job_id,
        campaign_id=campaign_id,
        soon=now + SOON,
    )


async def open_about(db: Executor, whom: Whom) -> list[UUID]:
    """Return the jobs that wait or run, and whose arguments name this person."""
    rows = await db.fetch(ERASE["list_open_mentions"], pattern=whom.pattern)
    return [row["id"] for row in rows]


# What the relay asks for ------------------------------------------------------------------------


async def list_unpublished(
    db: Executor, *, now: datetime, limit: int
) -> dict[QueueName, list[Delivery]]:
    """Return the due doorbells that were never rung, oldest first, by queue."""
    return _by_queue(await db.fetch(QUERIES["list_unpublished"], now=now, limit=limit))


async def list_published(
    db: Executor, *, before: datetime, limit: int
) -> dict[QueueName, list[Delivery]]:
    """Return the doorbells of waiting jobs that were last rung before that moment, by queue."""
    return _by_queue(await db.fetch(QUERIES["list_published"], before=before, limit=limit))


async def mark_published(db: Executor, deliveries: Sequence[Delivery], *, now: datetime) -> None:
    """Record that these doorbells were rung; those that were answered meanwhile are left alone."""
    await db.execute(
        QUERIES["mark_published"],
        ids=[delivery.job_id for delivery in deliveries],
        deliveries=[delivery.number for delivery in deliveries],
        now=now,
    )


async def requeue_lost(db: Executor, *, grace_s: float, now: datetime, limit: int) -> list[LostRun]:
    """Queue the runs again whose lease ended longer than `grace_s` ago; fail those out of attempts.

    Returns:
        What was found, with the state that each job got.
    """
    rows = await db.fetch(QUERIES["requeue_lost"], grace_s=grace_s, now=now, limit=limit)
    return [LostRun(**row) for row in rows]


async def delete_finished(db: Executor, *, before: datetime, limit: int) -> int:
    """Delete jobs that ended before that moment, the oldest first; return how many.

    Their keys are free again: the moment has to lie before every slot that is still asked for.
    """
    return await db.execute(QUERIES["delete_finished"], before=before, limit=limit)


def _by_queue(rows: Sequence[Mapping[str, Any]]) -> dict[QueueName, list[Delivery]]:
    found: dict[QueueName, list[Delivery]] = {}
    for row in rows:
        found.setdefault(row["queue"], []).append(Delivery(row["id"], row["delivery"]))
    return found


# What a worker asks for -------------------------------------------------------------------------


async def claim(
    db: Executor, worker: str, deliveries: Sequence[Delivery], *, lease_s: float, now: datetime
) -> list[Claimed | None]:
    """Begin the runs that these rings are for; None where a ring is void.

    A ring is void when its job runs elsewhere, has ended, or was queued again since.
    """
    rows = await db.fetch(
        QUERIES["claim_jobs"],
        worker=worker,
        ids=[delivery.job_id for delivery in deliveries],
        deliveries=[delivery.number for delivery in deliveries],
        lease_s=lease_s,
        now=now,
    )
    granted = {row["job_id"]: Claimed(**row) for row in rows}
    return [granted.pop(delivery.job_id, None) for delivery in deliveries]


async def extend(
    db: Executor, worker: str, beats: Sequence[Beat], *, lease_s: float
) -> list[bool | None]:
    """Extend the leases of a worker's runs and record their progress.

    Returns:
        For each run: whether a person asked for it to stop, or None where it is no longer the
        worker's own.
    """
    rows = await db.fetch(
        QUERIES["extend_leases"],
        worker=worker,
        ids=[beat.run.job_id for beat in beats],
        deliveries=[beat.run.delivery for beat in beats],
        attempts=[beat.run.attempt for beat in beats],
        progress=[beat.progress for beat in beats],
        lease_s=lease_s,
    )
    own = {(row["id"], row["delivery"], row["attempts"]): row["cancel_requested"] for row in rows}
    return [own.get((beat.run.job_id, beat.run.delivery, beat.run.attempt)) for beat in beats]


async def spare_attempt(tx: Executor, job_id: UUID, attempt: int) -> None:
    """Let a run cost no attempt, for it has taken its job further, whatever becomes of the run.

    Call it once a run, in the transaction that writes what it has achieved for good.

    Args:
        attempt: The run's; nothing happens when the job is at another one.
    """
    await tx.execute(QUERIES["spare_attempt"], id=job_id, attempt=attempt)


async def finish(db: Database, worker: str, ended: Sequence[Ended], *, now: datetime) -> list[bool]:
    """End runs; the jobs that follow from a run are written together with its end.

    Returns:
        For each run: whether it still was the worker's own. If not, nothing of it was written.

    Raises:
        Rejected: A follow-up is not a valid job; nothing was written.
    """
    if not any(one.follow_ups for one in ended):
        return await _finish(db, worker, ended, now)
    async with db.transaction() as tx:
        accepted = await _finish(tx, worker, ended, now)
        follow_ups = [
            job for one, own in zip(ended, accepted, strict=True) if own for job in one.follow_ups
        ]
        for start in range(0, len(follow_ups), MAX_ENQUEUED):
            await enqueue(tx, follow_ups[start : start + MAX_ENQUEUED], now=now)
    return accepted


async def _finish(db: Executor, worker: str, ended: Sequence[Ended], now: datetime) -> list[bool]:
    rows = await db.fetch(
        QUERIES["finish_runs"],
        worker=worker,
        ids=[one.run.job_id for one in ended],
        deliveries=[one.run.delivery for one in ended],
        attempts=[one.run.attempt for one in ended],
        states=[one.finish.state for one in ended],
        run_ats=[one.finish.run_at for one in ended],
        refunds=[int(one.finish.refund) for one in ended],
        progress=[one.progress for one in ended],
        results=[one.finish.result for one in ended],
        errors=[one.finish.error for one in ended],
        now=now,
    )
    own = {row["id"] for row in rows}
    return [one.run.job_id in own for one in ended]
