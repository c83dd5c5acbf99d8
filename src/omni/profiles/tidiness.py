"""Bounds of a stored profile, and a quick look that finds most profiles within them already.

Mending a profile costs more than hashing it, and most need none. `is_tidy` is allowed to be wrong
in one direction only: a profile that it passes is one that mending would leave as it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import cast

from omni.connectors.types import RawPost, RawProfile
from omni.profiles.urls import is_usual

MAX_ID = 512
MAX_NAME = 200
MAX_BIO = 5_000
MAX_POST = 3_000
MAX_POSTS = 20
MAX_LINKS = 20
MAX_IMAGES = 3
MAX_EXTRA_BYTES = 20_000
MAX_COUNT = 2**53
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

_SMALL_EXTRA = 20
_SMALL_TEXT = 200


def is_tidy(profile: RawProfile) -> bool:
    """Tell whether a profile plainly has clean text and values within the bounds."""
    lines = [profile.platform_id, profile.username]
    if profile.display_name is not None:
        lines.append(profile.display_name)
    texts = [post.text for post in profile.posts]
    if profile.bio is not None:
        texts.append(profile.bio)
    return (
        profile.platform != ""
        and len(profile.posts) <= MAX_POSTS
        and _are_lines(lines)
        and _are_clean(texts)
        and len(profile.bio or "") <= MAX_BIO
        and all(map(_is_moment, [profile.created_at, *[p.created_at for p in profile.posts]]))
        and _are_counts(profile.followers, profile.follows, profile.posts_count)
        and _are_urls(profile.image_urls, MAX_IMAGES)
        and _are_urls(profile.links, MAX_LINKS)
        and _are_posts(profile.posts)
        and _is_small(profile.extra)
    )


def newest_first(post: RawPost) -> tuple[float, str]:
    """Return what posts are ordered by."""
    return -(post.created_at.timestamp() if post.created_at else 0.0), post.text


def _are_lines(lines: Sequence[str]) -> bool:
    for line in lines:
        if not 0 < len(line) <= MAX_NAME or "  " in line:
            return False
    return _are_plain(lines, " ".join(lines))


def _are_clean(texts: Sequence[str]) -> bool:
    for text in texts:
        if not 0 < len(text) <= MAX_BIO:
            return False
    return _are_plain(texts, " ".join(texts).replace("\n", " "))


def _are_plain(texts: Iterable[str], together: str) -> bool:
    """Tell whether texts have only printable characters, composed, and no space at their ends."""
    if not together.isprintable():
        return False
    if not together.isascii() and not unicodedata.is_normalized("NFC", together):
        return False
    # Of printable characters only the space is white.
    for text in texts:
        if text[0] == " " or text[-1] == " " or text[0] == "\n" or text[-1] == "\n":
            return False
    return True


def _are_posts(posts: Sequence[RawPost]) -> bool:
    for post in posts:
        if len(post.text) > MAX_POST:
            return False
        if not _are_counts(post.likes, post.reposts, post.replies):
            return False
    dates = [post.created_at for post in posts]
    if all(map(_is_after, dates, dates[1:])):
        return True
    order = [newest_first(post) for post in posts]
    return order == sorted(order)


def _is_after(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one > other


def _are_counts(one: int | None, two: int | None, three: int | None) -> bool:
    return (
        (one is None or 0 <= one <= MAX_COUNT)
        and (two is None or 0 <= two <= MAX_COUNT)
        and (three is None or 0 <= three <= MAX_COUNT)
    )


def _is_moment(value: datetime | None) -> bool:
    return value is None or (value.tzinfo is UTC and EARLIEST <= value < LATEST)


def _are_urls(urls: tuple[str, ...], limit: int) -> bool:
    if len(urls) > limit or (len(urls) > 1 and len(set(urls)) < len(urls)):
        return False
    return all(map(is_usual, urls))


def _is_small(value: object, depth: int = 3) -> bool:
    """Tell whether a value of `extra` is small and plain: the usual case."""
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        return len(value) <= _SMALL_TEXT and (
            value == "" or (value.isascii() and _are_plain((value,), value))
        )
    if type(value) is int:
        return abs(value) <= MAX_COUNT
    if not depth or type(value) not in (dict, list):
        return False
    if isinstance(value, dict):
        items = cast("dict[object, object]", value)
        return len(items) <= _SMALL_EXTRA and all(
            isinstance(name, str) and name != "" and _is_name(name) and _is_small(each, depth - 1)
            for name, each in items.items()
        )
    each_item = cast("list[object]", value)
    return len(each_item) <= _SMALL_EXTRA and all(_is_small(each, depth - 1) for each in each_item)


def _is_name(name: str) -> bool:
    return len(name) <= 100 and name.isascii() and name.isidentifier()
