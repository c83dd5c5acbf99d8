"""What the Matrix connector makes of identifiers, links and profiles."""

from __future__ import annotations

from typing import Any

import pytest

from omni.base.errors import Rejected
from omni.connectors.matrix.mapping import (
    is_person,
    map_profile,
    media_url,
    read_room,
    read_search,
    read_user,
    wants_authenticated_media,
)

BASE = "https://matrix.example"
HTML = {"mimetype": "text/html", "body": "<b>Potter</b>"}
NONSENSE: list[dict[str, Any]] = [
    {"displayname": 7, "avatar_url": []},
    {"m.biography": "text"},
    {"m.biography": {"m.text": [None, {"body": 7}]}},
]


@pytest.mark.parametrize(
    ("value", "user"),
    [
        (" @ann:far.example ", "@ann:far.example"),
        ("@a.b=c/d+e:far.example:8448", "@a.b=c/d+e:far.example:8448"),
        ("@ann:[2001:db8::1]:8448", "@ann:[2001:db8::1]:8448"),
        ("https://matrix.to/#/@ann:far.example", "@ann:far.example"),
        ("https://matrix.to/#/%40ann%3Afar.example?via=x.example", "@ann:far.example"),
        ("matrix:u/ann:far.example?action=chat", "@ann:far.example"),
    ],
)
def test_people_are_meant_in_many_ways(value: str, user: str) -> None:
    assert read_user(value) == user


@pytest.mark.parametrize(
    ("value", "room"),
    [
        ("#climate:far.example", "#climate:far.example"),
        ("#töpfern:far.example", "#töpfern:far.example"),
        ("!AbC:far.example", "!AbC:far.example"),
        ("!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1", "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1"),
        ("https://matrix.to/#/%23climate:far.example", "#climate:far.example"),
        ("matrix:r/climate:far.example", "#climate:far.example"),
    ],
)  # fmt: skip
def test_rooms_are_meant_in_many_ways(value: str, room: str) -> None:
    assert read_room(value) == room


def test_what_means_nothing_is_refused() -> None:
    users = ("", "ann", "@ann", "@ann:", "@a b:far.example", "@:far.example", "@ann:far/../x",
             "#climate:far.example", "@" + "a" * 300 + ":far.example")  # fmt: skip
    rooms = ("", "#climate", "@ann:far.example", "!", "#a b:far.example", "!" + "a" * 300)
    searches = (" ", "x" * 201)
    for read, values in ((read_user, users), (read_room, rooms), (read_search, searches)):
        for value in values:
            with pytest.raises(Rejected) as refused:
                read(value)
            assert refused.value.field == "seed_value"


def test_bridged_people_are_elsewhere() -> None:
    assert is_person("@ann:far.example")
    assert not is_person("@_irc_ann:far.example")
    assert not is_person(7)


def test_media_have_an_address_at_the_homeserver_and_nowhere_else() -> None:
    path = f"{BASE}/_matrix/client/v1/media/download"
    assert media_url(BASE, "mxc://far.example/Ab_-1", authenticated=True) == (
        f"{path}/far.example/Ab_-1"
    )
    assert media_url(BASE, "mxc://far.example:80/x", authenticated=False) == (
        f"{BASE}/_matrix/media/v3/download/far.example:80/x"
    )
    for evil in (
        None, "", "https://evil.example/x", "mxc://far.example", "mxc://far.example/../sync",
        "mxc://far.example/a?b", "mxc://../a", "mxc://far.example/a/b", "mxc://far.example/a%2e",
    ):  # fmt: skip
        assert media_url(BASE, evil, authenticated=True) is None


def test_servers_say_since_when_media_need_a_token() -> None:
    assert wants_authenticated_media({"versions": ["r0.6.1", "v1.1", "v1.11"]})
    assert wants_authenticated_media({"versions": ["v2.0"]})
    for older in ({"versions": ["r0.6.1", "v1.9"]}, {"versions": [None, "v1.x"]}, {}, None):
        assert not wants_authenticated_media(older)


def profile(**fields: Any) -> Any:
    return map_profile("@ann:far.example", fields, base_url=BASE, authenticated=True)


def test_a_profile_is_mapped() -> None:
    found = profile(
        displayname="Ann",
        avatar_url="mxc://far.example/a",
        **{"m.tz": "Europe/Berlin", "x.number": 7},
        **{"m.biography": {"m.text": [HTML, {"body": "Potter"}]}},
    )
    assert (found.platform_id, found.username) == ("@ann:far.example", "@ann:far.example")
    assert (found.display_name, found.bio) == ("Ann", "Potter")
    assert found.image_urls == (f"{BASE}/_matrix/client/v1/media/download/far.example/a",)
    assert found.extra == {"m.tz": "Europe/Berlin"}
    assert found.discoverable


@pytest.mark.parametrize(
    "fields",
    [{"displayname": "Ann #NoBot"}, {"gay.fomx.biography": {"m.text": [{"body": "#noindex"}]}}],
)
def test_who_asks_not_to_be_found_is_not(fields: dict[str, Any]) -> None:
    assert not profile(**fields).discoverable


def test_nonsense_is_nothing() -> None:
    for fields in NONSENSE:
        found = profile(**fields)
        assert (found.display_name, found.bio, found.image_urls) == (None, None, ())
