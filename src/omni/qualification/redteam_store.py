"""Keeps what judges made of hostile profiles."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from omni.qualification.reading import keepable
from omni.qualification.redteam import RedTeamReport
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.qualification", "redteam")


@dataclass(frozen=True, slots=True)
class StoredAttack:
    """A run of the suite; `report` is a `RedTeamReport` as plain values."""

    id: int
    model: str
    prompt_version: str
    report: dict[str, Any]
    created_at: datetime


async def insert_attack(
    db: Executor, found: RedTeamReport, *, job_id: UUID | None, now: datetime
) -> None:
    """Keep a report; a second one of the same job is a no-op."""
    report = msgspec.to_builtins(asdict(found))
    report["passed"] = found.passed
    for finding in report["findings"]:
        finding["said"] = keepable(finding["said"])
    await db.execute(
        QUERIES["insert_attack"],
        job_id=job_id,
        model=found.model,
        prompt_version=found.prompt_version,
        report=report,
        now=now,
    )


async def list_attacks(db: Executor, *, limit: int) -> list[StoredAttack]:
    """Return the last runs of the suite, the newest first."""
    rows = await db.fetch(QUERIES["list_attacks"], limit=limit)
    return [StoredAttack(**row) for row in rows]
