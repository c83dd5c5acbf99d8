"""Every `ProfileSource`, each with what the suite needs to know of the world that it reads.

To add one: write an async context manager that yields a `SourceCase`, and enter it in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet
from omni_forum.source import ForumSource

from omni.connectors.bluesky.reader import Reader
from omni.connectors.bluesky.source import BlueskySource
from omni.connectors.http import HttpClient
from omni.connectors.mastodon.client import MastodonClient
from omni.connectors.mastodon.source import MastodonSource
from omni.connectors.matrix.client import MatrixClient
from omni.connectors.matrix.source import MatrixSource
from omni.connectors.ports import ProfileSource
from omni.connectors.synthetic.source import SyntheticSource
from omni.connectors.types import Seed
from omni.connectors.web.source import WebSource
from tests.e2e.atproto_network import AtprotoNetwork
from tests.e2e.product import free_ports
from tests.forum_server import GONE, HIDDEN, ODD, running_forum
from tests.mastodon_server import MastodonServer
from tests.synapse_server import SynapseServer
from tests.synthetic_fixtures import edit_person, quick_client, running_network
from tests.web_fixtures import HIDDEN_PERSON, ODD_PERSON, PEOPLE, running_site


@dataclass(frozen=True, slots=True)
class SourceCase:
    """A source and its world.

    Attributes:
        source: The source, with bounds that let its pages be walked quickly.
        seeds: For each of the source's seed types one that leads to somebody.
        paged: A seed of three pages or more.
        person: The id of somebody with a bio, posts and an avatar.
        gone: A well-formed id of nobody.
        unknown: A seed whose value names nobody; the platform refuses it.
        hidden: The id of somebody who asks not to be found.
        odd: The id of somebody whose bio holds control characters.
        down: The same source on a server that does not answer.
        lacks: Which of `hidden`, `odd`, `down` and `posts` the platform cannot have, each with the
            reason.
    """

    source: ProfileSource
    seeds: Mapping[str, Seed]
    paged: Seed
    person: str
    gone: str
    unknown: Seed
    hidden: str | None = None
    odd: str | None = None
    down: ProfileSource | None = None
    lacks: Mapping[str, str] = field(default_factory=dict[str, str])


MakeCase = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[SourceCase]]


def nowhere() -> str:
    """Return the base URL of a port of this machine where nobody listens."""
    return f"http://127.0.0.1:{free_ports(1)[0]}"


@asynccontextmanager
async def bluesky(request: pytest.FixtureRequest) -> AsyncGenerator[SourceCase]:
    """Bluesky's source on a real network."""
    network: AtprotoNetwork = request.getfixturevalue("atproto_network")
    names = ("actor", "followers", "follows")
    places = {
        "search": "solar",
        "hashtag": "#solar",
        "list": network.list,
        "starter_pack": network.starter_pack,
        "feed": network.feed,
        "likes": network.post,
        "reposts": network.post,
    }
    async with (
        HttpClient(user_agent="Omni-test", loopback={network.appview}) as http,
        quick_client() as other,
    ):
        yield SourceCase(
            source=BlueskySource(Reader(http, network.appview), page_size=20),
            seeds={name: Seed("bluesky", name, network.accounts[0].handle) for name in names}
            | {name: Seed("bluesky", name, value) for name, value in places.items()},
            paged=Seed("bluesky", "followers", network.hub),
            person=network.hub,
            gone="did:plc:" + "a" * 24,
            unknown=Seed("bluesky", "followers", "nobody-of-that-name.test"),
            hidden=network.with_role("private").did,
            odd=network.with_role("hostile").did,
            down=BlueskySource(Reader(other, nowhere())),
        )


@asynccontextmanager
async def mastodon(request: pytest.FixtureRequest) -> AsyncGenerator[SourceCase]:
    """Mastodon's source on a real server, as a stranger reads it."""
    server: MastodonServer = request.getfixturevalue("mastodon_server")
    hub = server.with_role("hub")
    async with quick_client(timeout_s=30.0) as http:
        yield SourceCase(
            source=MastodonSource(MastodonClient(http, server.url), page_size=20),
            seeds={
                "actor": Seed("mastodon", "actor", f"@{hub.acct}"),
                "followers": Seed("mastodon", "followers", hub.url),
                "following": Seed("mastodon", "following", hub.acct),
                "hashtag": Seed("mastodon", "hashtag", "#ceramics"),
                "search": Seed("mastodon", "search", "climate"),
                "directory": Seed("mastodon", "directory", "active"),
            },
            paged=Seed("mastodon", "followers", hub.url),
            person=hub.url,
            gone=f"{server.url}/@nobody",
            unknown=Seed("mastodon", "followers", "@nobody@nowhere.example"),
            hidden=server.with_role("hidden").url,
            odd=server.with_role("odd").url,
            down=MastodonSource(MastodonClient(http, nowhere())),
        )


