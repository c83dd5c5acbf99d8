"""The five-step script on a real AT Protocol network: servers that we did not write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.atproto_network import AtprotoNetwork
from tests.e2e.five_steps import Script, run_five_steps, settled
from tests.e2e.product import Product, running_product

pytestmark = pytest.mark.xdist_group("atproto")


async def test_five_steps_on_a_real_network(
    tmp_path: Path,
    database_url: str,
    valkey_url: str,
    queue_prefix: str,
    atproto_network: AtprotoNetwork,
) -> None:
    assert len(atproto_network.accounts) >= 60
    script = Script(
        platform="bluesky",
        seed_type="followers",
        seed_value=atproto_network.hub,
        brief="Researchers and engineers who work on solar energy or the climate.",
        criteria={"field": "bio", "op": "matches", "value": "climate or solar"},
        changed_criteria={"field": "bio", "op": "matches", "value": "climate"},
        least_profiles=55,
        least_leads=5,
    )
    async with running_product(
        tmp_path,
        database_url,
        valkey_url,
        queue_prefix,
        bluesky_appview_url=atproto_network.appview,
    ) as product:
        campaign_id = await run_five_steps(product, script)
        await _leads_are_of_the_theme(product, campaign_id, atproto_network)
        await _people_who_hide_are_not_kept(product, atproto_network)
        await _avatars_are_stored(product, tmp_path)


async def _leads_are_of_the_theme(
    product: Product, campaign_id: int, network: AtprotoNetwork
) -> None:
    themes = {account.did: account.theme for account in network.accounts}
    leads = [lead async for lead in product.api.iter_leads(campaign_id)]
    wanted = [lead for lead in leads if lead.state == "new"]
    assert wanted
    assert {themes[lead.platform_id] for lead in wanted} == {"climate"}


async def _people_who_hide_are_not_kept(product: Product, network: AtprotoNetwork) -> None:
    hidden = network.with_role("private").did
    assert await product.count("profiles_raw", f"platform_id = '{hidden}'") == 0


async def _avatars_are_stored(product: Product, folder: Path) -> None:
    await settled(product, "images.fetch")
    images = await product.rows("select sha256, bytes from images where position = 0")
    assert len(images) > 30
    stored = {
        path.name.partition("-")[0]: path.stat().st_size
        for path in (folder / "data").rglob("*")
        if path.is_file()
    }
    assert all(stored[image["sha256"]] == image["bytes"] for image in images)
