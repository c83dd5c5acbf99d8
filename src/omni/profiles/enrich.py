"""From a raw profile to features: pure, and the same for the same profile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from omni.base.hashing import digest
from omni.connectors.types import RawPost, RawProfile
from omni.profiles.bots import declares_bot
from omni.profiles.language import languages_of
from omni.profiles.lasting import lasting_url
from omni.profiles.places import Place, place_of
from omni.profiles.signals import Facts, signals_of
from omni.profiles.types import Features
from omni.profiles.urls import domains_of, part_urls, urls_in
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


class _Texts(NamedTuple):
    """What a profile says, before anything is made of it; `bare` texts have no URLs."""

    posts: tuple[RawPost, ...]
    bio: str
    told: str
    own_urls: list[str]
    links: tuple[str, ...]
    bare_bio: str
    bare_told: str


class _Found(NamedTuple):
    """What was read in a profile's texts."""

    language: str | None
    place: Place
    hashtags: tuple[str, ...]
    keywords: tuple[str, ...]


def enrich(profile: RawProfile, *, now: datetime) -> Features:
    """Return what the other rooms may know of a person.

    Args:
        profile: As `payload.tidy` returns it.
        now: Moments that a profile claims to lie more than a day ahead are taken for unknown. This
            is the only use of the present: every other feature follows from the profile alone.
    """
    return enrich_all((profile,), now=now)[0]


def enrich_all(profiles: Sequence[RawProfile], *, now: datetime) -> list[Features]:
    """Return what `enrich` returns of each.

    One thing is read of all before the next one is: what each needs (the model's tables above all)
    then stays in the processor's cache. Person by person it takes half as much time again.
    """
    latest = now + _DAY
    texts = [_texts(profile, latest) for profile in profiles]
    languages = languages_of([(each.bare_bio, each.bare_told) for each in texts])
    places = [
        place_of(each.bio, profile.display_name or "")
        for profile, each in zip(profiles, texts, strict=True)
    ]
    hashtags = [hashtags_of((each.bare_bio, each.bare_told)) for each in texts]
    keywords = [keywords_of(each.bare_bio, (each.bare_told,)) for each in texts]
    found = map(_Found, languages, places, hashtags, keywords)
    return [_features(*each, latest) for each in zip(profiles, texts, found, strict=True)]


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
    known: list[int] = []
    for post in posts:
        likes, reposts, replies = post.likes, post.reposts, post.replies
        if likes is not None or reposts is not None or replies is not None:
            known.append((likes or 0) + (reposts or 0) + (replies or 0))
    return round(sum(known) / len(known) / (followers + 1), 6) if known else None


def view_hash(view: dict[str, Any]) -> str:
    """Return the hash of what a judge reads.

    Expiring parts of links do not count, nor do addresses of pictures: they are not shown.
    """
    read = {**view, "links": [lasting_url(url) for url in view["links"]]}
    del read["images"]
    return digest(read)


def two_digits(count: int | None) -> int | None:
    """Return the count rounded to two significant digits."""
    if count is None or count < 100:
        return count
    return round(count, 2 - len(str(count)))


def _texts(profile: RawProfile, latest: datetime) -> _Texts:
    posts = tuple([p for p in profile.posts if p.created_at is None or p.created_at <= latest])
    bio, told = profile.bio or "", "\n".join([post.text for post in posts])
    own_urls, bare_bio = part_urls(bio)
    told_urls, bare_told = part_urls(told)
    links = (*profile.links, *own_urls, *told_urls)
    return _Texts(posts, bio, told, own_urls, links, bare_bio, bare_told)


def _features(profile: RawProfile, texts: _Texts, found: _Found, latest: datetime) -> Features:
    name, posts, followers = profile.display_name or "", texts.posts, profile.followers
    dates = [post.created_at for post in posts if post.created_at]
    created_at, last_post_at = profile.created_at, max(dates, default=None)
    if created_at is not None and created_at > latest:
        created_at = None
    pace, engagement = posts_per_week(dates), engagement_of(posts, followers)
    domains = domains_of(texts.links, MAX_DOMAINS)
    facts = Facts(
        has_name=bool(name),
        bio_length=len(texts.bio),
        has_avatar=bool(profile.image_urls),
        has_posts=bool(posts),
        posts_count=profile.posts_count,
        followers=followers,
        follows=profile.follows,
        posts_per_week=pace,
        engagement=engagement,
        created_at=created_at,
        last_post_at=last_post_at,
        accepts_messages=profile.accepts_messages,
        domains=len(domains),
    )
    is_bot = profile.is_bot or declares_bot(texts.bio, profile.username, name)
    view = _view(profile, texts, found, is_bot)
    words = (profile.username, name, texts.bio, texts.told)
    return Features(
        platform=profile.platform,
        username=profile.username,
        display_name=profile.display_name,
        bio=profile.bio,
        language=found.language,
        country=found.place.country,
        place=found.place.place,
        followers=followers,
        follows=profile.follows,
        posts=profile.posts_count,
        posts_per_week=pace,
        engagement=engagement,
        account_created_at=created_at,
        last_post_at=last_post_at,
        has_avatar=facts.has_avatar,
        is_bot=is_bot,
        accepts_messages=profile.accepts_messages,
        hashtags=found.hashtags,
        keywords=found.keywords,
        domains=domains,
        signals=signals_of(facts),
        view=view,
        view_hash=view_hash(view),
        search_text="\n".join(filter(None, words))[:MAX_SEARCH_TEXT],
    )


def _view(profile: RawProfile, texts: _Texts, found: _Found, is_bot: bool) -> dict[str, Any]:
    """Return all that a judge may see, with the keys that `Features.view` promises."""
    bio = texts.bio[:VIEW_BIO]
    urls = texts.own_urls if len(bio) == len(texts.bio) else urls_in(bio)
    return {
        "platform": profile.platform,
        "username": profile.username,
        "name": profile.display_name,
        "bio": bio or None,
        "language": found.language,
        "country": found.place.country,
        "is_bot": is_bot,
        "followers": two_digits(profile.followers),
        "follows": two_digits(profile.follows),
        "posts_count": two_digits(profile.posts_count),
        "hashtags": list(found.hashtags[:VIEW_TAGS]),
        "posts": [post.text[:VIEW_POST] for post in texts.posts[:VIEW_POSTS]],
        "links": list(dict.fromkeys((*profile.links, *urls)))[:VIEW_LINKS],
        "images": list(profile.image_urls),
    }
