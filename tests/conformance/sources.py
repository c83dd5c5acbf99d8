"""Every `ProfileSource`, each with what the suite needs to know of the world that it reads.

To add one: write an async context manager that yields a `SourceCase`, and enter it in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from omni.connectors.bluesky.source import BlueskySource
from omni.connectors.http import HttpClient
from omni.connectors.ports import ProfileSource
from omni.connectors.synthetic.source import SyntheticSource
from omni.connectors.types import Seed
from tests.e2e.atproto_network import AtprotoNetwork
from tests.synthetic_fixtures import quick_client, running_network


@dataclass(frozen=True, slots=True)
class SourceCase:
    """A source and its world.

    Attributes:
        seeds: For each of the source's seed types one that leads to somebody.
        paged: A seed of three pages or more.
        person: The id of somebody with a bio, posts and an avatar.
        gone: A well-formed id of nobody.
        unknown: A seed whose value names nobody; the platform refuses it.
    """

    source: ProfileSource
    seeds: Mapping[str, Seed]
    paged: Seed
    person: str
    gone: str
    unknown: Seed


MakeCase = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[SourceCase]]


@asynccontextmanager
async def bluesky(request: pytest.FixtureRequest) -> AsyncGenerator[SourceCase]:
    """Bluesky's source on a real network."""
    network: AtprotoNetwork = request.getfixturevalue("atproto_network")
    names = ("actor", "followers", "follows")
    async with HttpClient(user_agent="Omni-test", loopback={network.appview}) as http:
        yield SourceCase(
            source=BlueskySource(http, network.appview, page_size=20),
            seeds={name: Seed("bluesky", name, network.accounts[0].handle) for name in names}
            | {"search": Seed("bluesky", "search", "solar")},
            paged=Seed("bluesky", "followers", network.hub),
            person=network.hub,
            gone="did:plc:" + "a" * 24,
            unknown=Seed("bluesky", "followers", "nobody-of-that-name.test"),
        )


@asynccontextmanager
async def synthetic(request: pytest.FixtureRequest) -> AsyncGenerator[SourceCase]:
    """The synthetic network's source, over HTTP."""
    folder: Path = request.getfixturevalue("tmp_path")
    values = {"actor": "syn:3", "followers": "syn:3", "follows": "syn:3", "search": "pottery"}
    with running_network(folder / "network.sqlite", people=2_000) as url:
        async with quick_client() as http:
            yield SourceCase(
                source=SyntheticSource(http, url),
                seeds={name: Seed("synthetic", name, value) for name, value in values.items()}
                | {"hashtag": Seed("synthetic", "hashtag", "#sourdough")},
                paged=Seed("synthetic", "search", "photography"),
                person="syn:8",
                gone="syn:999999",
                unknown=Seed("synthetic", "followers", "nobody"),
            )


SOURCES: Mapping[str, tuple[MakeCase, tuple[pytest.MarkDecorator, ...]]] = {
    "bluesky": (bluesky, (pytest.mark.node,)),
    "synthetic": (synthetic, ()),
}


def source_params() -> list[ParameterSet]:
    """Return the sources as parameters of a fixture."""
    return [pytest.param(make, id=name, marks=marks) for name, (make, marks) in SOURCES.items()]
