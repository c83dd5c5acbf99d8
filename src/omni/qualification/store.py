"""Reads the shortlist and records answers; `llm_scores` is the cache of verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import msgspec

from omni.campaigns.types import Campaign
from omni.qualification.types import (
    MOST_REFUSALS,
    Refusal,
    Shortlisted,
    Verdict,
    VerdictKey,
    asked_version,
)
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.qualification")


async def list_views(
    db: Executor, key: VerdictKey, profile_ids: Sequence[int]
) -> list[Shortlisted]:
    """Return those of whom there is something left to judge, as a judge is to see them."""
    rows = await db.fetch(
        QUERIES["list_views"],
        **asdict(key),
        profile_ids=list(profile_ids),
        most_refusals=MOST_REFUSALS,
    )
    return [Shortlisted(**row) for row in rows]


async def get_open(db: Executor, key: VerdictKey, profile_id: int) -> Shortlisted | None:
    """Return the candidate as a judge is to see it; None if there is nothing left to judge."""
    return next(iter(await list_views(db, key, [profile_id])), None)


async def insert_answer(
    db: Executor,
    key: VerdictKey,
    judged: Shortlisted,
    reading: Verdict | Refusal,
    *,
    raw: str,
    latency_ms: float,
    now: datetime,
    holder: UUID | None = None,
) -> bool:
    """Record what was read from an answer.

    Args:
        raw: The answer as it came, made fit to be kept.
        holder: Whose flight ends with it; None: the judge is asked once more.

    Returns:
        False where the same key had its verdict already, or the profile is gone: nothing changed.
    """
    verdict = reading if isinstance(reading, Verdict) else None
    written = await db.execute(
        QUERIES["insert_answer"],
        **asdict(key),
        profile_id=judged.profile_id,
        username=judged.username,
        profile_hash=judged.view_hash,
        outcome="refused" if isinstance(reading, Refusal) else "verdict",
        qualified=verdict and verdict.qualified,
        score=verdict and verdict.score,
        confidence=verdict and verdict.confidence,
        reasons=msgspec.to_builtins(verdict.reasons) if verdict else [],
        raw=raw,
        error=reading.reason if isinstance(reading, Refusal) else None,
        latency_ms=latency_ms,
        holder=holder,
        now=now,
    )
    return written == 1


async def count_verdicts(
    db: Executor, campaign: Campaign, *, prompt_version: str
) -> tuple[int, int]:
    """Return how many candidates have a verdict that holds now, and how many of those fit.

    A verdict holds that was given under the campaign's present criteria and brief, by the present
    prompt, on the person's view as it is now. Where several judges gave one, the newest counts,
    since it is the one that leads follow. Who fits scores at least the campaign's threshold.

    Args:
        prompt_version: `omni.qualification.plan.PROMPT_VERSION`.
    """
    row = await db.fetchrow(
        QUERIES["count_verdicts"],
        campaign_id=campaign.id,
        criteria_hash=campaign.criteria_hash,
        prompt_version=asked_version(campaign, prompt_version),
        threshold=campaign.threshold,
    )
    return (row["judged"], row["qualified"]) if row else (0, 0)
