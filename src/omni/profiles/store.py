"""The tables profiles_raw, profile_features and discoveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from omni.base.errors import NotFound
from omni.profiles.types import ENRICH_VERSION, MARKS, Features, Key
from omni.storage.db import Executor
from omni.storage.sql import Fragment, load_queries

QUERIES = load_queries("omni.profiles")

MAX_PAGE = 200
_SEPARATOR = "\x1f"

_MARKS_SQL = " | ".join(
    f"case when old.{column} is distinct from new.{column} then {1 << place}::bigint else 0 end"
    for place, column in enumerate("search" if mark == "text" else mark for mark in MARKS)
)


class RawRow(msgspec.Struct, frozen=True):
    """One row of `profiles_raw` that is to be written; `payload` is JSON text."""

    platform: str
    platform_id: str
    username: str
    payload: str
    content_hash: str


class FeatureRow(msgspec.Struct, frozen=True):
    """One row of `profile_features` that is to be written."""

    profile_id: int
    features: Features
    version_hash: str


async def compare(db: Executor, keys: Sequence[tuple[Key, str]]) -> list[tuple[int, bool]]:
    """Compare people with what is stored of them, without locking anybody.

    Args:
        db: Where to look.
        keys: Whom to look for, each with the content hash that they have now.

    Returns:
        For each who is known: index in `keys`, and whether the content is the same.
    """
    if not keys:
        return []
    rows = await db.fetch(QUERIES["compare_known"], None, **_hashed(keys))
    return [(row["place"], row["same"]) for row in rows]


async def meet_known(
    tx: Executor, keys: Sequence[tuple[Key, str]], now: datetime
) -> list[tuple[int, int, bool]]:
    """Lock those who are known until the transaction ends; note that the unchanged were seen.

    Args:
        tx: A transaction.
        keys: Whom to look for, each with the content hash that they have now.

    Returns:
        For each who is known: index in `keys`, profile_id, and whether the content is the same.
    """
    if not keys:
        return []
    rows = await tx.fetch(QUERIES["meet_known"], None, **_hashed(keys), now=now)
    return [(row["place"], row["profile_id"], row["same"]) for row in rows]


def _hashed(keys: Sequence[tuple[Key, str]]) -> dict[str, list[str]]:
    return {
        "platforms": [key[0] for key, _ in keys],
        "platform_ids": [key[1] for key, _ in keys],
        "hashes": [content_hash for _, content_hash in keys],
    }


async def write_changed(tx: Executor, rows: Sequence[tuple[int, RawRow]], now: datetime) -> None:
    """Write the new content of people who are known, and locked."""
    if rows:
        await tx.execute(
            QUERIES["write_changed"],
            profile_ids=[profile_id for profile_id, _ in rows],
            usernames=[row.username for _, row in rows],
            payloads=[row.payload for _, row in rows],
            hashes=[row.content_hash for _, row in rows],
            now=now,
        )


async def add_new(tx: Executor, rows: Sequence[RawRow], now: datetime) -> dict[Key, int]:
    """Add people in the order of their keys; return the ids of those whom no one else has added."""
    if not rows:
        return {}
    added = await tx.fetch(
        QUERIES["add_new"],
        platforms=[row.platform for row in rows],
        platform_ids=[row.platform_id for row in rows],
        usernames=[row.username for row in rows],
        payloads=[row.payload for row in rows],
        hashes=[row.content_hash for row in rows],
        now=now,
    )
    return {(row["platform"], row["platform_id"]): row["profile_id"] for row in added}


async def find_ids(db: Executor, keys: Sequence[Key]) -> dict[Key, int]:
    """Return the ids of those who are known."""
    if not keys:
        return {}
    rows = await db.fetch(
        QUERIES["find_ids"], platforms=[k[0] for k in keys], platform_ids=[k[1] for k in keys]
    )
    return {(row["platform"], row["platform_id"]): row["profile_id"] for row in rows}


async def put_features(tx: Executor, rows: Sequence[FeatureRow], now: datetime) -> dict[int, int]:
    """Write the features of these people, replacing earlier ones.

    Returns:
        For each who had features before, what of them is another now: a set of `MARKS`.
    """
    if not rows:
        return {}
    features = [row.features for row in rows]
    found = await tx.fetch(
        QUERIES["put_features"],
        {"marks": Fragment(_MARKS_SQL)},
        profile_ids=[row.profile_id for row in rows],
        platforms=[f.platform for f in features],
        usernames=[f.username for f in features],
        display_names=[f.display_name for f in features],
        bios=[f.bio for f in features],
        languages=[f.language for f in features],
        countries=[f.country for f in features],
        places=[f.place for f in features],
        followers=[f.followers for f in features],
        follows=[f.follows for f in features],
        posts=[f.posts for f in features],
        posts_per_week=[f.posts_per_week for f in features],
        engagement=[f.engagement for f in features],
        account_created_at=[f.account_created_at for f in features],
        last_post_at=[f.last_post_at for f in features],
        has_avatar=[f.has_avatar for f in features],
        is_bot=[f.is_bot for f in features],
        accepts_messages=[f.accepts_messages for f in features],
        hashtags=[_SEPARATOR.join(f.hashtags) for f in features],
        keywords=[_SEPARATOR.join(f.keywords) for f in features],
        domains=[_SEPARATOR.join(f.domains) for f in features],
        signals=[_SEPARATOR.join(map(repr, f.signals)) for f in features],
        search_texts=[f.search_text for f in features],
        views=[msgspec.json.encode(f.view).decode() for f in features],
        view_hashes=[f.view_hash for f in features],
        version_hashes=[row.version_hash for row in rows],
        enrich_version=ENRICH_VERSION,
        now=now,
    )
    return {row["profile_id"]: row["marks"] for row in found if row["marks"] is not None}


async def add_discoveries(
    tx: Executor, campaign_id: int, profile_ids: Sequence[int], *, job_id: UUID, now: datetime
) -> None:
    """Note that a campaign's job has found these people; earlier discoveries stand."""
    if profile_ids:
        await tx.execute(
            QUERIES["add_discoveries"],
            campaign_id=campaign_id,
            profile_ids=profile_ids,
            job_id=job_id,
            now=now,
        )


