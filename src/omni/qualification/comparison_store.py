"""Keeps comparisons, and what people say where two judges disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from omni.base.errors import NotFound
from omni.qualification.comparison import Comparison, Pair, Said
from omni.qualification.types import Viewed
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.qualification", "comparison")


@dataclass(frozen=True, slots=True)
class StoredComparison:
    """A comparison that was made; `report` is a `Comparison` as plain values."""

    id: int
    campaign_id: int
    left_model: str
    right_model: str
    sample: int
    report: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A person to whom one judge says yes and the other no; `fits` is what a person says."""

    id: int
    comparison_id: int
    profile_id: int
    username: str
    left_model: str
    right_model: str
    left_said: dict[str, Any]
    right_said: dict[str, Any]
    fits: bool | None
    settled_at: datetime | None


async def list_sample(db: Executor, campaign_id: int, *, seed: str, limit: int) -> list[Viewed]:
    """Return up to `limit` candidates, drawn by the seed: the same one, the same people."""
    rows = await db.fetch(QUERIES["list_sample"], campaign_id=campaign_id, seed=seed, limit=limit)
    return [Viewed(**row) for row in rows]


async def insert_comparison(
    tx: Executor,
    campaign_id: int,
    found: Comparison,
    apart: Sequence[Pair],
    *,
    now: datetime,
    job_id: UUID | None = None,
) -> int:
    """Keep a comparison with its disagreements; return its id.

    Args:
        job_id: Of a job, whose comparison is kept once: the first one stays.
    """
    comparison_id: int | None = await tx.fetchval(
        QUERIES["insert_comparison"],
        campaign_id=campaign_id,
        left_model=found.left.model,
        right_model=found.right.model,
        sample=found.sample,
        report=msgspec.to_builtins(asdict(found)),
        now=now,
        job_id=job_id,
    )
    if comparison_id is None:
        row = await tx.fetchrow(QUERIES["find_comparison"], job_id=job_id)
        assert row is not None
        return row["id"]
    for pair in apart:
        await tx.execute(
            QUERIES["insert_disagreement"],
            comparison_id=comparison_id,
            campaign_id=campaign_id,
            profile_id=pair.profile_id,
            username=pair.username,
            left_said=_plain(pair.left),
            right_said=_plain(pair.right),
        )
    return comparison_id


async def find_comparison(db: Executor, job_id: UUID) -> StoredComparison | None:
    """Return what a job has compared; None: nothing yet."""
    row = await db.fetchrow(QUERIES["find_comparison"], job_id=job_id)
    return StoredComparison(**row) if row else None


async def list_comparisons(db: Executor, campaign_id: int, *, limit: int) -> list[StoredComparison]:
    """Return a campaign's comparisons, the newest first."""
    rows = await db.fetch(QUERIES["list_comparisons"], campaign_id=campaign_id, limit=limit)
    return [StoredComparison(**row) for row in rows]


async def list_disagreements(
    db: Executor, campaign_id: int, *, only_open: bool, limit: int
) -> list[Disagreement]:
    """Return where judges disagreed in a campaign, the newest first."""
    rows = await db.fetch(
        QUERIES["list_disagreements"], campaign_id=campaign_id, open=only_open, limit=limit
    )
    return [Disagreement(**row) for row in rows]


async def settle(db: Executor, disagreement_id: int, *, fits: bool, now: datetime) -> Disagreement:
    """Note whether the person fits; saying something else later replaces it.

    Raises:
        NotFound: There is no such disagreement.
    """
    row = await db.fetchrow(
        QUERIES["settle_disagreement"], disagreement_id=disagreement_id, fits=fits, now=now
    )
    if row is None:
        raise NotFound(f"no disagreement {disagreement_id}")
    return Disagreement(**row)


def _plain(said: Said) -> dict[str, Any]:
    return msgspec.to_builtins(asdict(said.verdict)) if said.verdict else {}
