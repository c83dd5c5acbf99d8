"""What people write for actors, records, words and tags, and what the AT Protocol calls them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.base.errors import Rejected
from omni.connectors.bluesky.names import (
    Record,
    RecordKind,
    read_actor,
    read_hashtag,
    read_record,
    read_search,
)

KINDS: tuple[RecordKind, ...] = ("list", "starter pack", "feed", "post")


@pytest.mark.parametrize(
    ("text", "actor"),
    [
        ("alice.bsky.social", "alice.bsky.social"),
        (" @Alice.Bsky.Social ", "alice.bsky.social"),
        ("https://bsky.app/profile/alice.test", "alice.test"),
        ("https://www.bsky.app/profile/alice.test/", "alice.test"),
        ("https://bsky.app/profile/did:plc:abc/?ref=x", "did:plc:abc"),
        ("at://did:plc:abc", "did:plc:abc"),
        ("at://alice.test/", "alice.test"),
        ("at://did:plc:abc/app.bsky.actor.profile/self", "did:plc:abc"),
        ("did:web:labs.example.org", "did:web:labs.example.org"),
    ],
)
def test_an_actor_is_read_as_people_write_it(text: str, actor: str) -> None:
    assert read_actor(text) == actor


@pytest.mark.parametrize(
    "text",
    ["", "alice", "alice@example.com", "did:plc:", "https://evil.example/alice.test", "a b.test",
     "alice.test/../x", "x" * 300 + ".test", "alice..test", "-alice.test", "a\x00.test",
     "https://bsky.app/", "https://bsky.app/profile", "https://bsky.app/alice.test",
     "https://bsky.app.evil.example/profile/alice.test", "http://bsky.app/profile/alice.test"],
)  # fmt: skip
def test_what_names_no_actor_is_rejected(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_actor(text)
    assert caught.value.field == "seed_value"


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("https://bsky.app/profile/alice.test/lists/3kabc", Record("list", "alice.test", "3kabc")),
        ("https://bsky.app/profile/did:plc:a/feed/science", Record("feed", "did:plc:a", "science")),
        ("https://bsky.app/profile/alice.test/post/3k?x=1", Record("post", "alice.test", "3k")),
        ("https://bsky.app/starter-pack/a.test/3k", Record("starter pack", "a.test", "3k")),
        ("https://bsky.app/start/did:plc:a/3k", Record("starter pack", "did:plc:a", "3k")),
        ("at://did:plc:a/app.bsky.graph.list/3k", Record("list", "did:plc:a", "3k")),
        ("at://a.test/app.bsky.graph.starterpack/3k/", Record("starter pack", "a.test", "3k")),
        (" at://did:plc:a/app.bsky.feed.generator/s.x ", Record("feed", "did:plc:a", "s.x")),
        ("at://did:plc:a/app.bsky.feed.post/3k", Record("post", "did:plc:a", "3k")),
    ],
)
def test_a_record_is_read_from_its_page_and_its_uri(text: str, record: Record) -> None:
    assert read_record(text, [record.kind]) == record
    assert read_record(record.uri("did:plc:b"), KINDS) == Record(
        record.kind, "did:plc:b", record.key
    )


@pytest.mark.parametrize(
    "text",
    ["", "3kabc", "alice.test", "https://bsky.app/profile/alice.test", "at://did:plc:a/x.y.z/3k",
     "at://did:plc:a/app.bsky.graph.list/..", "at://did:plc:a/app.bsky.graph.list/a b",
     "at://nobody/app.bsky.graph.list/3k", "https://go.bsky.app/AbCd",
     "at://did:plc:a/app.bsky.graph.list/3k/more",
     "https://bsky.app/profile/a.test/lists/" + "x" * 600],
)  # fmt: skip
def test_what_is_no_record_is_rejected(text: str) -> None:
    with pytest.raises(Rejected, match="not the address") as caught:
        read_record(text, KINDS)
    assert caught.value.field == "seed_value"


def test_a_record_of_another_kind_is_sent_where_it_belongs() -> None:
    post = "https://bsky.app/profile/alice.test/post/3k"
    with pytest.raises(Rejected, match="this is a post, not a list: use it with likes or reposts"):
        read_record(post, ["list"])
    with pytest.raises(Rejected, match="this is a post, not a person"):
        read_actor(post)


def test_a_search_needs_words_and_not_too_many() -> None:
    assert read_search("  solar \n energy ") == "solar energy"
    for text in ("", " \n", "x" * 301):
        with pytest.raises(Rejected):
            read_search(text)


def test_a_hashtag_is_one_word_in_any_spelling() -> None:
    for text in ("solar", "#Solar", " #SOLAR ", "＃solar", "https://bsky.app/hashtag/solar?x=1"):
        assert read_hashtag(text) == "solar"
    assert read_hashtag("https://bsky.app/hashtag/%E5%A4%AA%E9%99%BD") == "太陽"
    for text in ("", "#", "two words", "#a#b", "x" * 65, "https://bsky.app/profile/a.test"):
        with pytest.raises(Rejected) as caught:
            read_hashtag(text)
        assert caught.value.field == "seed_value"


READERS: tuple[Callable[[str], object], ...] = (
    read_actor,
    read_hashtag,
    read_search,
    lambda text: read_record(text, KINDS),
)


@given(text=st.text(max_size=60) | st.from_regex(r"at://\S{0,20}/app\.bsky\.\S{0,20}/\S{0,9}"))
def test_any_text_is_read_or_rejected(text: str) -> None:
    for read in READERS:
        with suppress(Rejected):
            assert read(text)