async def note_missed(
    tx: Executor, platform: str, platform_ids: Sequence[str], *, now: datetime
) -> dict[str, datetime]:
    """Note that an answer left these out; return for each since when that has been so.

    Args:
        now: When the platform was asked; who was seen since is left alone.
    """
    rows = await tx.fetch(
        QUERIES["note_missed"], platform=platform, platform_ids=list(platform_ids), now=now
    )
    return {row["platform_id"]: row["missed_at"] for row in rows}


async def mark_gone(
    tx: Executor, platform: str, platform_ids: Sequence[str], *, now: datetime
) -> list[int]:
    """Note that a platform no longer shows these people, and forget their features.

    They are not refreshed any more. A crawl that meets them again takes the note back.

    Args:
        now: When the platform was asked; who was seen since is left alone.

    Returns:
        The profile_ids of those for whom that is news, in order.
    """
    if not platform_ids:
        return []
    rows = await tx.fetch(
        QUERIES["mark_gone"], platform=platform, platform_ids=list(platform_ids), now=now
    )
    return sorted(row["profile_id"] for row in rows)


async def profile_page(db: Executor, *, after: int | None, limit: int) -> bytes:
    """Return a JSON array of profiles, the newest first.

    Args:
        db: Where to read.
        after: The last `profile_id` of the page before; None for the first page.
        limit: At most this many, and never more than `MAX_PAGE`.
    """
    text = await db.fetchval(
        QUERIES["profile_page"], after=after, limit=max(1, min(limit, MAX_PAGE))
    )
    return text.encode()


async def get_profile(db: Executor, profile_id: int) -> bytes:
    """Return one profile as a JSON object: features, signals, recent posts, links and pictures.

    Raises:
        NotFound: There is no such profile.
    """
    text = await db.fetchval(QUERIES["get_profile"], profile_id=profile_id)
    if text is None:
        raise NotFound(f"there is no profile {profile_id}")
    return text.encode()
