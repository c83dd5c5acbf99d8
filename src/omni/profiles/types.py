"""What the other rooms know of a profile: its features, their meaning, and the signal vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

Key = tuple[str, str]
"""A person: platform, and immutable id there."""

FieldKind = Literal["number", "date", "boolean", "enumeration", "text", "array"]

Interest = Literal["stranger", "candidate", "lead"]
"""How much campaigns care about a person; `omni.profiles.refresh` says what it weighs."""


@dataclass(frozen=True, slots=True)
class FeatureField:
    """One feature that criteria may ask about.

    Attributes:
        name: The name in criteria, and the column of `profile_features`.
        kind: Decides which operators fit.
        label: What people read.
        doc: Meaning, unit, range, and when it is unknown (NULL).
    """

    name: str
    kind: FieldKind
    label: str
    doc: str


FEATURES: tuple[FeatureField, ...] = (
    FeatureField("platform", "enumeration", "platform", "Where the profile lives. Never unknown."),
    FeatureField("username", "text", "username", "What people type to find them. Never unknown."),
    FeatureField("display_name", "text", "name", "The name that they show. Unknown if not given."),
    FeatureField("bio", "text", "bio", "Their own words about themselves. Unknown if not given."),
    FeatureField(
        "language",
        "enumeration",
        "language",
        "ISO 639-1 code guessed from bio and posts. Unknown under 20 letters of text.",
    ),
    FeatureField(
        "country",
        "enumeration",
        "country",
        "ISO 3166-1 code from a flag or a place named in the bio. Unknown if none is named.",
    ),
    FeatureField(
        "place",
        "text",
        "city or region",
        "English name of a city or region named in the bio. Unknown if none is, or several are.",
    ),
    FeatureField("followers", "number", "followers", "People who follow them; a count, 0 or more."),
    FeatureField("follows", "number", "follows", "People whom they follow; a count, 0 or more."),
    FeatureField("posts", "number", "posts", "All posts that the platform counts; 0 or more."),
    FeatureField(
        "posts_per_week",
        "number",
        "posts per week",
        "Posts a week over the recent posts that were read. Unknown under two posts.",
    ),
    FeatureField(
        "engagement",
        "number",
        "engagement",
        "Likes, reposts and replies per recent post, over followers + 1. Unknown without posts.",
    ),
    FeatureField(
        "account_created_at", "date", "account created", "UTC. Unknown if the platform hides it."
    ),
    FeatureField("last_post_at", "date", "last post", "UTC. Unknown if no post was read."),
    FeatureField("has_avatar", "boolean", "has an avatar", "Never unknown."),
    FeatureField("is_bot", "boolean", "is a bot", "Self-declared by flag or label. Never unknown."),
    FeatureField(
        "accepts_messages",
        "boolean",
        "accepts messages",
        "Whether a stranger may write to them. Unknown if the platform does not say.",
    ),
    FeatureField("hashtags", "array", "hashtags", "From bio and posts, lower case, without #."),
    FeatureField(
        "keywords", "array", "keywords", "The commonest telling words of bio and posts, lower case."
    ),
    FeatureField("domains", "array", "linked domains", "Host names that bio and posts link to."),
)
"""The registry. Identifiers in compiled SQL come from here and from nowhere else."""

ENRICH_VERSION = 4
"""Raise it with any change that gives a profile other features or signals: stored profiles are
enriched again from their payload then (`profiles.reenrich`)."""

SIGNALS: tuple[str, ...] = (
    "completeness",
    "audience",
    "selectivity",
    "activity",
    "engagement",
    "tenure",
    "reachability",
    "links",
)
"""Names of the normalised signals (each 0 to 1, 0.5 where unknown), in the order of the vector."""

MARKS: tuple[str, ...] = (*(feature.name for feature in FEATURES), "text", "signals", "view_hash")
"""What of a profile may change and concern a campaign: features, all searchable text, the signals,
and what a judge is shown.

A set of them is one whole number; the place of a mark is its bit.
"""

DEFAULT_WEIGHTS: tuple[float, ...] = (1.0, 1.0, 0.5, 1.0, 1.0, 0.5, 1.0, 0.5)
"""What a campaign starts with, one weight for each of `SIGNALS`."""


class Features(msgspec.Struct, frozen=True):
    """One row of `profile_features`; the fields are those of `FEATURES`, and None is unknown.

    It is made often enough that a frozen dataclass, which takes ten times as long, is felt.

    Attributes:
        signals: One value for each of `SIGNALS`.
        view: All that a judge may see, as plain JSON with exactly these keys: `platform`,
            `username`, `name`, `bio`, `language`, `country`, `is_bot`, `followers`, `follows`,
            `posts_count` (counts rounded to two significant digits, so that a flicker asks for no
            new verdict), `hashtags` (at most 20), `posts` (at most 5 texts, newest first), `links`
            (at most 10 URLs) and `images` (at most 3 URLs). Unknown is null.
        view_hash: Of what a judge reads: the view without the addresses of its pictures, and
            without the expiring parts of its links.
        search_text: What full-text search reads.
    """

    platform: str
    username: str
    display_name: str | None
    bio: str | None
    language: str | None
    country: str | None
    place: str | None
    followers: int | None
    follows: int | None
    posts: int | None
    posts_per_week: float | None
    engagement: float | None
    account_created_at: datetime | None
    last_post_at: datetime | None
    has_avatar: bool
    is_bot: bool
    accepts_messages: bool | None
    hashtags: tuple[str, ...]
    keywords: tuple[str, ...]
    domains: tuple[str, ...]
    signals: tuple[float, ...]
    view: dict[str, Any]
    view_hash: str
    search_text: str


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What a batch of raw profiles did to the tables.

    Attributes:
        new: profile_ids that were not known before.
        changed: profile_ids whose content changed (`new` not included).
        unchanged: How many only got a new `last_seen`.
        marks: What changed of each of `changed` who had features before, as a set of `MARKS`: 0 is
            nothing that a campaign could ask for.
        left_out: How many were not taken in because they are suppressed.
    """

    new: tuple[int, ...]
    changed: tuple[int, ...]
    unchanged: int
    marks: Mapping[int, int] = field(default_factory=dict[int, int])
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class FetchedImages:
    """What fetching pictures came to.

    Attributes:
        kept: How many pictures are held now that were not before.
        refused: How many were no pictures, too large, or not to be had from their host.
        missing: profile_ids of those with a picture that may come another time.
        same: How many pictures their hosts said are as they were.
    """

    kept: int
    refused: int
    missing: tuple[int, ...]
    same: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """By what a host tells whether a picture is as it was: as it came, None where it says none."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class KeptObject:
    """Where a picture lies in object storage: `copy` is the second half of its name there."""

    sha256: str
    copy: str
    content_type: str
    bytes: int


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture that is held.

    Attributes:
        position: 0 for the avatar, up to 2.
        sha256: Its name in object storage.
        bytes: Its size.
    """

    profile_id: int
    position: int
    url: str
    sha256: str
    content_type: str
    bytes: int
