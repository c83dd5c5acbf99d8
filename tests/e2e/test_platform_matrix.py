"""Every way to find people on Matrix, through the whole product, on a real homeserver."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.platform_script import PlatformScript, run_platform
from tests.e2e.product import running_product
from tests.synapse_server import SynapseServer

pytestmark = pytest.mark.xdist_group("matrix")


async def test_people_are_found_by_every_seed_type(
    tmp_path: Path,
    database_url: str,
    valkey_url: str,
    queue_prefix: str,
    synapse_server: SynapseServer,
) -> None:
    async with running_product(
        tmp_path,
        database_url,
        valkey_url,
        queue_prefix,
        matrix_url=synapse_server.url,
        matrix_token=synapse_server.token,
    ) as product:
        await run_platform(product, script_for(synapse_server), tmp_path)
        assert synapse_server.token not in product.logs.read_text()


def script_for(server: SynapseServer) -> PlatformScript:
    """Return what the homeserver's people can be found by: `hidden` by nothing."""
    members = [p for p in server.people if p.role not in ("hidden", "leaver")]
    lovers = [p for p in members if p.theme == "ceramics"]
    return PlatformScript(
        platform="matrix",
        seeds={
            "actor": (f"https://matrix.to/#/{server.people[0].user_id}", 1),
            "search": ("cycling", sum(p.theme == "cycling" for p in members)),
            "room": (server.open, len(members)),
        },
        criteria={"field": "bio", "op": "matches", "value": "ceramics"},
        candidates=sum(p.role != "bare" for p in lovers),
        hidden=frozenset(p.user_id for p in server.people if p.role == "hidden"),
        least_people=60,
        least_images=60,
    )
