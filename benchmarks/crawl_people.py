"""People for the write benchmark: payloads of about 1.7 KB, with words, posts and counts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from omni.connectors.types import RawPost, RawProfile

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

_WORDS = (
    "kiln", "clay", "market", "morning", "river", "question", "paper", "window", "garden",
    "train", "history", "engine", "letter", "coffee", "theatre", "winter", "harbour", "village",
    "signal", "yellow", "carbon", "music", "answer", "mountain", "bicycle", "teacher", "welcome",
    "bridge", "between", "without", "another", "because", "through", "already", "picture",
    "science", "library", "weather", "kitchen", "journey", "silence", "pattern", "measure",
    "balance", "meadow", "lantern", "workshop",
)  # fmt: skip
_TAGS = ("ceramics", "solar", "trains", "baking", "openaccess", "gardening", "jazz", "climbing")
_PLACES = ("Berlin, Germany", "Lisbon", "Toronto", "Lyon, France", "Osaka", "Porto", "")
_POSTS = 6


def person(number: int, version: int = 0) -> RawProfile:
    """Return person `number` as they are in that version: other versions differ in bio and post."""
    rng = random.Random(number)
    fresh = random.Random(number * 1_000 + version)
    place, tag = rng.choice(_PLACES), rng.choice(_TAGS)
    posts = tuple(_post(rng, tag, number, n) for n in range(1, _POSTS))
    return RawProfile(
        platform="synthetic",
        platform_id=f"did:plc:{number:024d}",
        username=f"{rng.choice(_WORDS)}.{number}.example",
        display_name=f"{rng.choice(_WORDS).title()} {rng.choice(_WORDS).title()}",
        bio=f"{_words(fresh, 14)}. I write about {tag} in {place}. #{tag}",
        followers=rng.randrange(20_000),
        follows=rng.randrange(2_000),
        posts_count=rng.randrange(10_000),
        created_at=NOW - timedelta(days=rng.randrange(100, 3_000)),
        accepts_messages=rng.choice((True, False, None)),
        image_urls=(f"https://img.example/avatar/{number}.jpg?Expires={version}&sig=x{version}",),
        links=(f"https://www.{rng.choice(_WORDS)}.example/{number}",),
        posts=(_post(fresh, tag, number, 0), *posts),
        extra={"labels": [], "pronouns": "they"},
    )


def _post(rng: random.Random, tag: str, number: int, nth: int) -> RawPost:
    link = f" https://blog.example/{number}/{nth}" if nth % 3 == 0 else ""
    return RawPost(
        f"{_words(rng, 12)} #{tag}{link}",
        NOW - timedelta(days=nth, minutes=rng.randrange(1_000)),
        likes=rng.randrange(100),
        reposts=rng.randrange(20),
        replies=rng.randrange(10),
    )


def _words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(_WORDS, k=count)).capitalize()
