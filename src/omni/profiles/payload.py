"""A raw profile made fit to be stored, its payload, and the hash that says whether it changed.

What does not count as a change, so that a re-read of the same person is not a new version:

- expiring parameters in the URLs of pictures and links (`urls.lasting_url`);
- likes, reposts and replies of a post, as long as they stay within a power of two;
- followers, follows and posts, as long as the first three digits stay: below 1,000 each one counts.
  A comparison with a round number (`followers >= 50000`) is therefore never out of date;
- the order in which a platform lists posts and links.

Everything else counts, `extra` included. What was read is stored as it was read; only the hash is
blind to the above. `VERSION` is part of the hash: raising it lets every profile be enriched anew
the next time that it is seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from omni.base.hashing import digest
from omni.connectors.types import RawPost, RawProfile
from omni.profiles.text import clean, clean_line
from omni.profiles.urls import lasting_url, web_url

VERSION = 1

MAX_ID = 512
MAX_NAME = 200
MAX_BIO = 5_000
MAX_POST = 3_000
MAX_POSTS = 20
MAX_LINKS = 20
MAX_IMAGES = 3
MAX_EXTRA_BYTES = 20_000

_MAX_COUNT = 2**53
_EXTRA_DEPTH = 6
_EXTRA_ITEMS = 200
_EXTRA_TEXT = 2_000
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def tidy(profile: RawProfile) -> RawProfile | None:
    """Return the profile with every value cleaned and bounded; doing so again changes nothing.

    Returns:
        None if it cannot be told who this is: the platform's id is empty, too long or not plain
        text. An id is never mended, for the mended one could be somebody else's.
    """
    name = profile.platform_id
    if clean_line(name, MAX_ID) != name or not profile.platform:
        return None
    posts = (_tidy_post(post) for post in profile.posts[: 4 * MAX_POSTS])
    return replace(
        profile,
        username=clean_line(profile.username, MAX_NAME) or name[:MAX_NAME],
        display_name=clean_line(profile.display_name, MAX_NAME),
        bio=clean(profile.bio, MAX_BIO),
        followers=_count(profile.followers),
        follows=_count(profile.follows),
        posts_count=_count(profile.posts_count),
        created_at=_moment(profile.created_at),
        image_urls=_urls(profile.image_urls, MAX_IMAGES),
        links=_urls(profile.links, MAX_LINKS),
        posts=tuple(sorted(filter(None, posts), key=_newest_first)[:MAX_POSTS]),
        extra=_tidy_extra(profile.extra),
    )


def payload_of(profile: RawProfile) -> dict[str, Any]:
    """Return a tidy profile as plain JSON values: the column `payload`."""
    return cast("dict[str, Any]", msgspec.to_builtins(profile))


def content_hash(payload: Mapping[str, Any]) -> str:
    """Return the hash of what counts in a payload (see the module's own words)."""
    counts = {name: _rough(payload[name]) for name in ("followers", "follows", "posts_count")}
    posts = [
        (post["text"], post["created_at"], *(_magnitude(post[name]) for name in _POST_COUNTS))
        for post in payload["posts"]
    ]
    lasting = {
        "image_urls": [lasting_url(url) for url in payload["image_urls"]],
        "links": sorted(lasting_url(url) for url in payload["links"]),
    }
    return digest({**payload, **counts, **lasting, "posts": posts, "version": VERSION})


_POST_COUNTS = ("likes", "reposts", "replies")


def _tidy_post(post: RawPost) -> RawPost | None:
    text = clean(post.text, MAX_POST)
    if text is None:
        return None
    return RawPost(
        text,
        _moment(post.created_at),
        _count(post.likes),
        _count(post.reposts),
        _count(post.replies),
    )


def _newest_first(post: RawPost) -> tuple[float, str]:
    return -(post.created_at.timestamp() if post.created_at else 0.0), post.text


def _count(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= _MAX_COUNT else None


def _moment(value: datetime | None) -> datetime | None:
    """Return the moment in UTC (one without a zone is taken for UTC), None if it is absurd."""
    if value is None:
        return None
    known = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    # Compared before it is converted: conversion fails at the ends of the calendar.
    return known.astimezone(UTC) if _EARLIEST <= known < _LATEST else None


def _urls(urls: tuple[str, ...], limit: int) -> tuple[str, ...]:
    found = dict.fromkeys(filter(None, map(web_url, urls[: 4 * limit])))
    return tuple(found)[:limit]


def _tidy_extra(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return `extra` with clean texts and names; nothing of it if it is too large."""
    tidied = _tidy_value(extra, _EXTRA_DEPTH)
    if not isinstance(tidied, dict) or len(msgspec.json.encode(tidied)) > MAX_EXTRA_BYTES:
        return {}
    return cast("dict[str, Any]", tidied)


def _tidy_value(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean(value, _EXTRA_TEXT) or ""
    if isinstance(value, int):
        return value if abs(value) <= _MAX_COUNT else str(value)[:30]
    if isinstance(value, float):
        return value if abs(value) <= _MAX_COUNT else None  # neither infinite nor NaN
    if isinstance(value, datetime):
        moment = _moment(value)
        return moment.isoformat() if moment else None
    if depth and isinstance(value, Mapping):
        items = list(cast("Mapping[object, object]", value).items())[:_EXTRA_ITEMS]
        return {clean_line(str(k), 100) or "": _tidy_value(v, depth - 1) for k, v in items}
    if depth and isinstance(value, list | tuple):
        return [_tidy_value(v, depth - 1) for v in cast("list[object]", value)[:_EXTRA_ITEMS]]
    return None


def _rough(count: int | None) -> int | None:
    """Return the count with only its first three digits."""
    if count is None or count < 1_000:
        return count
    unit = 10 ** (len(str(count)) - 3)
    return count // unit * unit


def _magnitude(count: int | None) -> int | None:
    """Return which power of two the count lies under."""
    return None if count is None else count.bit_length()
