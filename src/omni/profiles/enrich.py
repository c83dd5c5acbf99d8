"""From a raw profile to features: pure, and the same for the same profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from omni.base.hashing import digest
from omni.connectors.types import RawPost, RawProfile
from omni.profiles.bots import declares_bot
from omni.profiles.language import language_of
from omni.profiles.lasting import lasting_url
from omni.profiles.places import Place, place_of
from omni.profiles.signals import Facts, signals_of
from omni.profiles.types import Features
from omni.profiles.urls import domains_of, urls_in, without_urls
from omni.profiles.words import hashtags_of, keywords_of

MAX_DOMAINS = 20
MAX_SEARCH_TEXT = 20_000
VIEW_POSTS = 5
VIEW_POST = 500
VIEW_BIO = 1_000
VIEW_TAGS = 20
VIEW_LINKS = 10

_WEEK = timedelta(weeks=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a profile says, once it has been read."""

    posts: tuple[RawPost, ...]
    texts: tuple[str, ...]
    created_at: datetime | None
    last_post_at: datetime | None
    posts_per_week: float | None
    engagement: float | None
    language: str | None
    place: Place
    hashtags: tuple[str, ...]
    keywords: tuple[str, ...]
    domains: tuple[str, ...]
    is_bot: bool


def enrich(profile: RawProfile, *, now: datetime) -> Features:
    """Return what the other rooms may know of a person.

    Args:
        profile: As `payload.tidy` returns it.
        now: Moments that a profile claims to lie more than a day ahead are taken for unknown. This
            is the only use of the present: every other feature follows from the profile alone.
    """
    read = _read(profile, now)
    view = _view(profile, read)
    return Features(
        platform=profile.platform,
        username=profile.username,
        display_name=profile.display_name,
        bio=profile.bio,
        language=read.language,
        country=read.place.country,
        place=read.place.place,
        followers=profile.followers,
        follows=profile.follows,
        posts=profile.posts_count,
        posts_per_week=read.posts_per_week,
        engagement=read.engagement,
        account_created_at=read.created_at,
        last_post_at=read.last_post_at,
        has_avatar=bool(profile.image_urls),
        is_bot=read.is_bot,
        accepts_messages=profile.accepts_messages,
        hashtags=read.hashtags,
        keywords=read.keywords,
        domains=read.domains,
        signals=signals_of(_facts(profile, read)),
        view=view,
        view_hash=view_hash(view),
        search_text=search_text(profile, read.texts),
    )


def posts_per_week(dates: Sequence[datetime]) -> float | None:
    """Return the pace of the posts that were read; unknown under two.

    A burst within one day counts as a day, so that nobody posts ten thousand times a week.
    """
    if len(dates) < 2:
        return None
    span = max(max(dates) - min(dates), _DAY)
    return round((len(dates) - 1) / (span / _WEEK), 3)


def engagement_of(posts: Sequence[RawPost], followers: int | None) -> float | None:
    """Return likes, reposts and replies per post, over followers + 1; unknown without counts."""
    if followers is None:
        return None
    counts = [(post.likes, post.reposts, post.replies) for post in posts]
    known = [sum(filter(None, each)) for each in counts if each != (None, None, None)]
    return round(sum(known) / len(known) / (followers + 1), 6) if known else None


def view_hash(view: dict[str, Any]) -> str:
    """Return the hash of what a judge sees; expiring parts of URLs do not count."""
    lasting = {name: [lasting_url(url) for url in view[name]] for name in ("links", "images")}
    return digest({**view, **lasting})


def two_digits(count: int | None) -> int | None:
    """Return the count rounded to two significant digits."""
    if count is None or count < 100:
        return count
    return round(count, 2 - len(str(count)))


def search_text(profile: RawProfile, texts: Sequence[str]) -> str:
    """Return what full-text search reads: names, bio and posts, bounded."""
    words = (profile.username, profile.display_name or "", *texts)
    return "\n".join(filter(None, words))[:MAX_SEARCH_TEXT]


def _read(profile: RawProfile, now: datetime) -> _Reading:
    latest = now + _DAY
    posts = tuple(p for p in profile.posts if p.created_at is None or p.created_at <= latest)
    texts = (profile.bio or "", *(post.text for post in posts))
    links = (*profile.links, *urls_in("\n".join(texts)))
    bare = tuple(map(without_urls, texts)) if len(links) > len(profile.links) else texts
    dates = [post.created_at for post in posts if post.created_at]
    created_at = profile.created_at
    return _Reading(
        posts=posts,
        texts=texts,
        created_at=None if created_at is None or created_at > latest else created_at,
        last_post_at=max(dates, default=None),
        posts_per_week=posts_per_week(dates),
        engagement=engagement_of(posts, profile.followers),
        language=language_of("\n".join(bare)),
        place=place_of(texts[0], profile.display_name or ""),
        hashtags=hashtags_of(bare),
        keywords=keywords_of(bare[0], bare[1:]),
        domains=domains_of(links, MAX_DOMAINS),
        is_bot=profile.is_bot
        or declares_bot(texts[0], profile.username, profile.display_name or ""),
    )


def _facts(profile: RawProfile, read: _Reading) -> Facts:
    return Facts(
        has_name=bool(profile.display_name),
        bio_length=len(profile.bio or ""),
        has_avatar=bool(profile.image_urls),
        has_posts=bool(read.posts),
        posts_count=profile.posts_count,
        followers=profile.followers,
        follows=profile.follows,
        posts_per_week=read.posts_per_week,
        engagement=read.engagement,
        created_at=read.created_at,
        last_post_at=read.last_post_at,
        accepts_messages=profile.accepts_messages,
        domains=len(read.domains),
    )


def _view(profile: RawProfile, read: _Reading) -> dict[str, Any]:
    """Return all that a judge may see, with the keys that `Features.view` promises."""
    bio = profile.bio[:VIEW_BIO] if profile.bio else None
    links = dict.fromkeys((*profile.links, *urls_in(bio or "")))
    return {
        "platform": profile.platform,
        "username": profile.username,
        "name": profile.display_name,
        "bio": bio,
        "language": read.language,
        "country": read.place.country,
        "is_bot": read.is_bot,
        "followers": two_digits(profile.followers),
        "follows": two_digits(profile.follows),
        "posts_count": two_digits(profile.posts_count),
        "hashtags": list(read.hashtags[:VIEW_TAGS]),
        "posts": [post.text[:VIEW_POST] for post in read.posts[:VIEW_POSTS]],
        "links": list(links)[:VIEW_LINKS],
        "images": list(profile.image_urls),
    }
