"""Reading Bluesky with an account, and reading it again, on a real AT Protocol network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from omni.base.errors import Rejected
from omni.connectors.addresses import Params
from omni.connectors.bluesky.reader import Reader
from omni.connectors.bluesky.session import Session
from omni.connectors.bluesky.source import BlueskySource
from omni.connectors.http import HttpClient
from omni.connectors.types import Credentials, Seed
from tests.e2e.atproto_network import AtprotoNetwork

GET_PROFILES = "app.bsky.actor.getProfiles"


class Spoiler(HttpClient):
    """Asks with a token that is no good, once, and remembers where it wrote to."""

    spoils = False

    def __init__(self, **known: Any) -> None:
        super().__init__(**known)
        self.written: list[str] = []

    async def get_json(
        self, url: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        if self.spoils:
            self.spoils = False
            headers = {**(headers or {}), "Authorization": "Bearer spoilt"}
        return await super().get_json(url, params=params, headers=headers)

    async def post_json(self, url: str, **known: Any) -> Any:
        self.written.append(url.rpartition(".")[2])
        return await super().post_json(url, **known)

    async def post_form(self, url: str, **known: Any) -> Any:
        self.written.append(url.rpartition(".")[2])
        return await super().post_form(url, **known)


@pytest.fixture
async def http(atproto_network: AtprotoNetwork) -> AsyncIterator[Spoiler]:
    origins = {atproto_network.appview, atproto_network.pds}
    async with Spoiler(user_agent="Omni-test", loopback=origins) as client:
        yield client


def session(http: HttpClient, network: AtprotoNetwork, password: str | None = None) -> Session:
    reader = network.accounts[11]
    account = Credentials(reader.handle, password or reader.password)
    return Session(http, network.pds, account)


async def test_an_account_reads_what_everybody_may_read_and_no_more(
    http: Spoiler, atproto_network: AtprotoNetwork
) -> None:
    network = atproto_network
    alone = BlueskySource(Reader(http, network.appview))
    through = f"{network.appview_did}#bsky_appview"
    signed_in = BlueskySource(Reader(http, network.appview, session(http, network), through))
    leaver = network.with_role("leaver").did
    people = [account.did for account in network.accounts if account.did != leaver][-25:]
    hidden = {a.did for a in network.accounts if a.role in ("private", "moderated")}
    assert hidden <= set(people)
    found = {profile.platform_id: profile for profile in await signed_in.fetch(people)}
    assert found == {profile.platform_id: profile for profile in await alone.fetch(people)}
    assert {did for did, profile in found.items() if not profile.discoverable} == hidden
    assert not any(found[did].posts for did in hidden)
    for kind, value in (("hashtag", "#solar"), ("feed", network.feed), ("search", "solar")):
        seed = Seed("bluesky", kind, value)
        page = await signed_in.expand(seed, None)
        assert page.platform_ids
        assert page == await alone.expand(seed, None)
    assert http.written == ["createSession"]


async def test_a_token_that_is_no_good_any_more_is_renewed(
    http: Spoiler, atproto_network: AtprotoNetwork
) -> None:
    account = session(http, atproto_network)
    for _ in range(2):
        answer = await account.query(GET_PROFILES, {"actors": [atproto_network.hub]})
        assert answer["profiles"][0]["did"] == atproto_network.hub
        http.spoils = True
    assert http.written == ["createSession", "refreshSession"]


async def test_a_wrong_password_is_said_by_the_name_of_its_setting(
    http: Spoiler, atproto_network: AtprotoNetwork
) -> None:
    account = session(http, atproto_network, "not-the-password")
    for _ in range(2):
        with pytest.raises(Rejected, match="OMNI_BLUESKY_APP_PASSWORD") as caught:
            await account.query(GET_PROFILES, {"actors": [atproto_network.hub]})
        assert "not-the-password" not in str(caught.value)
    assert http.written == ["createSession"]


async def test_what_has_not_changed_is_not_sent_again(
    http: Spoiler, atproto_network: AtprotoNetwork
) -> None:
    source = BlueskySource(Reader(http, atproto_network.appview))
    people = [account.did for account in atproto_network.accounts[:10]]
    first = await source.fetch(people)
    (before,) = http.metrics()
    assert await source.fetch(people) == first
    (after,) = http.metrics()
    assert after.requests - before.requests == before.requests == 1 + len(people)
    assert after.bytes_in == before.bytes_in > 10_000


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("list", "lists/3k2222222222222"),
        ("starter_pack", "starter-pack"),
        ("feed", "feed/nothing"),
        ("likes", "post/3k2222222222222"),
        ("reposts", "post/3k2222222222222"),
    ],
)
async def test_what_there_is_not_is_the_callers_mistake(
    http: Spoiler, atproto_network: AtprotoNetwork, kind: str, path: str
) -> None:
    source = BlueskySource(Reader(http, atproto_network.appview))
    hub = atproto_network.hub
    value = f"https://bsky.app/profile/{hub}/{path}"
    if kind == "starter_pack":
        value = f"https://bsky.app/starter-pack/{hub}/3k2222222222222"
    with pytest.raises(Rejected) as caught:
        await source.expand(Seed("bluesky", kind, value), None)
    assert caught.value.field == "seed_value"
    assert hub in str(caught.value)
