"""The normalised signals of a person: eight numbers from 0 to 1, 0.5 where nothing is known.

None of them depends on the present moment: an unchanged profile keeps its signals for ever. How
long ago something was is applied where people are ranked, not where they are stored.

- completeness: the share of these five that the profile has: name, bio of 40 characters or more,
  avatar, link, post.
- audience: log10(1 + followers) / 6; a million followers are 1.
- selectivity: (followers + 1) / (followers + follows + 2); who follows everybody is near 0.
- activity: 1 - exp(-posts_per_week / 3); who has never posted is 0.
- engagement: e / (e + 0.02), with e as in the feature `engagement`; two percent are 0.5.
- tenure: y / (y + 3), with y the years from the account's creation to its latest post.
- reachability: 1 where strangers may write, 0 where not.
- links: 1 - 0.5^n with n different domains that they link to.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import exp, log10

import msgspec

UNKNOWN = 0.5
_YEAR = timedelta(days=365.25)
_LONG_BIO = 40


class Facts(msgspec.Struct, frozen=True):
    """What the signals are made of; None is unknown."""

    has_name: bool
    bio_length: int
    has_avatar: bool
    has_posts: bool
    posts_count: int | None
    followers: int | None
    follows: int | None
    posts_per_week: float | None
    engagement: float | None
    created_at: datetime | None
    last_post_at: datetime | None
    accepts_messages: bool | None
    domains: int


def signals_of(facts: Facts) -> tuple[float, ...]:
    """Return the signals in the order of `SIGNALS`, rounded to six digits."""
    reachable = UNKNOWN if facts.accepts_messages is None else float(facts.accepts_messages)
    return (
        round(_completeness(facts), 6),
        round(_audience(facts.followers), 6),
        round(_selectivity(facts.followers, facts.follows), 6),
        round(_activity(facts), 6),
        round(_engagement(facts.engagement), 6),
        round(_tenure(facts.created_at, facts.last_post_at), 6),
        reachable,
        round(1 - 0.5**facts.domains, 6),
    )


def _completeness(facts: Facts) -> float:
    present = (
        facts.has_name,
        facts.bio_length >= _LONG_BIO,
        facts.has_avatar,
        facts.domains > 0,
        facts.has_posts,
    )
    return sum(present) / len(present)


def _audience(followers: int | None) -> float:
    return UNKNOWN if followers is None else min(1.0, log10(1 + followers) / 6)


def _selectivity(followers: int | None, follows: int | None) -> float:
    if followers is None or follows is None:
        return UNKNOWN
    return (followers + 1) / (followers + follows + 2)


def _activity(facts: Facts) -> float:
    if facts.posts_per_week is None:
        return 0.0 if facts.posts_count == 0 else UNKNOWN
    return 1 - exp(-facts.posts_per_week / 3)


def _engagement(engagement: float | None) -> float:
    return UNKNOWN if engagement is None else engagement / (engagement + 0.02)


def _tenure(created_at: datetime | None, last_post_at: datetime | None) -> float:
    if created_at is None or last_post_at is None:
        return UNKNOWN
    years = max(0.0, (last_post_at - created_at) / _YEAR)
    return years / (years + 3)
