"""What comes next: decided from what a step did, as values. A room never knows its successor."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from omni.jobs.types import (
    DispatchMessages,
    DraftMessages,
    MaintainCandidates,
    NewJob,
    RefreshCandidates,
)

MAINTAIN_BATCH = 1_000
"""The most profiles that one maintenance job looks at."""


def after_profiles(profile_ids: tuple[int, ...]) -> tuple[NewJob, ...]:
    """New or changed profiles may enter or leave every campaign.

    The jobs need no key: they are written in the transaction that writes the profiles, and a crawl
    that runs again finds those profiles unchanged.
    """
    batches = (
        profile_ids[start : start + MAINTAIN_BATCH]
        for start in range(0, len(profile_ids), MAINTAIN_BATCH)
    )
    return tuple(NewJob(MaintainCandidates(profile_ids=batch)) for batch in batches)


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
