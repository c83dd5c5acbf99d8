"""Enriches stored profiles again where an older version of enrichment made their features."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec

from omni.base.log import get_logger
from omni.profiles import store
from omni.profiles.enrich import enrich
from omni.profiles.payload import profile_of, tidy
from omni.profiles.types import ENRICH_VERSION, StoredBatch
from omni.storage.db import Executor, Row
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.profiles", "reenrich")

PAGE = 500
"""Profiles that are looked at with one statement, and locked together."""


async def find_outdated(db: Executor, *, after: int) -> tuple[int | None, tuple[int, ...]]:
    """Look at the next `PAGE` profiles behind an id.

    Returns:
        The last id that was looked at, None at the end; and whose features are out of date.
    """
    row = await db.fetchrow(
        QUERIES["find_outdated"], after=after, limit=PAGE, version=ENRICH_VERSION
    )
    return (None, ()) if row is None else (row["last"], tuple(row["outdated"]))


async def reenrich(tx: Executor, profile_ids: Sequence[int], *, now: datetime) -> StoredBatch:
    """Make the features of stored profiles anew, from their payloads alone.

    Doing so twice changes nothing more. A payload that cannot be read is logged and left as it is;
    the profile is written when it is seen next.

    Args:
        tx: A transaction; the caller writes the jobs that follow in it.

    Returns:
        Who was enriched, as `changed`, with what is another now.
    """
    rows = await tx.fetch(QUERIES["lock_payloads"], profile_ids=list(profile_ids))
    made = await asyncio.to_thread(_enrich_rows, rows, now)
    marks = await store.put_features(tx, made, now)
    return StoredBatch((), tuple(each.profile_id for each in made), 0, marks)


def _enrich_rows(rows: Sequence[Row], now: datetime) -> list[store.FeatureRow]:
    made: list[store.FeatureRow] = []
    for row in sorted(rows, key=lambda each: each["profile_id"]):
        try:
            profile = tidy(profile_of(row["payload"]))
        except msgspec.ValidationError as error:
            get_logger().warning(
                "profiles.payload_unread", profile_id=row["profile_id"], error=str(error)
            )
            continue
        if profile is not None:
            features = enrich(profile, now=now)
            made.append(store.FeatureRow(row["profile_id"], features, row["content_hash"]))
    return made
