"""The Bluesky source against a real AT Protocol network that we did not write."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from omni.base.errors import Rejected, Transient
from omni.connectors.bluesky.reader import Reader
from omni.connectors.bluesky.source import BlueskySource
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.types import RawProfile, Seed
from tests.e2e.atproto_network import AtprotoNetwork, install, run_node

PAYLOADS = Path(__file__).parent.parent / "data" / "bluesky"


@pytest.fixture
async def http(atproto_network: AtprotoNetwork) -> AsyncIterator[HttpClient]:
    origins = {atproto_network.appview, atproto_network.pds}
    async with HttpClient(user_agent="Omni-test", loopback=origins) as client:
        yield client


@pytest.fixture
def source(http: HttpClient, atproto_network: AtprotoNetwork) -> BlueskySource:
    return BlueskySource(Reader(http, atproto_network.appview), page_size=25)


async def collect(source: BlueskySource, kind: str, value: str) -> list[tuple[str, ...]]:
    pages: list[tuple[str, ...]] = []
    cursor: str | None = None
    while True:
        page = await source.expand(Seed("bluesky", kind, value), cursor)
        pages.append(page.platform_ids)
        cursor = page.cursor
        if cursor is None:
            return pages


async def fetch_all(source: BlueskySource, dids: Sequence[str]) -> dict[str, RawProfile]:
    found: dict[str, RawProfile] = {}
    for start in range(0, len(dids), source.batch_size):
        batch = await source.fetch(dids[start : start + source.batch_size])
        found |= {profile.platform_id: profile for profile in batch}
    return found


def test_the_network_listens_on_this_machine_only(atproto_network: AtprotoNetwork) -> None:
    sockets = psutil.Process(atproto_network.pid).net_connections("inet")
    listening = {entry.laddr.ip for entry in sockets if entry.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


async def test_an_actor_is_found_by_every_name(
    source: BlueskySource, atproto_network: AtprotoNetwork
) -> None:
    person = atproto_network.accounts[3]
    for name in (person.handle, f"@{person.handle.upper()}", person.did):
        assert await collect(source, "actor", name) == [(person.did,)]
    with pytest.raises(Rejected, match="Profile not found"):
        await collect(source, "actor", "nobody-there.test")


async def test_followers_and_follows_are_read_page_by_page(
    source: BlueskySource, atproto_network: AtprotoNetwork
) -> None:
    everybody = {account.did for account in atproto_network.accounts}
    followers = await collect(source, "followers", atproto_network.hub)
    assert [len(page) for page in followers[:2]] == [25, 25]
    # The network is shared: an account that another test closed may be missing.
    assert {did for page in followers for did in page} >= everybody - {
        atproto_network.hub,
        atproto_network.with_role("leaver").did,
    }
    follows = await collect(source, "follows", atproto_network.accounts[5].handle)
    assert len(follows[0]) == 6
    assert set(follows[0]) <= everybody


async def test_a_search_finds_people(
    source: BlueskySource, atproto_network: AtprotoNetwork
) -> None:
    found = {did for page in await collect(source, "search", "solar") for did in page}
    named = {a.did for a in atproto_network.accounts if "solar" in a.handle}
    assert len(named) >= 10
    assert named - {atproto_network.with_role("leaver").did} <= found


async def test_profiles_come_with_posts_pictures_and_what_they_say_of_themselves(
    source: BlueskySource, http: HttpClient, atproto_network: AtprotoNetwork
) -> None:
    leaver = atproto_network.with_role("leaver").did
    accounts = {a.did: a for a in atproto_network.accounts if a.did != leaver}
    profiles = await fetch_all(source, list(accounts))
    assert profiles.keys() == accounts.keys()
    for did, account in accounts.items():
        profile = profiles[did]
        assert profile.username == account.handle
        hidden = account.role in ("private", "moderated")
        assert len(profile.posts) == (0 if hidden else account.posts)
        assert bool(profile.image_urls) >= account.has_avatar
        assert profile.is_bot is (account.role == "bot")
        assert profile.discoverable is not hidden
        # Replies count as posts for the platform, and are not among those that are read.
        assert (profile.posts_count or 0) >= account.posts
    assert {p.accepts_messages for p in profiles.values()} == {True, False, None}
    assert any(post.likes for p in profiles.values() for post in p.posts)
    climate = [profiles[d] for d, a in accounts.items() if a.theme == "climate" and a.posts]
    assert len(climate) >= 20
    assert all(p.bio for p in climate)
    assert (profiles[atproto_network.hub].followers or 0) >= 60
    bare = profiles[atproto_network.with_role("bare").did]
    assert (bare.display_name, bare.bio, bare.posts, bare.image_urls) == (None, None, (), ())
    assert "<script>" in (profiles[atproto_network.with_role("hostile").did].bio or "")
    avatar = await http.get_bytes(profiles[atproto_network.hub].image_urls[0], accept="image/*")
    assert Image.open(BytesIO(avatar)).size[0] > 0


async def test_an_account_that_closed_is_gone(
    source: BlueskySource, http: HttpClient, atproto_network: AtprotoNetwork
) -> None:
    leaver = atproto_network.with_role("leaver")
    others = [account.did for account in atproto_network.accounts[:3]]
    xrpc = f"{atproto_network.pds}/xrpc/com.atproto.server."
    with pytest.raises(HttpRejected) as wrong:
        await http.post_json(
            xrpc + "createSession", json={"identifier": leaver.handle, "password": "no"}
        )
    assert (wrong.value.status, wrong.value.code) == (401, "AuthenticationRequired")
    session: dict[str, Any] = await http.post_json(
        xrpc + "createSession", json={"identifier": leaver.handle, "password": leaver.password}
    )
    authorised = {"Authorization": f"Bearer {session['accessJwt']}"}
    done = await http.post_json(
        xrpc + "deactivateAccount", json={}, headers=authorised, retry=False
    )
    assert done is None
    found: set[str] = set()
    for _ in range(100):
        found = {profile.platform_id for profile in await source.fetch([leaver.did, *others])}
        if leaver.did not in found:
            break
        await asyncio.sleep(0.2)
    assert found == set(others)
    with pytest.raises(Rejected, match="deactivated"):
        await collect(source, "actor", leaver.did)


async def test_a_server_that_is_gone_is_passing_trouble(http: HttpClient) -> None:
    source = BlueskySource(Reader(http, "https://appview.invalid"))
    with pytest.raises(Transient):
        await source.expand(Seed("bluesky", "actor", "alice.test"), None)


@pytest.mark.node
def test_the_unit_tests_payloads_are_valid_by_the_lexicons(
    atproto_network: AtprotoNetwork, tmp_path: Path
) -> None:
    modules = install()
    files = sorted(PAYLOADS.glob("*.json"))
    done = run_node("validate.mjs", *map(str, files), modules=modules)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is valid") == len(files) == 4
    # And the check can fail.
    wrong = tmp_path / "app.bsky.actor.getProfiles.json"
    wrong.write_text(json.dumps({"profiles": [{"did": "did:plc:abc", "handle": 7}]}))
    assert run_node("validate.mjs", str(wrong), modules=modules).returncode != 0
