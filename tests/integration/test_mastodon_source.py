"""The Mastodon source on a real server: paging, tokens, refusals, and what people ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from omni.base.errors import Rejected, Transient
from omni.connectors.http import HttpClient
from omni.connectors.mastodon.client import MastodonClient
from omni.connectors.mastodon.source import MastodonSource
from omni.connectors.types import Seed
from tests.mastodon_server import LOCAL, MastodonServer
from tests.synthetic_fixtures import quick_client

LOOKUP = "/api/v1/accounts/lookup"


@pytest.fixture
async def http(mastodon_server: MastodonServer) -> AsyncIterator[HttpClient]:
    mastodon_server.mend()
    async with quick_client(timeout_s=30.0) as client:
        yield client


@pytest.fixture
def source(http: HttpClient, mastodon_server: MastodonServer) -> MastodonSource:
    return MastodonSource(MastodonClient(http, mastodon_server.url), page_size=20)


@pytest.fixture
def known(http: HttpClient, mastodon_server: MastodonServer) -> MastodonSource:
    client = MastodonClient(http, mastodon_server.url + "/", mastodon_server.token)
    return MastodonSource(client, page_size=20)


def seed(kind: str, value: str) -> Seed:
    return Seed("mastodon", kind, value)


async def collect(source: MastodonSource, kind: str, value: str) -> list[tuple[str, ...]]:
    pages: list[tuple[str, ...]] = []
    cursor: str | None = None
    while len(pages) < 20:
        page = await source.expand(seed(kind, value), cursor)
        pages.append(page.platform_ids)
        cursor = page.cursor
        if cursor is None:
            return pages
    raise AssertionError("pages without end")


async def test_people_are_found_by_every_name(
    source: MastodonSource, mastodon_server: MastodonServer
) -> None:
    local, remote = mastodon_server.people[12], mastodon_server.people[LOCAL]
    home = mastodon_server.url.removeprefix("http://")
    for name in (local.acct, f"@{local.acct}", f"{local.acct}@{home}", local.url):
        assert await collect(source, "actor", name) == [(local.url,)]
    for name in (f"@{remote.acct}", remote.url, f"https://far.example/@{remote.username}"):
        assert await collect(source, "actor", name) == [(remote.url,)]


async def test_followers_are_read_to_the_end_by_the_link_header(
    source: MastodonSource, mastodon_server: MastodonServer
) -> None:
    hub = mastodon_server.with_role("hub")
    pages = await collect(source, "followers", hub.url)
    assert [len(page) for page in pages] == [20, 20, 20, 11]
    everybody = {person.url for person in mastodon_server.people}
    assert {url for page in pages for url in page} == everybody - {hub.url}
    following = await collect(source, "following", hub.url)
    assert sum(map(len, following)) == 29  # one of them has to agree first


async def test_a_hashtag_leads_to_its_authors(
    source: MastodonSource, mastodon_server: MastodonServer
) -> None:
    found = {url for page in await collect(source, "hashtag", "#Cycling") for url in page}
    assert found == {
        p.url for p in mastodon_server.people if p.theme == "cycling" and p.role != "bare"
    }


async def test_a_search_goes_on_for_an_account_and_gives_strangers_a_page(
    source: MastodonSource, known: MastodonSource, mastodon_server: MastodonServer
) -> None:
    named = {p.url for p in mastodon_server.people if "climate" in p.username}
    (page,) = await collect(source, "search", "climate")
    assert len(page) == 20
    assert set(page) <= named
    pages = await collect(known, "search", "climate")
    assert {url for each in pages for url in each} == named
    assert len(named) > 20


async def test_the_directory_is_read_by_offset(
    source: MastodonSource, mastodon_server: MastodonServer
) -> None:
    everybody = {url for page in await collect(source, "directory", "new") for url in page}
    local = {url for page in await collect(source, "directory", "local") for url in page}
    assert everybody == {person.url for person in mastodon_server.people}
    assert local == {person.url for person in mastodon_server.people[:LOCAL]}


async def test_profiles_say_what_people_say_of_themselves(
    source: MastodonSource, mastodon_server: MastodonServer
) -> None:
    roles = ("hub", "hidden", "bot", "locked", "nobot", "hostile", "private", "bare")
    people = {role: mastodon_server.with_role(role) for role in roles}
    found = {p.platform_id: p for p in await source.fetch([p.url for p in people.values()])}
    profiles = {role: found[person.url] for role, person in people.items()}
    hub = profiles["hub"]
    assert hub.bio
    assert "https://shop.example/a/long/path" in hub.bio
    assert hub.bio.endswith("City: Bristol")
    assert hub.links == ("https://hub.example/",)
    assert (hub.followers, hub.follows) == (71, 29)
    assert {post.text[:5] for post in hub.posts} == {"Day 0", "Day 1"}  # public ones alone
    assert [role for role, p in profiles.items() if not p.discoverable] == ["hidden", "nobot"]
    assert [role for role, p in profiles.items() if p.is_bot] == ["bot"]
    assert [role for role, p in profiles.items() if p.accepts_messages is False] == ["locked"]
    assert [role for role, p in profiles.items() if not p.posts] == [
        "hidden", "nobot", "private", "bare",
    ]  # fmt: skip
    assert "<script>alert(1)</script>" in (profiles["hostile"].bio or "")  # what they wrote
    assert "alert(2)" not in (profiles["hostile"].bio or "")  # what would have run
    assert profiles["bare"].bio is None


async def test_ids_are_looked_up_once_and_batched_where_the_server_can(
    source: MastodonSource, http: HttpClient, mastodon_server: MastodonServer
) -> None:
    page = await source.expand(seed("followers", "hub"), None)
    before = http.metrics()[0].requests
    with_posts = len([p for p in await source.fetch(page.platform_ids) if p.posts])
    assert http.metrics()[0].requests - before == 1 + with_posts
    # Another process, which has seen no page, finds the same people by their addresses.
    other = MastodonSource(MastodonClient(http, mastodon_server.url))
    assert await other.fetch(page.platform_ids) == await source.fetch(page.platform_ids)
    # And so does one on a server that has no batches.
    mastodon_server.fail("/api/v1/accounts", count=1, type="status", status=404)
    assert await other.fetch(page.platform_ids) == await source.fetch(page.platform_ids)


async def test_an_account_that_is_gone_is_left_out(
    http: HttpClient, source: MastodonSource, mastodon_server: MastodonServer
) -> None:
    """Suspended through the server's own admin API, so its id and its name are still known."""
    leaver, hub = mastodon_server.with_role("leaver"), mastodon_server.with_role("hub")
    await source.expand(seed("actor", leaver.url), None)
    account_id = mastodon_server.account(leaver.acct)["id"]
    mastodon_server.moderate(account_id, "action", type="suspend")
    try:
        assert [p.platform_id for p in await source.fetch([leaver.url, hub.url])] == [hub.url]
        other = MastodonSource(MastodonClient(http, mastodon_server.url))
        assert await other.fetch([leaver.url]) == []
        with pytest.raises(Rejected, match="knows nobody"):
            await other.expand(seed("actor", leaver.url), None)
    finally:
        mastodon_server.moderate(account_id, "unsuspend")