@asynccontextmanager
async def matrix(request: pytest.FixtureRequest) -> AsyncGenerator[SourceCase]:
    """Matrix' source on a real homeserver, as one of its accounts reads it."""
    server: SynapseServer = request.getfixturevalue("synapse_server")
    host = server.with_role("host").user_id
    async with quick_client(timeout_s=30.0) as http:
        yield SourceCase(
            source=MatrixSource(MatrixClient(http, server.url, server.token), page_size=20),
            seeds={
                "search": Seed("matrix", "search", "climate"),
                "room": Seed("matrix", "room", server.ours),
                "actor": Seed("matrix", "actor", host),
            },
            paged=Seed("matrix", "room", server.open),
            person=host,
            gone="@nobody:matrix.test",
            unknown=Seed("matrix", "room", "#nowhere:matrix.test"),
            hidden=server.with_role("hidden").user_id,
            odd=server.with_role("odd").user_id,
            down=MatrixSource(MatrixClient(http, nowhere(), "token")),
            lacks={"posts": "what people say in rooms is talk, and is not read"},
        )


@asynccontextmanager
async def synthetic(request: pytest.FixtureRequest) -> AsyncGenerator[SourceCase]:
    """The synthetic network's source, over HTTP."""
    folder: Path = request.getfixturevalue("tmp_path")
    values = {"actor": "syn:3", "followers": "syn:3", "follows": "syn:3", "search": "pottery"}
    with running_network(folder / "network.sqlite", people=2_000) as url:
        edit_person(url, "syn:11", discoverable=False)
        edit_person(url, "syn:12", bio="nothing\x00here \x07 but \x1b[31mred \u202etxet")
        async with quick_client() as http:
            yield SourceCase(
                source=SyntheticSource(http, url),
                seeds={name: Seed("synthetic", name, value) for name, value in values.items()}
                | {"hashtag": Seed("synthetic", "hashtag", "#sourdough")},
                paged=Seed("synthetic", "search", "photography"),
                person="syn:8",
                gone="syn:999999",
                unknown=Seed("synthetic", "followers", "nobody"),
                hidden="syn:11",
                odd="syn:12",
                down=SyntheticSource(http, nowhere()),
            )


@asynccontextmanager
async def forum(request: pytest.FixtureRequest) -> AsyncGenerator[SourceCase]:
    """The source of the example in docs/examples, on a small forum."""
    with running_forum() as url:
        async with quick_client() as http:
            values = {"member": "member3", "topic": "7", "search": "pottery"}
            yield SourceCase(
                source=ForumSource(http, url),
                seeds={name: Seed("forum", name, value) for name, value in values.items()},
                paged=Seed("forum", "topic", "7"),
                person="8",
                gone=str(GONE),
                unknown=Seed("forum", "member", "nobody"),
                hidden=str(HIDDEN),
                odd=str(ODD),
                down=ForumSource(http, nowhere()),
            )


@asynccontextmanager
async def web(request: pytest.FixtureRequest) -> AsyncGenerator[SourceCase]:
    """Web pages of people, served by nginx."""
    folder: Path = request.getfixturevalue("tmp_path")
    with running_site(folder / "web") as site:
        async with quick_client() as http:
            yield SourceCase(
                source=WebSource(http, "Omni/test", page_size=20),
                seeds={
                    "page": Seed("web", "page", f"{site.url}/team.html"),
                    "sitemap": Seed("web", "sitemap", f"{site.url}/sitemap.xml"),
                },
                paged=Seed("web", "sitemap", f"{site.url}/sitemap.xml"),
                person=site.person(4),
                gone=site.person(PEOPLE + 9),
                unknown=Seed("web", "page", f"{site.url}/nothing-here.html"),
                hidden=site.person(HIDDEN_PERSON),
                odd=site.person(ODD_PERSON),
                lacks={"down": "a person's address names their server: there is no other to ask"},
            )


SOURCES: Mapping[str, tuple[MakeCase, tuple[pytest.MarkDecorator, ...]]] = {
    "bluesky": (bluesky, (pytest.mark.node,)),
    "forum": (forum, ()),
    "mastodon": (mastodon, (pytest.mark.xdist_group("mastodon"),)),
    "matrix": (matrix, (pytest.mark.xdist_group("matrix"),)),
    "synthetic": (synthetic, ()),
    "web": (web, ()),
}


def source_params() -> list[ParameterSet]:
    """Return the sources as parameters of a fixture."""
    return [pytest.param(make, id=name, marks=marks) for name, (make, marks) in SOURCES.items()]
