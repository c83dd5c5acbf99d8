"""What comes next: decided from what a step did, as values. A room never knows its successor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from omni.jobs.types import (
    ClassifyReplies,
    DispatchMessages,
    DraftMessages,
    FetchImages,
    MaintainCandidates,
    NewJob,
    ReenrichProfiles,
    RefreshCandidates,
)
from omni.profiles.types import MARKS, StoredBatch

MAINTAIN_BATCH = 1_000
"""The most profiles that one maintenance job looks at."""

EVERYTHING = (1 << len(MARKS)) - 1
"""All of `MARKS`."""

_SHOWN = 1 << MARKS.index("view_hash")
"""What a judge is shown has changed, and nothing else."""

DISPATCH_AGAIN = timedelta(seconds=10)
"""Runs of dispatch that accounts wait for begin at multiples of this."""

IMAGES_BATCH = 100
"""The most people whose pictures one job fetches."""

IMAGES_AGAIN = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
"""When pictures that did not come are tried again."""


def after_profiles(stored: StoredBatch) -> tuple[NewJob, ...]:
    """New or changed profiles may enter or leave every campaign, and may show other pictures.

    Who changed in nothing that a campaign could ask for concerns none. The jobs need no key: they
    are written in the transaction that writes the profiles, and a crawl that runs again finds those
    profiles unchanged.
    """
    pictures = _parts(stored.new + stored.changed, IMAGES_BATCH)
    return (*_maintenance(stored), *(NewJob(FetchImages(profile_ids=part)) for part in pictures))


def after_reenriching(stored: StoredBatch) -> tuple[NewJob, ...]:
    """Features that were made anew may move people into or out of campaigns; pictures stay.

    Written in the transaction that renews them: the next run finds nothing to renew.
    """
    return _maintenance(stored)


def after_part(job_id: UUID, after: int) -> tuple[NewJob, ...]:
    """The walk through the profiles goes on where one job's part of it ended."""
    return (NewJob(ReenrichProfiles(after=after), key=f"profiles.reenrich@{job_id}"),)


def _maintenance(stored: StoredBatch) -> tuple[NewJob, ...]:
    met = stored.new + stored.changed
    concerned = tuple(i for i in met if stored.marks.get(i, EVERYTHING))
    maintenance = (
        MaintainCandidates(
            profile_ids=part,
            changed=tuple(stored.marks.get(i, EVERYTHING) for i in part),
            marks=MARKS,
        )
        for part in _parts(concerned, MAINTAIN_BATCH)
    )
    return tuple(map(NewJob, maintenance))


def after_leaving(profile_ids: tuple[int, ...]) -> tuple[NewJob, ...]:
    """People who are gone leave every campaign; written in the transaction that notes it."""
    maintenance = (MaintainCandidates(profile_ids=p) for p in _parts(profile_ids, MAINTAIN_BATCH))
    return tuple(map(NewJob, maintenance))


def changes_of(args: MaintainCandidates) -> dict[int, int] | None:
    """Return what changed of each profile, as a set of `MARKS`; None if that is not known.

    A job that an older release wrote may have other marks, and never heard of new ones.
    """
    if args.changed is None or args.marks != MARKS:
        return None
    return dict(zip(args.profile_ids, args.changed, strict=True))


def after_looking(profile_ids: tuple[int, ...], *, now: datetime) -> tuple[NewJob, ...]:
    """Pictures that were not asked for in a long time are, once a day at most for the same people.

    Args:
        profile_ids: Whose pictures they are.
    """
    parts = _parts(profile_ids, IMAGES_BATCH)
    return tuple(
        NewJob(FetchImages(profile_ids=part), key=f"images.fetch@{part[0]}.{now:%Y-%m-%d}")
        for part in parts
    )


def after_pictures(profile_ids: tuple[int, ...]) -> tuple[NewJob, ...]:
    """People who show other pictures than before are open again for judges that see.

    Written in the transaction that writes the pictures. Their features are as they were, so that no
    campaign is held against them.
    """
    return tuple(
        NewJob(MaintainCandidates(profile_ids=part, changed=(_SHOWN,) * len(part), marks=MARKS))
        for part in _parts(profile_ids, MAINTAIN_BATCH)
    )


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


def after_drafting(approved: int, job_id: UUID) -> tuple[NewJob, ...]:
    """What an autopilot has approved goes out."""
    return (NewJob(DispatchMessages(), key=f"dispatch.dm@{job_id}"),) if approved else ()


def after_dispatch(next_eligible: datetime | None) -> tuple[NewJob, ...]:
    """Messages that an account's limits hold go out as soon as the limits allow.

    The moment is a whole second, so that runs that see the same limit ask for one job; a second or
    two late, so that a worker whose clock is a little behind does not come too early.
    """
    if next_eligible is None:
        return ()
    run_at = next_eligible.replace(microsecond=0) + timedelta(seconds=2)
    return (NewJob(DispatchMessages(), key=f"dispatch.dm@{run_at.isoformat()}", run_at=run_at),)


def after_replies(now: datetime) -> tuple[NewJob, ...]:
    """Replies that the rules leave open are read by a model, once a minute at most."""
    minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    key = f"feedback.classify@{minute.isoformat()}"
    return (NewJob(ClassifyReplies(), key=key, run_at=minute),)


def after_learning(campaign_id: int, version: int) -> tuple[NewJob, ...]:
    """New weights change the cheap score of every candidate of the campaign."""
    return (
        NewJob(
            RefreshCandidates(campaign_id=campaign_id),
            key=f"candidates.refresh@{campaign_id}.weights.{version}",
        ),
    )