async def test_who_moved_leads_to_where_they_are(
    http: HttpClient, source: MastodonSource, mastodon_server: MastodonServer
) -> None:
    old, new = mastodon_server.people[20], mastodon_server.people[LOCAL + 1]
    account = mastodon_server.account(old.acct) | {"moved": mastodon_server.account(new.acct)}
    mastodon_server.fail(LOOKUP, count=2, type="status", status=200, body=account)
    assert await collect(source, "actor", old.url) == [(new.url,)]
    other = MastodonSource(MastodonClient(http, mastodon_server.url))
    (profile,) = await other.fetch([old.url])
    assert not profile.discoverable


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, "This method requires an authenticated user"),
        (403, "This action is not allowed"),
        (422, "This method requires an authenticated user"),
    ],
)
async def test_a_server_that_refuses_strangers_says_what_to_set(
    source: MastodonSource, mastodon_server: MastodonServer, status: int, error: str
) -> None:
    mastodon_server.fail("/api/v*", count=1, type="status", status=status, body={"error": error})
    with pytest.raises(Rejected, match=rf"{error}.*set OMNI_MASTODON_TOKEN"):
        await source.expand(seed("hashtag", "#ceramics"), None)


@pytest.mark.parametrize("status", [400, 401])
async def test_a_token_that_is_not_taken_is_named(
    known: MastodonSource, mastodon_server: MastodonServer, status: int
) -> None:
    body = {"error": "The access token is invalid"}
    mastodon_server.fail("/api/v*", count=1, type="status", status=status, body=body)
    with pytest.raises(Rejected, match="does not take the token of OMNI_MASTODON_TOKEN") as refused:
        await known.fetch([mastodon_server.people[0].url])
    assert mastodon_server.token not in str(refused.value)


