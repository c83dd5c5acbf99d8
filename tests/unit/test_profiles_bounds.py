"""Enrichment takes whatever people write: it never fails, stays in its ranges, and ends soon."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from time import process_time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.connectors.types import RawPost, RawProfile
from omni.profiles.bots import declares_bot
from omni.profiles.enrich import enrich
from omni.profiles.language import language_of
from omni.profiles.lasting import lasting_url
from omni.profiles.payload import content_hash, encode_payload, mend, profile_of, tidy
from omni.profiles.places import place_of
from omni.profiles.types import SIGNALS, Features
from omni.profiles.words import MAX_HASHTAGS, MAX_KEYWORDS, keywords_of
from tests.profiles_fixtures import NOW, raw_profile

PIECES = st.sampled_from([
    "Berlin", "London, ", "🇩🇪", "🤖", "#tag ", "@who ", "https://a.example/x?sig=1 ",
    "www.b.example", "I am a bot", "\x00", "\u202e", "\ud800", "\n", "  ", "e\u0301", "हिन्दी",
    "日本語の文章です", "'", "-",
])  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=12), max_size=8).map("".join)
COUNTS = st.none() | st.integers(-1, 2**64)
MOMENTS = st.none() | st.datetimes() | st.datetimes(timezones=st.just(UTC))
URLS = st.lists(
    st.sampled_from(["https://a.example/1?Expires=9", "http://b.example", "https://C.example/#x"])
    | TEXTS,
    max_size=4,
).map(tuple)
PEOPLE = st.builds(
    RawProfile,
    platform=st.just("p"),
    platform_id=st.just("p:1"),
    username=TEXTS,
    display_name=st.none() | TEXTS,
    bio=st.none() | TEXTS,
    followers=COUNTS,
    follows=COUNTS,
    posts_count=COUNTS,
    created_at=MOMENTS,
    is_bot=st.booleans(),
    accepts_messages=st.none() | st.booleans(),
    image_urls=URLS,
    links=URLS,
    posts=st.lists(st.builds(RawPost, TEXTS, MOMENTS, COUNTS, COUNTS, COUNTS), max_size=4).map(
        tuple
    ),
    extra=st.dictionaries(TEXTS, TEXTS | COUNTS | st.floats() | st.lists(TEXTS), max_size=3),
)


@given(PEOPLE)
@settings(deadline=None)
def test_whatever_somebody_writes_becomes_features_within_their_ranges(person: RawProfile) -> None:
    tidied = tidy(person)
    assert tidied == mend(person)
    assert tidied is not None
    features = enrich(tidied, now=NOW)
    check(features)
    again = profile_of(msgspec.json.decode(encode_payload(tidied)))
    assert (again, content_hash(again)) == (tidied, content_hash(tidied))
    assert enrich(again, now=NOW) == features


def check(features: Features) -> None:
    assert len(features.signals) == len(SIGNALS)
    assert all(0 <= value <= 1 for value in features.signals)
    assert features.language is None or len(features.language) == 2
    assert features.country is None or features.country.isupper()
    assert features.place is None or features.country is not None
    for count in (features.followers, features.follows, features.posts):
        assert count is None or 0 <= count <= 2**53
    for rate in (features.posts_per_week, features.engagement):
        assert rate is None or rate >= 0
    assert len(features.hashtags) <= MAX_HASHTAGS
    assert len(features.keywords) <= MAX_KEYWORDS
    everything = msgspec.json.encode(features).decode()
    assert "\\u0000" not in everything
    assert "\x1f" not in "".join((*features.hashtags, *features.keywords, *features.domains))


HUGE = [
    "#" * 10**6, "@" * 10**6, "a" * 10**6, "https://" * 10**5, "www." * 10**5, "🇩🇪" * 10**5,
    "I am a " * 10**5, "Berlin, " * 10**5, "\x00" * 10**6, "e\u0301" * 10**5, "- ' " * 10**5,
    "not not " * 10**5, "https://a.example/?" + "sig=1&" * 10**5, "new york " * 10**5,
]  # fmt: skip


@pytest.mark.parametrize("text", HUGE, ids=lambda text: text[:8])
def test_huge_text_is_cut_before_it_is_read(text: str) -> None:
    person = raw_profile(
        1,
        username=text,
        display_name=text,
        bio=text,
        image_urls=(text,) * 100,
        links=(text,) * 100,
        posts=tuple(RawPost(text, datetime(2025, 1, 1, tzinfo=UTC)) for _ in range(50)),
        extra={text: [text] * 50},
    )
    began = process_time()
    tidied = tidy(person)
    assert tidied is not None
    check(enrich(tidied, now=NOW))
    assert len(encode_payload(tidied)) < 400_000
    assert process_time() - began < 30, "far from linear"


def test_the_language_model_comes_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("nothing is fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert language_of("A few plain words of English for the model to read") == "en"


def test_helpers_take_anything() -> None:
    for text in ("", "\ud800", "\x00", "🏴", "﷽" * 99):
        assert language_of(text) in (None, "ar", "fa")
        place_of(text, text)
        declares_bot(text, text)
        keywords_of(text, [text])
        assert isinstance(lasting_url(text), str)
