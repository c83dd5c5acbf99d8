"""What comes next: decided from what a step did, as values. A room never knows its successor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from omni.jobs.types import (
    DispatchMessages,
    DraftMessages,
    FetchImages,
    MaintainCandidates,
    NewJob,
    RefreshCandidates,
)

MAINTAIN_BATCH = 1_000
"""The most profiles that one maintenance job looks at."""

IMAGES_BATCH = 100
"""The most people whose pictures one job fetches."""

IMAGES_AGAIN = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
"""When pictures that did not come are tried again."""


def after_profiles(profile_ids: tuple[int, ...]) -> tuple[NewJob, ...]:
    """New or changed profiles may enter or leave every campaign, and may show other pictures.

    The jobs need no key: they are written in the transaction that writes the profiles, and a crawl
    that runs again finds those profiles unchanged.
    """
    pictures = (FetchImages(profile_ids=part) for part in _parts(profile_ids, IMAGES_BATCH))
    return (*after_leaving(profile_ids), *map(NewJob, pictures))


def after_leaving(profile_ids: tuple[int, ...]) -> tuple[NewJob, ...]:
    """People who are gone leave every campaign; written in the transaction that notes it."""
    maintenance = (MaintainCandidates(profile_ids=p) for p in _parts(profile_ids, MAINTAIN_BATCH))
    return tuple(map(NewJob, maintenance))


def after_images(
    job_id: UUID, args: FetchImages, missing: tuple[int, ...], *, now: datetime
) -> tuple[NewJob, ...]:
    """Pictures that did not come are asked for again, later each time, and then no more.

    Args:
        missing: Whose pictures may still be had.
    """
    if not missing or args.again >= len(IMAGES_AGAIN):
        return ()
    again = FetchImages(profile_ids=missing, again=args.again + 1)
    run_at = now + IMAGES_AGAIN[args.again]
    return (NewJob(again, key=f"images.fetch@{job_id}", run_at=run_at),)


def _parts(profile_ids: tuple[int, ...], size: int) -> Iterator[tuple[int, ...]]:
    return (profile_ids[start : start + size] for start in range(0, len(profile_ids), size))


def after_qualification(campaign_id: int, job_id: UUID) -> tuple[NewJob, ...]:
    """Leads get a message that waits for a person's approval."""
    return (NewJob(DraftMessages(campaign_id=campaign_id), key=f"dispatch.draft@{job_id}"),)


def after_dispatch(next_eligible: datetime | None) -> tuple[NewJob, ...]:
    """Messages that an account's limits hold go out as soon as the limits allow.

    The moment is rounded up to the minute, so that many runs ask for one job.
    """
    if next_eligible is None:
        return ()
    minute = next_eligible.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return (NewJob(DispatchMessages(), key=f"dispatch.dm@{minute.isoformat()}", run_at=minute),)


def after_learning(campaign_id: int, version: int) -> tuple[NewJob, ...]:
    """New weights change the cheap score of every candidate of the campaign."""
    return (
        NewJob(
            RefreshCandidates(campaign_id=campaign_id),
            key=f"candidates.refresh@{campaign_id}.weights.{version}",
        ),
    )
