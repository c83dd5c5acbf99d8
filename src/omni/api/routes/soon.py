"""Work that follows a person's act within seconds; acts close together share one run of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from omni.jobs.types import ClassifyReplies, DispatchMessages, DraftMessages, NewJob

TOGETHER = timedelta(seconds=2)
"""Acts within this time share a run."""


def dispatch_soon(now: datetime) -> NewJob:
    """Return the run of dispatch that follows the approvals of these seconds."""
    run_at = _next_run(now)
    return NewJob(DispatchMessages(), key=f"dispatch.dm@{run_at.isoformat()}", run_at=run_at)


def draft_soon(campaign_id: int, now: datetime) -> NewJob:
    """Return the drafting that follows the decisions of these seconds on a campaign's leads."""
    run_at = _next_run(now)
    return NewJob(
        DraftMessages(campaign_id=campaign_id),
        key=f"dispatch.draft@{campaign_id}.{run_at.isoformat()}",
        run_at=run_at,
    )


def classify_soon(now: datetime) -> NewJob:
    """Return the reading by a model of replies that the rules leave open, once a minute at most."""
    minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return NewJob(ClassifyReplies(), key=f"feedback.classify@{minute.isoformat()}", run_at=minute)


def _next_run(now: datetime) -> datetime:
    """Return when the slot after the next begins.

    By then a transaction that began in this slot has surely ended, so that the run sees its act.
    """
    since = (now - datetime.min.replace(tzinfo=now.tzinfo)) % TOGETHER
    return now - since + 2 * TOGETHER
