"""The Matrix source on a real homeserver: directory, rooms, pictures, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pydantic import SecretStr

from omni.base.errors import Rejected, Transient
from omni.base.settings import Settings
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.matrix.client import MatrixClient
from omni.connectors.matrix.connector import media_authorizations
from omni.connectors.matrix.source import MatrixSource
from omni.connectors.types import Seed
from tests.http_fixtures import ScriptedServer, client, reply, scripted_server
from tests.synapse_server import PEOPLE, SynapseServer
from tests.synthetic_fixtures import quick_client

ANN = "@ann:far.example"


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with quick_client(timeout_s=30.0) as opened:
        yield opened


@pytest.fixture
def source(http: HttpClient, synapse_server: SynapseServer) -> MatrixSource:
    return MatrixSource(MatrixClient(http, synapse_server.url + "/", synapse_server.token))


def seed(kind: str, value: str) -> Seed:
    return Seed("matrix", kind, value)


async def test_the_directory_finds_people_by_name(
    source: MatrixSource, synapse_server: SynapseServer
) -> None:
    page = await source.expand(seed("search", "  cycling "), None)
    named = {p.user_id for p in synapse_server.people if "cycling" in p.user_id}
    assert named <= set(page.platform_ids)
    assert page.cursor is None


async def test_members_of_a_room_we_are_in(
    source: MatrixSource, synapse_server: SynapseServer
) -> None:
    page = await source.expand(seed("room", synapse_server.ours), None)
    wanted = {
        p.user_id for p in synapse_server.people if p.theme == "ceramics" and p.role != "leaver"
    }
    assert set(page.platform_ids) == wanted | {
        synapse_server.reader,
        synapse_server.people[0].user_id,
    }


async def test_members_of_a_room_that_anybody_may_read(
    http: HttpClient, synapse_server: SynapseServer
) -> None:
    api = MatrixClient(http, synapse_server.url, synapse_server.token)
    source = MatrixSource(api, page_size=30)
    pages: list[tuple[str, ...]] = []
    cursor: str | None = None
    while cursor or not pages:
        page = await source.expand(seed("room", synapse_server.open), cursor)
        pages.append(page.platform_ids)
        cursor = page.cursor
    assert [len(page) for page in pages] == [30, 30, PEOPLE - 61]
    assert synapse_server.reader not in {user for page in pages for user in page}
    # Looking at it has not made the account a member.
    joined = await api.get("/joined_rooms")
    assert len(joined["joined_rooms"]) == 1


async def test_a_room_that_is_closed_stays_closed(
    source: MatrixSource, synapse_server: SynapseServer
) -> None:
    with pytest.raises(Rejected, match="may not see who is in") as refused:
        await source.expand(seed("room", synapse_server.closed), None)
    assert refused.value.field == "seed_value"


async def test_profiles_say_what_people_say_of_themselves(
    source: MatrixSource, synapse_server: SynapseServer
) -> None:
    roles = ("host", "hidden", "bare", "leaver")
    people = {role: synapse_server.with_role(role) for role in roles}
    found = {p.platform_id: p for p in await source.fetch([p.user_id for p in people.values()])}
    profiles = {role: found.get(person.user_id) for role, person in people.items()}
    host, hidden, bare = profiles["host"], profiles["hidden"], profiles["bare"]
    assert host
    assert host.bio == "I love ceramics, and live in Bristol."
    assert host.display_name == "Host of ceramics"
    assert hidden
    assert not hidden.discoverable
    assert bare
    assert (bare.bio, bare.image_urls) == (None, ())
    gone = profiles["leaver"]
    assert gone is None or (gone.display_name, gone.image_urls) == (None, ())


async def test_pictures_come_with_the_token_and_only_with_it(
    source: MatrixSource, http: HttpClient, synapse_server: SynapseServer
) -> None:
    (profile,) = await source.fetch([synapse_server.people[0].user_id])
    (url,) = profile.image_urls
    assert url.startswith(f"{synapse_server.url}/_matrix/client/v1/media/download/")
    with pytest.raises(HttpRejected) as refused:
        await http.get_bytes(url, accept="image/*")
    assert refused.value.status == 401
    settings = Settings(
        data_dir=Path(),
        matrix_url=synapse_server.url + "/",
        matrix_token=SecretStr(synapse_server.token),
    )
    said = media_authorizations(settings)
    async with HttpClient.from_settings(
        settings, base_urls=[synapse_server.url], authorizations=said
    ) as known:
        picture = await known.get_bytes(url, accept="image/*")
        assert Image.open(BytesIO(picture)).size == (96, 96)
        whoami = f"{synapse_server.url}/_matrix/client/v3/account/whoami"
        for other in (whoami, url.replace("/download/", "/download/../../../v3/account/whoami?")):
            with pytest.raises(HttpRejected) as refused:
                await known.get_json(other)
            assert refused.value.status in (401, 404)


async def test_a_token_that_is_not_taken_is_named(
    http: HttpClient, synapse_server: SynapseServer
) -> None:
    stranger = MatrixSource(MatrixClient(http, synapse_server.url, "no token"))
    for call in (
        stranger.expand(seed("search", "ann"), None),
        stranger.expand(seed("room", synapse_server.ours), None),
        stranger.fetch([synapse_server.people[0].user_id]),
    ):
        with pytest.raises(Rejected, match="does not take the token of OMNI_MATRIX_TOKEN"):
            await call


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedServer]:
    """A homeserver of the time before tokens for media, whose neighbour does not answer."""
    async with scripted_server() as server:
        server.on("/_matrix/client/versions", reply(body=b'{"versions": ["v1.9"]}'))
        server.on(
            "/_matrix/client/v3/user_directory/search",
            reply(body=b'{"results": [{"user_id": "@ann:far.example", "display_name": "Ann",'
                  b'"avatar_url": "mxc://far.example/a"}, {"user_id": "@_irc_bob:far.example"},'
                  b'{"user_id": 7}, null], "limited": true}'),
        )  # fmt: skip
        server.on("/_matrix/client/v3/profile/%40ann%3Afar.example", reply(502))
        yield server


async def test_a_neighbour_that_is_down_leaves_what_the_directory_said(
    scripted: ScriptedServer,
) -> None:
    async with client() as http:
        source = MatrixSource(MatrixClient(http, scripted.url, "token"))
        with pytest.raises(Transient):
            await source.fetch([ANN])
        page = await source.expand(seed("search", "ann"), None)
        assert page.platform_ids == (ANN,)
        (profile,) = await source.fetch([ANN])
    assert profile.display_name == "Ann"
    assert profile.image_urls == (f"{scripted.url}/_matrix/media/v3/download/far.example/a",)


@pytest.mark.parametrize("header", [{"retry_after": "1"}, {}])
async def test_a_limit_is_waited_for(scripted: ScriptedServer, header: dict[str, str]) -> None:
    """Newer homeservers say it in a header too, older ones in the body alone."""
    body = b'{"errcode": "M_LIMIT_EXCEEDED", "error": "Slow", "retry_after_ms": 1000}'
    path = "/_matrix/client/v3/profile/%40ann%3Afar.example"
    scripted.on(path, reply(429, body, **header), reply(body=b'{"displayname": "Ann"}'))
    async with client() as http:
        source = MatrixSource(MatrixClient(http, scripted.url, "token"))
        (profile,) = await source.fetch([ANN])
        assert [host.limited for host in http.metrics()] == [1]
    assert profile.display_name == "Ann"
    assert scripted.count(path) == 2


async def test_a_long_limit_is_handed_on(scripted: ScriptedServer) -> None:
    body = b'{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 600000}'
    scripted.on("/_matrix/client/v3/profile/%40ann%3Afar.example", reply(429, body))
    async with client() as http:
        source = MatrixSource(MatrixClient(http, scripted.url, "token"))
        with pytest.raises(Transient) as limited:
            await source.fetch([ANN])
    assert limited.value.retry_after == 600.0
