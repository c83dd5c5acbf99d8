"""Writes what was found: content first compared by hash, so that the unchanged cost little."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from omni.base.errors import Rejected
from omni.base.log import get_logger
from omni.connectors.types import RawProfile
from omni.profiles import store
from omni.profiles.plan import Arranged, Known, Met, Prepared, arrange, prepared, sort_out
from omni.profiles.types import StoredBatch
from omni.storage.db import Executor

MISSED_FOR = timedelta(hours=6)
"""How long answers have to leave people out before an answer that holds nobody is believed."""


async def prepare(db: Executor, profiles: Sequence[RawProfile], *, now: datetime) -> Prepared:
    """Do all that a batch needs before it is written: hash, compare, enrich. Nothing is locked.

    It takes a thread while Postgres may write another batch, and it keeps enrichment out of the
    transaction, where it would hold others up.

    Args:
        db: Where to compare; one read.
        profiles: In any order; of two for the same person the last one counts.
        now: The moment of the crawl.

    Raises:
        Transient: The database failed.
    """
    arranged = await asyncio.to_thread(arrange, profiles)
    if len(arranged) < len(profiles):
        get_logger().info("profiles.left_out", people=len(profiles) - len(arranged))
    compared = await store.compare(db, [(a.key, a.content_hash) for a in arranged])
    return await asyncio.to_thread(prepared, arranged, compared, now)


async def store_batch(
    tx: Executor,
    batch: Sequence[RawProfile] | Prepared,
    *,
    now: datetime,
    campaign_id: int | None,
    job_id: UUID | None,
) -> StoredBatch:
    """Write what a platform says of people: all of the batch, or nothing with the transaction.

    The unchanged only get a new `last_seen`. Raw profile and features of the new and the changed
    are written together, so `version_hash` always is the `content_hash`. People without a usable
    id, and those who do not want to be found, are not written. Several writers may bring the same
    people at once.

    Args:
        tx: A transaction; it may do more than this, but not store a second batch: who holds the
            people of one batch must not wait for those of another.
        batch: What `prepare` made of the profiles, or the profiles themselves.
        now: The moment of the crawl.
        campaign_id: For whom they were found, if for a campaign.
        job_id: The job that found them; needed with `campaign_id`.

    Raises:
        Rejected: `campaign_id` without `job_id`.
        Transient: The database failed.
    """
    if campaign_id is not None and job_id is None:
        raise Rejected("a discovery needs the job that made it", field="job_id")
    ready = batch if isinstance(batch, Prepared) else await prepare(tx, batch, now=now)
    arranged = ready.arranged
    # Who is new comes before anybody is locked. An insert may have to wait for a writer who has
    # inserted the same person, or who is updating them; whoever waits here holds nobody whom such
    # a writer could be waiting for, so that no circle can arise.
    new = await store.add_new(tx, [_row(a) for a in arranged if a.key not in ready.known], now)
    met = await _meet_known(tx, [a for a in arranged if a.key not in new], now)
    await store.write_changed(tx, [(each, _row(a)) for each, a in met.changed], now)
    written = [*met.changed, *((new[a.key], a) for a in arranged if a.key in new)]
    marks = await store.put_features(tx, _features(ready, written, now), now)
    if campaign_id is not None and job_id is not None:
        everyone = [*(each for each, _ in written), *met.unchanged]
        await store.add_discoveries(tx, campaign_id, everyone, job_id=job_id, now=now)
    return StoredBatch(
        new=tuple(sorted(new.values())),
        changed=tuple(sorted(each for each, _ in met.changed)),
        unchanged=len(met.unchanged),
        marks=marks,
    )


async def mark_missing(
    tx: Executor,
    *,
    platform: str,
    shown: Sequence[str],
    hidden: Sequence[str],
    left_out: Sequence[str],
    now: datetime,
) -> tuple[int, ...]:
    """Note who of a batch is gone: they lose their features, and with them every campaign.

    Who asks not to be found is gone at once. Who is left out of an answer that holds others is gone
    as well. But an answer that holds nobody may be the platform's fault: then people are gone only
    if an answer left them out at least `MISSED_FOR` ago too, and nobody has seen them since.

    Args:
        tx: A transaction; the caller writes the jobs that follow in it.
        shown: Who was found.
        hidden: Who was found, and asks not to be.
        left_out: Who was asked for, and not found.
        now: When the platform was asked: who was seen since is left alone.

    Returns:
        The profile_ids of those for whom that is news: they may leave every campaign.
    """
    gone = [*hidden, *left_out]
    if left_out and not shown and not hidden:
        missed = await store.note_missed(tx, platform, left_out, now=now)
        gone = [person for person, since in missed.items() if since <= now - MISSED_FOR]
    return tuple(await store.mark_gone(tx, platform, gone, now=now))


async def _meet_known(tx: Executor, arranged: Sequence[Arranged], now: datetime) -> Met:
    known = await store.meet_known(tx, [(a.key, a.content_hash) for a in arranged], now)
    return sort_out(arranged, [Known(*each) for each in known])


def _row(arranged: Arranged) -> store.RawRow:
    profile = arranged.profile
    return store.RawRow(
        profile.platform,
        profile.platform_id,
        profile.username,
        arranged.payload,
        arranged.content_hash,
    )


def _features(
    batch: Prepared, written: Sequence[tuple[int, Arranged]], now: datetime
) -> list[store.FeatureRow]:
    return [
        store.FeatureRow(profile_id, batch.features_of(a, now), a.content_hash)
        for profile_id, a in sorted(written, key=lambda each: each[0])
    ]
