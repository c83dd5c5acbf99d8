"""A raw profile made fit to be stored, its payload, and the hash that says whether it changed.

What does not count as a change, so that a re-read of the same person is not a new version:

- what expires in the URLs of pictures and links, and in those within `extra` (see `lasting`);
- likes, reposts and replies of a post, as long as they stay within a power of two;
- followers, follows and posts, and whole numbers within `extra`, as long as they stay within one
  step of `steady`: a step is 5 to 12 % wide. What is stored then is at most one step old, and a
  comparison with a round number (`followers >= 50000`) is never out of date, for round numbers are
  where steps begin;
- the order in which a platform lists posts, links and the names within `extra`.

Everything else counts. What was read is stored as it was read; only the hash is blind to the above.
`VERSION` is part of the hash: raising it makes everybody count as changed when they are seen next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from omni.base.hashing import digest
from omni.connectors.types import RawPost, RawProfile
from omni.profiles.lasting import lasting_url
from omni.profiles.text import clean, clean_line
from omni.profiles.tidiness import (
    EARLIEST,
    LATEST,
    MAX_BIO,
    MAX_COUNT,
    MAX_EXTRA_BYTES,
    MAX_ID,
    MAX_IMAGES,
    MAX_LINKS,
    MAX_NAME,
    MAX_POST,
    MAX_POSTS,
    is_tidy,
    newest_first,
)
from omni.profiles.urls import web_url

VERSION = 2

_EXTRA_DEPTH = 6
_EXTRA_ITEMS = 200
_EXTRA_TEXT = 2_000


def tidy(profile: RawProfile) -> RawProfile | None:
    """Return the profile with every value cleaned and bounded; doing so again changes nothing.

    Returns:
        None if it cannot be told who this is: the platform's id is empty, too long or not plain
        text. An id is never mended, for the mended one could be somebody else's.
    """
    return profile if is_tidy(profile) else mend(profile)


def mend(profile: RawProfile) -> RawProfile | None:
    """Return what `tidy` does, looking at everything: for profiles that are not plainly tidy."""
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
        posts=tuple(sorted(filter(None, posts), key=newest_first)[:MAX_POSTS]),
        extra=_tidy_extra(profile.extra),
    )


def payload_of(profile: RawProfile) -> dict[str, Any]:
    """Return a tidy profile as plain JSON values: the column `payload`."""
    return cast("dict[str, Any]", msgspec.to_builtins(profile))


def profile_of(payload: Mapping[str, Any]) -> RawProfile:
    """Return the profile of a payload; what newer versions added is as if the platform kept it.

    Raises:
        msgspec.ValidationError: It is no payload.
    """
    return msgspec.convert(payload, RawProfile)


def encode_payload(profile: RawProfile) -> str:
    """Return a tidy profile as JSON text: what `payload_of` returns, encoded."""
    return msgspec.json.encode(profile).decode()


def content_hash(profile: RawProfile) -> str:
    """Return the hash of what counts in a tidy profile (see the module's own words)."""
    return digest(
        (
            VERSION,
            profile.platform,
            profile.platform_id,
            profile.username,
            profile.display_name,
            profile.bio,
            steady(profile.followers),
            steady(profile.follows),
            steady(profile.posts_count),
            profile.created_at,
            profile.is_bot,
            profile.accepts_messages,
            profile.discoverable,
            [lasting_url(url) for url in profile.image_urls],
            sorted(map(lasting_url, profile.links)),
            [_lasting_post(post) for post in profile.posts],
            _lasting_value(profile.extra),
        )
    )


def steady(count: int | None) -> int | None:
    """Return where the count's step begins: 1, 2, 3 … 20, 22.5, 25 … 50, 55 … 100, 110 and so on.

    Of each power of ten: from 1 to 2 in tenths, to 5 in quarters, to 10 in halves. So every number
    of one digit and zeros begins a step, and so do 15, 25 and 75 with zeros; below 20 all do.
    """
    if count is None or count < 20:
        return count
    power = 10 ** (len(str(count)) - 1)
    width = power if count < 2 * power else power * 5 // 2 if count < 5 * power else power * 5
    return count * 10 // width * width // 10


def _lasting_post(post: RawPost) -> tuple[object, ...]:
    """Return what lasts of a post; of a count that is under which power of two it lies."""
    likes, reposts, replies = post.likes, post.reposts, post.replies
    return (
        post.text,
        post.created_at,
        None if likes is None else likes.bit_length(),
        None if reposts is None else reposts.bit_length(),
        None if replies is None else replies.bit_length(),
    )


def _lasting_value(value: object) -> object:
    if isinstance(value, str):
        return lasting_url(value) if value.startswith(("https://", "http://")) else value
    if isinstance(value, int) and not isinstance(value, bool):
        return steady(value)
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {name: _lasting_value(each) for name, each in items}
    if isinstance(value, list):
        return [_lasting_value(each) for each in cast("list[object]", value)]
    return value


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


def _count(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= MAX_COUNT else None


def _moment(value: datetime | None) -> datetime | None:
    """Return the moment in UTC (one without a zone is taken for UTC), None if it is absurd."""
    if value is None:
        return None
    known = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    # Compared before it is converted: conversion fails at the ends of the calendar.
    return known.astimezone(UTC) if EARLIEST <= known < LATEST else None


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
        return value if abs(value) <= MAX_COUNT else str(value)[:30]
    if isinstance(value, float):
        return value if abs(value) <= MAX_COUNT else None  # neither infinite nor NaN
    if isinstance(value, datetime):
        moment = _moment(value)
        return moment.isoformat() if moment else None
    if depth and isinstance(value, Mapping):
        items = list(cast("Mapping[object, object]", value).items())[:_EXTRA_ITEMS]
        return {clean_line(str(k), 100) or "": _tidy_value(v, depth - 1) for k, v in items}
    if depth and isinstance(value, list | tuple):
        return [_tidy_value(v, depth - 1) for v in cast("list[object]", value)[:_EXTRA_ITEMS]]
    return None
