"""The AppView's JSON in the common shape; an end-to-end test holds the payloads to the lexicons."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.connectors.bluesky.mapping import carries_tag, map_feed, map_profile
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


def labelled(val: str, src: str, **fields: Any) -> dict[str, Any]:
    label = {"src": src, "uri": ANA, "val": val, "cts": "2026-01-01T00:00:00Z", **fields}
    return {"did": ANA, "handle": "a.test", "labels": [label]}


MODERATOR = "did:plc:ar7c4by46qjdydhdevvrndac"


@pytest.mark.parametrize("val", ["!no-unauthenticated", "!hide", "!takedown"])
@pytest.mark.parametrize("src", [ANA, MODERATOR])
def test_who_is_hidden_is_not_discoverable_whoever_says_so(val: str, src: str) -> None:
    mapped = map_profile(labelled(val, src), ())
    assert mapped
    assert not mapped.discoverable
    withdrawn = map_profile(labelled(val, src, neg=True), ())
    assert withdrawn
    assert withdrawn.discoverable
    other = map_profile(labelled("porn", src), ())
    assert other
    assert other.discoverable


def test_who_blocks_our_account_is_left_alone() -> None:
    for blocked in (True, False):
        view = {"did": ANA, "handle": "a.test", "viewer": {"blockedBy": blocked, "muted": True}}
        mapped = map_profile(view, ())
        assert mapped
        assert mapped.discoverable is not blocked
        # What only the account sees is kept nowhere.
        assert not mapped.extra


def test_only_web_addresses_are_kept_and_each_once() -> None:
    view = {
        "did": ANA,
        "handle": "a.test",
        "avatar": "https://cdn.example/a",
        "banner": "https://cdn.example/a",
        "website": "javascript:alert(1)",
    }
    mapped = map_profile(view, ())
    assert mapped
    assert (mapped.image_urls, mapped.links) == (("https://cdn.example/a",), ())


def tag_facet(tag: object) -> dict[str, Any]:
    feature = {"$type": "app.bsky.richtext.facet#tag", "tag": tag}
    return {"index": {"byteStart": 0, "byteEnd": 1}, "features": [feature]}


@pytest.mark.parametrize(
    ("record", "carries"),
    [
        ({"text": "x", "facets": [tag_facet("Solar")]}, True),
        ({"text": "x", "tags": ["SOLAR"]}, True),
        ({"text": "I love #Solar!"}, True),
        ({"text": "#solarpunk"}, False),
        ({"text": "solar"}, False),
        ({"text": "#sun", "facets": [tag_facet(7)], "tags": [None]}, False),
        ({}, False),
    ],
)
def test_a_post_carries_a_tag_by_facet_field_or_text(record: Any, carries: bool) -> None:
    assert carries_tag({"record": record}, "solar") is carries
