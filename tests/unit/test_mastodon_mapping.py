"""What the Mastodon connector makes of names, HTML and accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.base.errors import Rejected
from omni.connectors.mastodon.mapping import (
    is_shown,
    map_account,
    map_statuses,
    shows_posts,
)
from omni.connectors.mastodon.markup import links_in, plain_text
from omni.connectors.mastodon.names import (
    AccountName,
    DirectoryView,
    read_account,
    read_directory,
    read_hashtag,
    read_search,
)

HOME = "home.example"
NOTE = (
    '<p>Potter, py<b>thon</b>ista &amp; <a href="https://a.example/long/path" rel="me">'
    '<span class="invisible">https://</span><span class="ellipsis">a.example/lo</span></a></p>'
    '<p>With <span class="h-card"><a href="https://b.example/@bob" class="u-url mention">'
    '@<span>bob</span></a></span><br />on <a href="https://home.example/tags/clay"'
    ' class="mention hashtag">#<span>clay</span></a></p>'
)
ACCOUNT: dict[str, Any] = {
    "id": "1",
    "acct": "ann",
    "username": "ann",
    "url": "https://home.example/@ann",
    "display_name": "Ann :blob:",
    "note": NOTE,
    "emojis": [{"shortcode": "blob", "url": "https://home.example/e.png"}],
    "fields": [
        {"name": "City", "value": "Bristol", "verified_at": None},
        {"name": "Web", "value": '<a href="https://ann.example/">ann.example</a>',
         "verified_at": "2024-01-01T00:00:00Z"},
    ],
    "avatar": "https://home.example/a.gif",
    "avatar_static": "https://home.example/a.png",
    "header": "https://home.example/headers/original/missing.png",
    "followers_count": 12,
    "following_count": -1,
    "statuses_count": 3,
    "created_at": "2021-03-04T00:00:00.000Z",
    "indexable": True,
    "discoverable": True,
}  # fmt: skip


def status(**changes: Any) -> dict[str, Any]:
    known = {"account": {"id": "1"}, "visibility": "public", "content": "<p>Hello</p>"}
    return known | changes


@pytest.mark.parametrize(
    ("value", "acct"),
    [
        ("@Ann", "Ann"),
        ("ann@HOME.example", "ann"),
        (" @bob@far.example ", "bob@far.example"),
        ("acct:bob@far.example:8443", "bob@far.example:8443"),
        ("https://home.example/@ann", "ann"),
        ("https://home.example/@ann/112233", "ann"),
        ("https://home.example/@bob@far.example", "bob@far.example"),
        ("https://far.example/users/bob", "bob@far.example"),
        ("https://far.example/bob/", "bob@far.example"),
        ("http://127.0.0.1:3000/@bob", "bob@127.0.0.1:3000"),
    ],
)
def test_accounts_are_meant_in_many_ways(value: str, acct: str) -> None:
    url = value if value.startswith("http") else None
    assert read_account(value, HOME) == AccountName(acct, url)


@pytest.mark.parametrize(
    "value", ["", "@", "a b", "@ann@", "@ann@far/x", "ann@far@x", "https://", "https://home.example/",
              "https://[::1/@ann", "javascript:alert(1)", "@ann\n@far.example"]
)  # fmt: skip
def test_what_names_no_account_is_refused(value: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_account(value, HOME)
    assert refused.value.field == "seed_value"


def test_the_other_seeds() -> None:
    assert read_search("  two   words ") == "two words"
    assert read_hashtag("#Töpfern") == read_hashtag("https://x.example/tags/T%C3%B6pfern")
    assert read_directory("local new") == DirectoryView("new", local=True)
    assert read_directory("Active") == DirectoryView("active", local=False)
    for read, value in [
        (read_search, " "), (read_search, "x" * 201), (read_hashtag, "two words"),
        (read_hashtag, "#"), (read_directory, "all"), (read_directory, "new active"),
    ]:  # fmt: skip
        with pytest.raises(Rejected) as refused:
            read(value)
        assert refused.value.field == "seed_value"


def test_html_becomes_text_with_whole_links() -> None:
    assert plain_text(NOTE) == (
        "Potter, pythonista & https://a.example/long/path\n\nWith @bob\non #clay"
    )
    assert links_in(NOTE) == ("https://a.example/long/path",)
    evil = '<script>alert(1)</script><a href="javascript:alert(2)">click</a><style>x{}</style>'
    assert plain_text(evil) == "click"
    assert links_in(evil) == ()
    assert plain_text(None) == plain_text("") == ""


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from('<>/&"a p=;#')), max_size=300))
def test_no_html_breaks_the_reader(html: str) -> None:
    assert "\x00" not in plain_text(html)
    links_in(html)


def test_deep_html_is_survived() -> None:
    for html in ("<b>" * 50_000 + "x", "<p>" * 50_000, '<a href="https://a.example/">' * 5_000):
        plain_text(html)


def test_an_account_becomes_a_profile() -> None:
    profile = map_account(ACCOUNT, ())
    assert profile
    assert profile.platform_id == "https://home.example/@ann"
    assert profile.username == "ann@home.example"
    assert profile.display_name == "Ann"
    assert profile.bio
    assert profile.bio.endswith("#clay\n\nCity: Bristol")
    assert (profile.followers, profile.follows, profile.posts_count) == (12, None, 3)
    assert profile.created_at == datetime(2021, 3, 4, tzinfo=UTC)
    assert profile.image_urls == ("https://home.example/a.png",)
    assert profile.links == ("https://ann.example/",)
    assert profile.extra == {"verified_links": ["https://ann.example/"]}
    assert profile.discoverable
    assert profile.accepts_messages is None
    remote = map_account(ACCOUNT | {"acct": "ann@far.example", "locked": True, "group": True}, ())
    assert remote
    assert (remote.username, remote.accepts_messages, remote.is_bot) == (
        "ann@far.example", False, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    "wish",
    [
        {"discoverable": False}, {"noindex": True}, {"limited": True}, {"memorial": True},
        {"moved": ACCOUNT}, {"note": "<p>Hi #NoBot</p>"}, {"display_name": "Ann #noindex"},
        {"note": '<a class="mention hashtag" href="https://x.example/">#<span>nobots</span></a>'},
        {"fields": [{"name": "Rules", "value": "#nosearch"}]},
    ],
)  # fmt: skip
def test_who_asks_not_to_be_found_is_not_shown(wish: dict[str, Any]) -> None:
    assert not is_shown(ACCOUNT | wish)
    assert not shows_posts(ACCOUNT | wish)
    profile = map_account(ACCOUNT | wish, ())
    assert profile
    assert not profile.discoverable


def test_who_says_nothing_of_it_is_shown() -> None:
    assert is_shown(ACCOUNT | {"discoverable": None, "noindex": None, "limited": None})
    assert is_shown(ACCOUNT | {"note": "<p>I build #nobotany and a#nobot</p>"})
    assert not shows_posts(ACCOUNT | {"indexable": False})
    assert not shows_posts(ACCOUNT | {"statuses_count": 0})
    older = {name: value for name, value in ACCOUNT.items() if name != "indexable"}
    assert shows_posts(older)


def test_the_suspended_and_the_nameless_are_nobody() -> None:
    for account in ({"suspended": True}, {"url": None}, {"url": "javascript:x"}, {"url": 7}):
        assert map_account(ACCOUNT | account, ()) is None
    assert map_account(None, ()) is None
    assert map_account({"url": "https://home.example/@x"}, ()) is not None


def test_only_own_public_posts_count() -> None:
    statuses = [
        status(spoiler_text="Clay", favourites_count=2, created_at="2025-01-01T00:00:00Z"),
        status(visibility="unlisted"),
        status(visibility="private"),
        status(visibility="direct"),
        status(reblog={"id": "9"}),
        status(account={"id": "2"}),
        None,
        {"content": 3},
    ]
    (post,) = map_statuses(statuses, "1")
    assert (post.text, post.likes, post.reposts) == ("Clay\n\nHello", 2, None)
    assert post.created_at == datetime(2025, 1, 1, tzinfo=UTC)


ANYTHING: list[Any] = [
    None, True, 0, -1, 2**80, 1.5, "", "x", "\x00", "2021-13-99", "https://[", "<p", [], [None],
    [[]], {}, {"a": 1}, [{"name": 1, "value": {}}], [{"shortcode": []}],
]  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(sorted({*ACCOUNT, "moved", "suspended", "roles"})),
        st.sampled_from(ANYTHING),
    )
)
def test_no_account_breaks_the_mapping(account: dict[str, Any]) -> None:
    map_account({"url": "https://home.example/@x"} | account, ())
    map_statuses([account, {"account": account}], "1")
