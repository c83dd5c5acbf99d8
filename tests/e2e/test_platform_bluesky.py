"""Every way to find people on Bluesky, through the whole product, on a real AT Protocol network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni.connectors.bluesky.listings import LISTINGS
from omni.connectors.http import HttpClient
from tests.e2e.atproto_network import AtprotoNetwork
from tests.e2e.five_steps import finished, settled
from tests.e2e.product import Product, running_product

pytestmark = pytest.mark.xdist_group("atproto")

IMAGES = "select profile_id, position, sha256, bytes from images order by 1, 2"
WRITTEN = """
    select r.platform_id, f.xmin::text as features, r.content_hash, r.last_seen
    from profiles_raw r join profile_features f using (profile_id) order by r.platform_id
"""


async def test_people_are_found_by_every_seed_type(
    tmp_path: Path,
    database_url: str,
    valkey_url: str,
    queue_prefix: str,
    atproto_network: AtprotoNetwork,
) -> None:
    network = atproto_network
    reader = network.accounts[7]
    assert len(network.accounts) >= 60
    async with running_product(
        tmp_path,
        database_url,
        valkey_url,
        queue_prefix,
        bluesky_appview_url=network.appview,
        bluesky_pds_url=network.pds,
        bluesky_handle=reader.handle,
        bluesky_app_password=await app_password(network.pds, reader.handle, reader.password),
    ) as product:
        await _platform_is_explained(product)
        campaign = await product.api.create_campaign(
            name="Climate",
            brief="People who research the climate.",
            criteria={"field": "bio", "op": "matches", "value": "climate or solar"},
        )
        seeds = seeds_of(network)
        for name, (value, least) in seeds.items():
            found = await _discover(product, campaign.id, name, value)
            assert found["profiles"] >= least, (name, found)
        await settled(product, "images.%")
        await _nobody_hidden_is_kept(product, network)
        await _pictures_are_stored(product, tmp_path)
        await _again_writes_nothing(product, campaign.id, seeds)
        assert reader.password not in product.logs.read_text()


def seeds_of(network: AtprotoNetwork) -> dict[str, tuple[str, int]]:
    """Return for each seed type a value as people write it, and how many people it leads to."""
    hub = next(account for account in network.accounts if account.did == network.hub)
    page = f"https://bsky.app/profile/{hub.handle}"
    key = {uri: uri.rpartition("/")[2] for uri in (network.list, network.feed, network.post)}
    return {
        "actor": (f"@{network.accounts[3].handle}", 1),
        "follows": (page, 20),
        "search": ("solar", 8),
        "hashtag": ("#climate", 8),
        "list": (f"{page}/lists/{key[network.list]}", 28),
        "starter_pack": (network.starter_pack, 28),
        "feed": (f"{page}/feed/{key[network.feed]}", 40),
        "reposts": (f"{page}/post/{key[network.post]}", 30),
        "likes": (network.post, 60),
        "followers": (network.hub, 60),
    }


async def _platform_is_explained(product: Product) -> None:
    (bluesky,) = [p for p in await product.api.platforms() if p.platform == "bluesky"]
    assert {seed.name for seed in bluesky.seeds} == {"actor", *LISTINGS}
    assert all(seed.about and seed.example for seed in bluesky.seeds)


async def _discover(
    product: Product, campaign_id: int, seed_type: str, value: str
) -> dict[str, Any]:
    started = await product.api.discover(
        campaign_id, platform="bluesky", seed_type=seed_type, seed_value=value
    )
    return await finished(product, str(started.job_id))


async def _nobody_hidden_is_kept(product: Product, network: AtprotoNetwork) -> None:
    hidden = {a.did for a in network.accounts if a.role in ("private", "moderated")}
    assert len(hidden) == 4
    kept = {row["platform_id"] for row in await product.rows("select * from profiles_raw")}
    assert len(kept) >= 60
    assert not hidden & kept


async def _pictures_are_stored(product: Product, folder: Path) -> None:
    images = await product.rows(IMAGES)
    assert len({image["profile_id"] for image in images if image["position"] == 0}) >= 50
    assert any(image["position"] == 1 for image in images), "banners"
    stored = {
        path.name.partition("-")[0]: path.stat().st_size for path in (folder / "data").rglob("*")
    }
    assert all(stored[image["sha256"]] == image["bytes"] for image in images)


async def _again_writes_nothing(
    product: Product, campaign_id: int, seeds: dict[str, tuple[str, int]]
) -> None:
    """A second run of the widest seeds: everybody is seen, nothing else is written."""
    images = await product.rows(IMAGES)
    before = await product.rows(WRITTEN)
    for name in ("followers", "likes", "feed"):
        found = await _discover(product, campaign_id, name, seeds[name][0])
        assert (found["new"], found["changed"]) == (0, 0), (name, found)
        assert found["unchanged"] == found["profiles"] >= seeds[name][1]
    await settled(product, "images.%")
    after = await product.rows(WRITTEN)
    kept = ("platform_id", "features", "content_hash")
    assert [[row[k] for k in kept] for row in after] == [[row[k] for k in kept] for row in before]
    assert all(
        now["last_seen"] >= then["last_seen"] for now, then in zip(after, before, strict=True)
    )
    assert await product.rows(IMAGES) == images


async def app_password(pds: str, handle: str, password: str) -> str:
    """Make an app password, as a person does in the app's settings."""
    server = f"{pds}/xrpc/com.atproto.server."
    async with HttpClient(user_agent="Omni-test", loopback={pds}) as http:
        session = await http.post_json(
            server + "createSession", json={"identifier": handle, "password": password}
        )
        made = await http.post_json(
            server + "createAppPassword",
            json={"name": f"omni-{handle[:12]}"},
            headers={"Authorization": f"Bearer {session['accessJwt']}"},
            retry=False,
        )
    return str(made["password"])
