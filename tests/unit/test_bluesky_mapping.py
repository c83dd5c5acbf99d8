"""The AppView's JSON in the common shape; an end-to-end test holds the payloads to the lexicons."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.base.errors import Rejected
from omni.connectors.bluesky.mapping import map_feed, map_profile
from omni.connectors.bluesky.names import read_actor, read_search
from omni.connectors.types import RawPost, RawProfile

PAYLOADS = Path(__file__).parent.parent / "data" / "bluesky"
ANA = "did:plc:mkjthy37yvkelsp3c2htrmjk"


def payload(method: str) -> Any:
    return json.loads((PAYLOADS / f"{method}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def profiles() -> list[RawProfile]:
    views = payload("app.bsky.actor.getProfiles")["profiles"]
    mapped = [map_profile(view, ()) for view in views]
    return [profile for profile in mapped if profile]


def test_a_full_profile_keeps_what_it_says() -> None:
    view = payload("app.bsky.actor.getProfiles")["profiles"][0]
    post = RawPost("hello", None)
    assert map_profile(view, [post]) == RawProfile(
        platform="bluesky",
        platform_id=ANA,
        username="climate-ana.example.com",
        display_name="Ana Abel",
        bio="Solar researcher.\nhttps://ana.example #solar",
        followers=71,
        follows=47,
        posts_count=6,
        created_at=datetime(2023, 5, 5, 1, 55, 52, 130_000, tzinfo=UTC),
        is_bot=False,
        accepts_messages=True,
        discoverable=True,
        image_urls=(
            "https://cdn.example/img/avatar/plain/a@jpeg",
            "https://cdn.example/img/banner/plain/a@jpeg",
        ),
        links=("https://ana.example/",),
        posts=(post,),
        extra={"pronouns": "she/her", "allow_incoming": "all", "verified": True},
    )


def test_what_is_not_said_is_unknown(profiles: list[RawProfile]) -> None:
    bare = profiles[3]
    assert bare.username == "labs.example.org"
    assert (bare.display_name, bare.bio, bare.created_at) == (None, None, None)
    assert (bare.followers, bare.follows, bare.posts_count) == (None, None, None)
    assert (bare.image_urls, bare.links, bare.posts) == ((), (), ())
    assert bare.accepts_messages is None
    # White space alone says nothing either, and an invalid handle names nobody.
    empty = profiles[1]
    assert (empty.display_name, empty.bio, empty.username) == (None, None, empty.platform_id)
    assert empty.created_at == datetime(2024, 1, 2, 1, 4, 5, 678_901, tzinfo=UTC)


def test_labels_count_by_who_gave_them(profiles: list[RawProfile]) -> None:
    assert [p.is_bot for p in profiles] == [False, True, False, False, False]
    assert [p.discoverable for p in profiles] == [True, True, False, False, True]
    assert profiles[1].extra["labels"] == ["bot", "spam"]


def test_strangers_may_write_only_where_everybody_may(profiles: list[RawProfile]) -> None:
    assert [p.accepts_messages for p in profiles] == [True, False, False, None, None]


def test_a_feed_gives_the_authors_own_posts_once() -> None:
    posts = map_feed(payload("app.bsky.feed.getAuthorFeed")["feed"], ANA)
    assert posts == (
        RawPost(
            "Pinned: tandem solar cells. #solar",
            datetime(2026, 6, 1, 8, 0, tzinfo=UTC),
            likes=12,
            reposts=3,
            replies=2,
        ),
        # It says 2036; the AppView saw it in 2026.
        RawPost("Written in the future", datetime(2026, 6, 3, 8, tzinfo=UTC), 0, 0, 0),
        RawPost("", datetime(2026, 5, 20, 8, tzinfo=UTC)),
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["did", "handle", "labels", "val", "src", "associated", "chat", "createdAt", "post"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(view=JSON, field=st.sampled_from(["labels", "associated", "followersCount", "avatar"]))
def test_nothing_in_an_answer_breaks_the_mapping(view: Any, field: str) -> None:
    map_profile(view, ())
    known: dict[str, Any] = {"did": ANA, "handle": "a.test", field: view}
    mapped = map_profile(known, ())
    assert mapped is not None
    assert all(isinstance(url, str) for url in mapped.image_urls)
    assert mapped.followers is None or mapped.followers >= 0
    map_feed([view, {"post": view}], ANA)


@pytest.mark.parametrize(
    ("text", "actor"),
    [
        ("alice.bsky.social", "alice.bsky.social"),
        (" @Alice.Bsky.Social ", "alice.bsky.social"),
        ("https://bsky.app/profile/alice.test", "alice.test"),
        ("https://bsky.app/profile/did:plc:abc/?ref=x", "did:plc:abc"),
        ("at://did:plc:abc", "did:plc:abc"),
        ("did:web:labs.example.org", "did:web:labs.example.org"),
    ],
)
def test_an_actor_is_read_as_people_write_it(text: str, actor: str) -> None:
    assert read_actor(text) == actor


@pytest.mark.parametrize(
    "text",
    ["", "alice", "alice@example.com", "did:plc:", "https://evil.example/alice.test", "a b.test",
     "alice.test/../x", "x" * 300 + ".test", "alice..test", "-alice.test", "a\x00.test"],
)  # fmt: skip
def test_what_names_no_actor_is_rejected(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_actor(text)
    assert caught.value.field == "seed_value"


def test_a_search_needs_words_and_not_too_many() -> None:
    assert read_search("  solar \n energy ") == "solar energy"
    for text in ("", " \n", "x" * 301):
        with pytest.raises(Rejected):
            read_search(text)