async def test_posts_that_are_refused_cost_no_profile(
    source: MastodonSource, mastodon_server: MastodonServer
) -> None:
    mastodon_server.fail("/api/v1/accounts/*/statuses", count=1, type="status", status=403)
    (profile,) = await source.fetch([mastodon_server.people[0].url])
    assert profile.bio
    assert profile.posts == ()


async def test_passing_trouble_passes(
    source: MastodonSource, mastodon_server: MastodonServer
) -> None:
    hub = mastodon_server.with_role("hub")
    mastodon_server.fail("/api/v*", count=1, type="status", status=503)
    mastodon_server.fail("/api/v*", count=1, type="malformed")
    assert await collect(source, "actor", hub.url) == [(hub.url,)]
    mastodon_server.fail("/api/v*", count=20, type="status", status=500)
    with pytest.raises(Transient):
        await source.expand(seed("actor", hub.url), None)


async def test_a_limit_is_handed_on_with_its_time(
    source: MastodonSource, mastodon_server: MastodonServer
) -> None:
    """Mastodon's own servers give the reset as ISO 8601, without `Retry-After`."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2099-01-01T00:00:00.000000Z"}
    mastodon_server.fail("/api/v*", count=1, type="status", status=429, headers=headers)
    with pytest.raises(Transient) as limited:
        await source.expand(seed("hashtag", "clay"), None)
    assert (limited.value.retry_after or 0) > 3_600


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        ('<http://169.254.169.254/x?max_id=7&limit=99999&q=evil>; rel="next"', "max_id=7"),
        ('<https://home.example/next?page=2>; rel="next"', "page=2"),
        ('</api?since_id=7>; rel="prev"', None),
        (f'<https://home.example/?max_id={"9" * 400}>; rel="next"', None),
        ('<https://[>; rel="next"', None),
        ("nonsense", None),
    ],
)
async def test_a_link_gives_a_cursor_and_never_an_address(
    source: MastodonSource, mastodon_server: MastodonServer, link: str, cursor: str | None
) -> None:
    mastodon_server.fail(
        "/api/v1/timelines/tag/clay", count=1, type="status", status=200, body=[],
        headers={"Link": link},
    )  # fmt: skip
    page = await source.expand(seed("hashtag", "clay"), None)
    assert (page.platform_ids, page.cursor) == ((), cursor)


async def test_cursors_that_do_not_move_end_the_list(
    source: MastodonSource, mastodon_server: MastodonServer
) -> None:
    mastodon_server.fail(
        "/api/v1/timelines/tag/clay", count=1, type="status", status=200, body=[],
        headers={"Link": '<https://home.example/?max_id=7>; rel="next"'},
    )  # fmt: skip
    assert (await source.expand(seed("hashtag", "clay"), "max_id=7")).cursor is None
    # A server that does not know offsets sends the first page again.
    first = await source.expand(seed("directory", "new"), None)
    assert first.cursor
    _, _, begins = first.cursor.partition(" ")
    again = await source.expand(seed("directory", "new"), f"0 {begins}")
    assert (again.platform_ids, again.cursor) == ((), None)
