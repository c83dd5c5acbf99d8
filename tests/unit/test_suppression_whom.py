"""Whom a pasted link, id or name means; what can mean nobody is refused."""

from __future__ import annotations

import pytest

from omni.base.errors import Rejected
from omni.leads.plan import Layout, keys_of, layout_of, read_line
from omni.leads.types import Scope
from omni.leads.whom import platform_of, read_person

BLUESKY, MASTODON, MATRIX = "bluesky", "mastodon", "matrix"


@pytest.mark.parametrize(
    ("platform", "pasted", "known_as"),
    [
        (BLUESKY, "https://bsky.app/profile/Ann.bsky.social", "ann.bsky.social"),
        (BLUESKY, "https://bsky.app/profile/did:plc:abc/post/3k?ref=x", "did:plc:abc"),
        (BLUESKY, "bsky.app/profile/ann.example", "ann.example"),
        (BLUESKY, "at://did:plc:abc/app.bsky.feed.post/3k", "did:plc:abc"),
        (BLUESKY, "@ann.example", "ann.example"),
        (MASTODON, "https://far.example/@Ann", "ann@far.example"),
        (MASTODON, "https://far.example/@Ann", "https://far.example/@ann"),
        (MASTODON, "https://far.example/@ann/1123", "https://far.example/users/ann"),
        (MASTODON, "https://far.example/users/ann", "ann@far.example"),
        (MASTODON, "https://home.example/@ann@far.example", "https://far.example/@ann"),
        (MASTODON, "http://far.example:3000/@ann", "http://far.example:3000/users/ann"),
        (MASTODON, "@Ann@far.example", "ann@far.example"),
        (MASTODON, "acct:ann@far.example", "https://far.example/users/ann"),
        (MASTODON, "https://pixels.example/ann", "https://pixels.example/ann"),
        (MATRIX, "https://matrix.to/#/@Ann:far.example", "@ann:far.example"),
        (MATRIX, "https://matrix.to/#/%40ann%3Afar.example?via=x", "@ann:far.example"),
        (MATRIX, "matrix:u/ann:far.example", "@ann:far.example"),
    ],
)
def test_a_link_or_a_name_means_a_person(platform: str, pasted: str, known_as: str) -> None:
    assert known_as in read_person(platform, pasted)
    assert (platform, known_as) in keys_of("person", platform, pasted)
    if pasted != "https://pixels.example/ann" and pasted != "@ann.example":
        assert platform_of(pasted) == platform
        assert keys_of("person", None, pasted) == keys_of("person", platform, pasted)


@pytest.mark.parametrize(
    ("platform", "pasted", "told"),
    [
        (BLUESKY, "ann", "enter a handle such as"),
        (BLUESKY, "ann@mail.example", "enter a handle"),
        (BLUESKY, "https://far.example/@ann", "a link or name of mastodon"),
        (BLUESKY, "https://bsky.app/", "enter a handle"),
        (MASTODON, "ann", "enter a name such as @ann@server.example"),
        (MASTODON, "https://far.example/", "enter a name"),
        (MASTODON, "did:plc:abc", "a link or name of bluesky"),
        (MATRIX, "ann", "enter an id such as"),
        (MATRIX, "https://matrix.to/#/#room:far.example", "enter an id"),
        (MATRIX, "@ann@far.example", "a link or name of mastodon"),
        (None, "ann.example", "platform"),
        ("synthetic", "@", "not somebody's"),
    ],
)
def test_what_means_nobody_is_refused_with_what_to_enter(
    platform: str | None, pasted: str, told: str
) -> None:
    with pytest.raises(Rejected) as refused:
        keys_of("person", platform, pasted)
    assert told in f"{refused.value.field}: {refused.value}"
    assert "\n" not in str(refused.value)


def test_other_platforms_have_names_of_their_own() -> None:
    assert keys_of("person", "forum", "https://bsky.app/profile/x")[0][1].startswith("https://")
    assert keys_of("person", "forum", "@Ann") == (("forum", "ann"),)


@pytest.mark.parametrize(
    "link", ["https://bsky.app/profile/ann.example", "https://far.example/@ann"]
)
def test_the_link_of_a_person_is_no_domain(link: str) -> None:
    with pytest.raises(Rejected, match="the link of a person"):
        keys_of("domain", None, link)


@pytest.mark.parametrize(
    ("heading", "line", "file_of", "key"),
    [
        ("", "https://bsky.app/profile/ann.example", None, (BLUESKY, "ann.example")),
        ("", "https://far.example/@ann", BLUESKY, (MASTODON, "ann@far.example")),
        ("", "@ann@far.example", None, (MASTODON, "ann@far.example")),
        ("", "did:plc:abc", None, (BLUESKY, "did:plc:abc")),
        ("", "https://shop.example/about", None, ("*", "shop.example")),
        ("url,reason", "https://far.example/@ann,asked", None, (MASTODON, "ann@far.example")),
        ("profile_url", "https://matrix.to/#/@a:b.example", BLUESKY, (MATRIX, "@a:b.example")),
    ],
)
def test_a_line_of_a_file_may_be_a_link(
    heading: str, line: str, file_of: str | None, key: tuple[str, str]
) -> None:
    layout = layout_of(heading.encode()) if heading else Layout()
    wanted = read_line(line.encode(), layout, platform=file_of, reason="r")
    assert wanted is not None
    assert key in wanted.keys


@pytest.mark.parametrize("scope", ["platform", "all"])
def test_a_file_suppresses_no_platform(scope: Scope) -> None:
    with pytest.raises(Rejected):
        read_line(f"{scope},x".encode(), Layout(("scope", "platform")), platform=None, reason="r")
