"""What is due by the clock alone. Each slot of time has one key, so schedulers may be many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zlib import crc32

from omni.base.clock import Clock
from omni.base.errors import Rejected, Transient
from omni.base.log import get_logger
from omni.crawl import store as crawl_logs
from omni.jobs import store
from omni.jobs.types import (
    CrawlRefresh,
    DeliverWebhooks,
    DispatchMessages,
    FollowUp,
    JobArgs,
    NewJob,
    QualifyCampaign,
    ReconcileMessages,
    ReenrichProfiles,
    RefreshCandidates,
    SweepFeedback,
    SweepImages,
    SweepStorage,
    UpdateWeights,
)
from omni.predicate.plan import compile_criteria
from omni.profiles.types import ENRICH_VERSION
from omni.qualification import recordings_store as recordings
from omni.storage.db import Database
from omni.webhooks import store as webhooks

TICK_S = 10.0
CAMPAIGNS_PER_TICK = 500
DELETED_PER_TICK = 1_000
LOGS_PER_TICK = 20
"""Logs of crawls that have ended; one may have thousands of entries."""

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EVERYWHERE: tuple[tuple[JobArgs, timedelta], ...] = (
    (SweepFeedback(), timedelta(minutes=5)),
    (ReconcileMessages(), timedelta(minutes=5)),
    (CrawlRefresh(), timedelta(minutes=15)),
    (FollowUp(), timedelta(minutes=15)),
    (SweepImages(), timedelta(minutes=30)),
    (DispatchMessages(), timedelta(hours=1)),
    (SweepStorage(), timedelta(hours=6)),
)
"""Jobs for the whole installation, and how often they run; slots begin at UTC midnight."""

NIGHT = timedelta(hours=4)
"""Weights are learned in the first hours of the UTC day, for all campaigns spread over these."""


class Running(Protocol):
    """A campaign that runs, as far as the timetable asks."""

    @property
    def id(self) -> int:
        """Its id."""
        ...

    @property
    def created_at(self) -> datetime:
        """When it was made."""
        ...

    @property
    def criteria(self) -> Mapping[str, object]:
        """Its criteria, as they are stored."""
        ...


def due_jobs(now: datetime, campaigns: Sequence[Running]) -> tuple[NewJob, ...]:
    """Return the jobs of the slots that `now` lies in; earlier slots are gone for good.

    A slot's job has the same key however often it is asked for, so that the ledger holds it once.
    The daily slots of a campaign begin at a time of day of its own (a stable hash of its id), lest
    all campaigns ask the model and the database at midnight. A new campaign waits for
    the first slot that begins in its life: its maker has not asked for a model to be paid yet.

    Where the criteria hold a date such as "30 days ago", time alone moves people across it and no
    changed profile tells of it: such a campaign's candidates are refreshed in the slot in which
    they are judged, and the judging waits for that. Between two slots they are at most a day old.

    Whether features are of the present version of enrichment is looked at as soon as a version
    runs for the first time, and weekly, for a worker of the old one may have been late.

    Args:
        now: An aware moment.
        campaigns: The campaigns that run.
    """
    jobs = [
        NewJob(
            ReenrichProfiles(), key=f"profiles.reenrich@{ENRICH_VERSION}.{_stamp(_slot(now, WEEK))}"
        )
    ]
    jobs += [
        NewJob(args, key=f"{args.kind}@{_stamp(_slot(now, period))}") for args, period in EVERYWHERE
    ]
    for campaign in campaigns:
        judge = QualifyCampaign(campaign_id=campaign.id)
        before = [RefreshCandidates(campaign_id=campaign.id)] if drifts(campaign.criteria) else []
        jobs += _daily(now, [*before, judge], campaign, DAY)
        jobs += _daily(now, [UpdateWeights(campaign_id=campaign.id)], campaign, NIGHT)
    return tuple(jobs)


def drifts(criteria: Mapping[str, object]) -> bool:
    """Tell whether time alone changes whom the criteria match.

    Criteria that do not compile (any more) drift nowhere: they must not end the timetable of all
    others, and their own jobs say what is wrong with them.
    """
    try:
        return compile_criteria(criteria).where.drifts
    except Rejected:
        return False


def _daily(
    now: datetime, together: Sequence[JobArgs], campaign: Running, window: timedelta
) -> list[NewJob]:
    """Return the jobs of one daily slot; the last one's kind says when it begins."""
    share = crc32(f"{together[-1].kind}:{campaign.id}".encode()) / 2**32
    offset = timedelta(minutes=int(window / timedelta(minutes=1) * share))
    slot = _slot(now, DAY, offset)
    if slot < campaign.created_at:
        return []
    return [NewJob(args, key=f"{args.kind}@{campaign.id}.{_stamp(slot)}") for args in together]


def _slot(now: datetime, period: timedelta, offset: timedelta = timedelta()) -> datetime:
    """Return the beginning of the slot that `now` lies in."""
    return now.astimezone(UTC) - (now - _EPOCH - offset) % period


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


async def run_schedule(
    *,
    db: Database,
    list_campaigns: Callable[[], Awaitable[Sequence[Running]]],
    clock: Clock,
    stop: asyncio.Event,
    jobs_kept: timedelta = timedelta(days=30),
    recordings_kept: timedelta = timedelta(days=180),
) -> None:
    """Write what is due to the ledger, every few seconds, until `stop` is set.

    Args:
        list_campaigns: The campaigns that run; many campaigns are taken in turns, some a tick.
        jobs_kept: Jobs that ended longer ago are deleted, a bounded number a tick. At least two
            days, so that a slot that is still asked for keeps its key.
        recordings_kept: What models were asked and answered longer ago is deleted, likewise.
    """
    log = get_logger()
    known: frozenset[str] = frozenset()
    turn = 0
    while not stop.is_set():
        try:
            running = sorted(await list_campaigns(), key=lambda campaign: campaign.id)
            turn = turn if turn < len(running) else 0
            due = due_jobs(clock(), running[turn : turn + CAMPAIGNS_PER_TICK])
            turn += CAMPAIGNS_PER_TICK
            new = [job for job in due if job.key not in known]
            if new:
                async with db.transaction() as tx:
                    await store.enqueue(tx, new, now=clock())
            known = _remember(known, due)
            await store.delete_finished(db, before=clock() - jobs_kept, limit=DELETED_PER_TICK)
            await recordings.delete_old(
                db, before=clock() - recordings_kept, limit=DELETED_PER_TICK
            )
            await crawl_logs.delete_ended(db, limit=LOGS_PER_TICK)
            await _call_webhooks(db, clock(), forget_before=clock() - jobs_kept)
        except Transient as error:
            log.warning("schedule.tick_faltered", error=str(error))
        await _sleep(stop, TICK_S)


async def _call_webhooks(db: Database, now: datetime, *, forget_before: datetime) -> None:
    """Write the job of this tick where a call is due, and forget what happened long ago."""
    due = await webhooks.next_due(db)
    if due is None or due > now:
        return
    slot = _slot(now, timedelta(seconds=TICK_S))
    key = f"webhooks.deliver@{slot:%Y-%m-%dT%H:%M:%S}"
    async with db.transaction() as tx:
        await store.enqueue(tx, [NewJob(DeliverWebhooks(), key=key)], now=now)
    await webhooks.forget(db, before=forget_before)


def _remember(known: frozenset[str], due: Sequence[NewJob]) -> frozenset[str]:
    """Keep the keys that the ledger surely has, which saves it being asked at every tick."""
    keys = frozenset(job.key for job in due if job.key is not None)
    return known | keys if len(known) < 20 * CAMPAIGNS_PER_TICK else keys


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
