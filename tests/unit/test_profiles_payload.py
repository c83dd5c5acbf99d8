"""Raw profiles made fit to be stored, and what counts as a change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.connectors.types import RawPost, RawProfile
from omni.profiles.payload import (
    content_hash,
    encode_payload,
    mend,
    payload_of,
    profile_of,
    steady,
    tidy,
)
from omni.profiles.plan import Known, arrange, sort_out
from omni.profiles.text import clean, clean_line
from tests.profiles_fixtures import NOW, raw_profile


def hash_of(profile: RawProfile) -> str:
    tidied = tidy(profile)
    assert tidied is not None
    return content_hash(tidied)


def must_tidy(profile: RawProfile) -> RawProfile:
    tidied = tidy(profile)
    assert tidied is not None
    return tidied


BASE = raw_profile()
POST = BASE.posts[0]


@pytest.mark.parametrize(
    "same",
    [
        {"image_urls": ("https://img.example/1.png?v=3&Expires=99&Signature=zz",)},
        {"image_urls": ("https://img.example/1.png?X-Amz-Date=1&v=3&X-Amz-Signature=a",)},
        {"posts": (replace(POST, likes=15), BASE.posts[1])},
        {"posts": tuple(reversed(BASE.posts))},
        {"followers": 1_299},
        {"bio": f"{BASE.bio}  \x00"},
        {"created_at": datetime(2019, 5, 1, 2, tzinfo=timezone(timedelta(hours=2)))},
    ],
    ids=str,
)
def test_what_flickers_is_no_change(same: dict[str, Any]) -> None:
    assert hash_of(replace(BASE, **same)) == hash_of(BASE)


IMAGE = "https://cdn.example/u/1.jpg"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Amazon S3, Google Cloud Storage, Azure, Alibaba, Tencent
        (f"{IMAGE}?X-Amz-Algorithm=A&X-Amz-Date=20260101T000000Z&X-Amz-Expires=9&X-Amz-Signature=a1",
         f"{IMAGE}?X-Amz-Algorithm=A&X-Amz-Date=20260102T000000Z&X-Amz-Expires=9&X-Amz-Signature=b2"),
        (f"{IMAGE}?GoogleAccessId=x&Expires=1&Signature=a%2B", f"{IMAGE}?X-Goog-Signature=77"),
        (f"{IMAGE}?sv=2024-11-04&se=2026-01-01T00%3A00Z&sr=b&sp=r&sig=a%3D",
         f"{IMAGE}?sv=2024-11-04&se=2026-02-01T00%3A00Z&sr=b&sp=r&sig=b%3D"),
        (f"{IMAGE}?OSSAccessKeyId=k&Expires=5&Signature=s", f"{IMAGE}?x-oss-expires=5"),
        (f"{IMAGE}?q-sign-algorithm=sha1&q-ak=k&q-sign-time=1;2&q-signature=ab", IMAGE),
        # CloudFront, Akamai, Bunny, Cloudflare
        (f"{IMAGE}?Policy=abc&Signature=def&Key-Pair-Id=K1", f"{IMAGE}?Expires=1&Key-Pair-Id=K2"),
        ("https://media.example/exp=1700000000~acl=%2f*~hmac=0a1b/u/1.jpg",
         "https://media.example/exp=1800000000~acl=%2f*~hmac=ffff/u/1.jpg"),
        (f"{IMAGE}?hdnts=exp=1~acl=/*~hmac=aa", f"{IMAGE}?hdnts=exp=2~acl=/*~hmac=bb"),
        ("https://b.example/bcdn_token=abc&expires=1/u/1.jpg",
         "https://b.example/bcdn_token=xyz&expires=2/u/1.jpg"),
        (f"{IMAGE}?verify=1700-abc", f"{IMAGE}?verify=1800-def"),
        # Meta, LinkedIn, TikTok, Discord
        ("https://scontent-ams2-1.xx.fbcdn.net/v/t39/1_n.jpg?stp=a&_nc_cat=1&oh=00_A&oe=65",
         "https://scontent-fra3-2.xx.fbcdn.net/v/t39/1_n.jpg?stp=b&_nc_cat=1&oh=00_B&oe=66"),
        ("https://media.licdn.com/dms/image/1/0/1516?e=17&v=beta&t=aa",
         "https://media.licdn.com/dms/image/1/0/1516?e=18&v=beta&t=bb"),
        ("https://p16-sign-va.tiktokcdn.com/o/1~c5.jpeg?x-expires=1&x-signature=a%3D",
         "https://p77-sign-va.tiktokcdn.com/o/1~c5.jpeg?x-expires=2&x-signature=b%3D"),
        ("https://cdn.discordapp.com/avatars/1/a.png?ex=1&is=2&hm=3&size=64",
         "https://cdn.discordapp.com/avatars/1/a.png?ex=4&is=5&hm=6&size=64"),
    ],
)  # fmt: skip
def test_a_url_that_was_signed_again_is_no_change(one: str, other: str) -> None:
    first, second = (replace(BASE, image_urls=(url,)) for url in (one, other))
    assert hash_of(first) == hash_of(second)
    linked, again = (replace(BASE, extra={"banner": url}) for url in (one, other))
    assert hash_of(linked) == hash_of(again)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{IMAGE}?v=1", f"{IMAGE}?v=2"),
        (f"{IMAGE}?e=1", f"{IMAGE}?e=2"),
        (f"{IMAGE}?x-amz-meta=1&w=1", f"{IMAGE}?x-amz-meta=1&w=2"),
        ("https://scontent.xx.fbcdn.net/v/1_n.jpg?oh=1", "https://scontent.xx.fbcdn.net/v/2_n.jpg?oh=1"),
        ("https://cdn.example/hmac/1.jpg", "https://cdn.example/hmac/2.jpg"),
    ],
)  # fmt: skip
def test_another_picture_is_a_change(one: str, other: str) -> None:
    first, second = (replace(BASE, image_urls=(url,)) for url in (one, other))
    assert hash_of(first) != hash_of(second)


def test_counts_move_in_steps_that_begin_at_round_numbers() -> None:
    assert [steady(n) for n in (None, 0, 7, 19, 21, 23, 49, 54, 99, 199, 1_234, 52_999)] == [
        None, 0, 7, 19, 20, 22, 47, 50, 95, 190, 1_200, 50_000,
    ]  # fmt: skip
    for digit in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 25, 75):
        for zeros in range(2, 9):
            bound = digit * 10**zeros
            assert steady(bound) == bound
            assert (steady(bound - 1) or 0) < bound


@given(st.integers(20, 2**53))
def test_a_step_is_never_wider_than_an_eighth(count: int) -> None:
    begin = steady(count)
    assert begin is not None
    assert count * 7 / 8 <= begin + 1 <= count + 1
    assert steady(begin) == begin or begin < 100


def test_key_order_and_flickering_numbers_of_extras_are_no_change() -> None:
    one = replace(BASE, extra={"a": 1, "b": {"seen": 10_400, "c": [True, None, "x"]}})
    other = replace(BASE, extra={"b": {"c": [True, None, "x"], "seen": 10_900}, "a": 1})
    assert hash_of(one) == hash_of(other)
    assert hash_of(replace(BASE, extra={"b": {"seen": 21_000}})) != hash_of(one)


@pytest.mark.parametrize(
    "other",
    [
        {"username": "someone.else"},
        {"bio": "Potter."},
        {"bio": None},
        {"followers": 1_300},
        {"followers": 999},
        {"followers": None},
        {"posts": BASE.posts[:1]},
        {"posts": (replace(POST, likes=16), BASE.posts[1])},
        {"posts": (replace(POST, text="Else"), BASE.posts[1])},
        {"image_urls": ("https://img.example/1.png?v=4",)},
        {"image_urls": ()},
        {"is_bot": True},
        {"accepts_messages": None},
        {"extra": {"pinned": 1}},
    ],
    ids=str,
)
def test_everything_else_is_a_change(other: dict[str, Any]) -> None:
    assert hash_of(replace(BASE, **other)) != hash_of(BASE)


@pytest.mark.parametrize("bound", [100, 1_000, 2_500, 50_000, 1_000_000])
def test_a_count_that_crosses_a_round_number_is_a_change(bound: int) -> None:
    below = replace(BASE, followers=bound - 1)
    assert hash_of(below) != hash_of(replace(BASE, followers=bound))


def test_the_url_is_stored_as_it_can_be_fetched() -> None:
    url = "https://img.example/1.png?X-Amz-Signature=a"
    assert payload_of(must_tidy(replace(BASE, image_urls=(url,))))["image_urls"] == (url,)


def test_evil_text_is_made_harmless() -> None:
    evil = "a\x00b\u202e\ud800 \x1b[31m Robert'); DROP TABLE x; -- <script>\r\nnext\x1fline\ufeff"
    assert clean(evil, 1_000) == "a b    [31m Robert'); DROP TABLE x; -- <script>\nnext line"
    assert clean_line(evil, 14) == "a b [31m Rober"
    assert clean("e\u0301", 10) == "é"
    assert clean("👩‍🔧", 10) == "👩‍🔧"
    assert clean(" \t\n\x00", 10) is None
    tidied = must_tidy(raw_profile(username=evil, display_name="\x00", bio="x" * 10**6))
    assert tidied.display_name is None
    assert len(tidied.bio or "") == 5_000
    assert "\n" not in tidied.username


@pytest.mark.parametrize("name", ["", " x", "a\x00b", "x" * 513, "a\nb", "\ud800"])
def test_an_id_is_never_mended(name: str) -> None:
    assert tidy(raw_profile(platform_id=name)) is None


def test_values_out_of_the_world_are_unknown() -> None:
    odd = must_tidy(
        raw_profile(
            followers=-1,
            follows=10**30,
            created_at=datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
            image_urls=("javascript:alert(1)", "/x.png", "http://[bad/", "https://ok.example/a b"),
            links=("ftp://a.example", "https://u:p@a.example:8443/x#y"),
            posts=(RawPost(" ", NOW), RawPost("x", datetime(1, 1, 1), -5)),
        )
    )
    assert (odd.followers, odd.follows, odd.created_at) == (None, None, None)
    assert odd.image_urls == ()
    assert odd.links == ("https://a.example:8443/x",)
    assert odd.posts == (RawPost("x", None),)


def test_extras_are_cleaned_and_bounded() -> None:
    extra = {
        "a\x00": "b\x00c",
        "nan": float("nan"),
        "inf": float("inf"),
        "big": 10**40,
        "when": NOW,
        "bytes": b"x",
        "deep": [[[[[[[["x"]]]]]]]],
        3: (True, None, 1.5),
    }
    tidied = must_tidy(raw_profile(extra=extra)).extra
    assert tidied["a"] == "b c"
    assert (tidied["nan"], tidied["inf"], tidied["bytes"]) == (None, None, None)
    assert tidied["big"] == "1" + "0" * 29
    assert tidied["3"] == [True, None, 1.5]
    assert must_tidy(raw_profile(extra={str(n): "x" * 1_000 for n in range(100)})).extra == {}


texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@given(
    st.builds(
        RawProfile,
        platform=st.just("p"),
        platform_id=texts,
        username=texts,
        display_name=texts | st.none(),
        bio=texts | st.none(),
        followers=st.integers() | st.none(),
        created_at=st.datetimes() | st.none() | st.datetimes(timezones=st.just(UTC)),
        links=st.lists(texts.map(lambda t: f"https://{t}"), max_size=3).map(tuple),
        posts=st.lists(st.builds(RawPost, texts, st.datetimes() | st.none()), max_size=3).map(
            tuple
        ),
        extra=st.dictionaries(texts, st.recursive(texts | st.floats(), st.lists, max_leaves=5)),
    )
)
def test_anything_becomes_storable_and_stays_as_it_is(profile: RawProfile) -> None:
    tidied = tidy(profile)
    assert tidied == mend(profile), "the quick look passes nothing that has to be mended"
    if tidied is None:
        return
    assert tidy(tidied) == tidied
    assert profile_of(msgspec.json.decode(encode_payload(tidied))) == tidied
    text = msgspec.json.encode(payload_of(tidied)).decode()
    assert "\\u0000" not in text
    assert content_hash(tidied) == hash_of(tidied)


def test_a_batch_holds_each_person_once_in_the_order_of_the_keys() -> None:
    batch = arrange(
        [
            raw_profile(2),
            raw_profile(1, bio="first"),
            raw_profile(3, discoverable=False),
            raw_profile(1, bio="last"),
            raw_profile(platform_id=" "),
        ]
    )
    assert [a.key[1] for a in batch] == ["syn:1", "syn:2"]
    assert batch[0].profile.bio == "last"


def test_who_wants_to_be_hidden_is_hidden_whatever_was_read_before() -> None:
    assert arrange([raw_profile(1), raw_profile(1, discoverable=False)]) == []


def test_a_batch_is_parted_by_what_is_known() -> None:
    batch = arrange(raw_profile(n) for n in range(4))
    parts = sort_out(batch, [Known(2, 12, same=False), Known(0, 10, same=True)])
    assert parts.unchanged == (10,)
    assert parts.changed == ((12, batch[2]),)
