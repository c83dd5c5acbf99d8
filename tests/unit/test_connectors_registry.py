"""Which connectors there are, and what becomes of foreign ones that are wrong."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pydantic import SecretStr

from omni.base.errors import Fatal
from omni.base.settings import Settings
from omni.connectors.connector import Connector
from omni.connectors.registry import GROUP, OWN, load_connectors
from tests.synthetic_fixtures import quick_client

FOREIGN = Connector("forum")
TAKEN = Connector("bluesky")
MISNAMED = Connector("A Forum")
NONE = object()


def point(name: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:{name}", GROUP)


def test_foreign_connectors_come_after_our_own() -> None:
    assert load_connectors([point("FOREIGN")]) == (*OWN, FOREIGN)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("TAKEN", "is taken"),
        ("MISNAMED", "is wrong"),
        ("NONE", "is no omni"),
        ("MISSING", "cannot be loaded"),
    ],
)
def test_a_wrong_connector_is_refused_by_name(name: str, why: str) -> None:
    with pytest.raises(Fatal, match=why) as refused:
        load_connectors([point(name)])
    assert f"test_connectors_registry:{name}" in str(refused.value)


async def test_every_seed_type_is_told_with_an_example() -> None:
    settings = Settings(
        data_dir=Path(),
        mastodon_url="https://mastodon.example",
        matrix_url="https://matrix.example",
        matrix_token=SecretStr("token"),
    )
    async with quick_client() as http:
        for connector in OWN:
            source = connector.source(http, settings) if connector.source else None
            told = [seed.name for seed in connector.seeds]
            assert sorted(told) == sorted(source.seed_types if source else ()), connector.platform
            assert all(seed.about.endswith(".") and seed.example for seed in connector.seeds)
