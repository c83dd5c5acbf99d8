"""A connector of a package of its own, found by its entry point: listed, explained, and crawled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.five_steps import finished, settled
from tests.e2e.product import Product, running_product
from tests.forum_server import HIDDEN, MEMBERS, install_example, running_forum

pytestmark = pytest.mark.xdist_group("product")


async def test_an_installed_package_brings_its_platform(
    tmp_path: Path,
    database_url: str,
    valkey_url: str,
    queue_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = install_example(tmp_path / "site")
    with running_forum() as url:
        monkeypatch.setenv("PYTHONPATH", str(site))
        monkeypatch.setenv("FORUM_URL", url)
        async with running_product(tmp_path, database_url, valkey_url, queue_prefix) as product:
            _the_command_line_lists_it(product, tmp_path)
            await _its_people_are_found(product)


def _the_command_line_lists_it(product: Product, folder: Path) -> None:
    port = product.api_url.rpartition(":")[2]
    told = subprocess.run(
        [sys.executable, "-m", "omni.cli.main", "platforms", "--json"],
        env=os.environ | {"OMNI_API_PORT": port, "OMNI_DATA_DIR": str(folder / "data")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    platforms = {each["platform"]: each for each in json.loads(told.stdout)}
    assert {"bluesky", "synthetic"} <= platforms.keys()
    assert [seed["name"] for seed in platforms["forum"]["seeds"]] == ["search", "topic", "member"]
    assert all(seed["about"] and seed["example"] for seed in platforms["forum"]["seeds"])


async def _its_people_are_found(product: Product) -> None:
    campaign = await product.api.create_campaign(
        name="Potters", brief="Potters.", criteria={"field": "bio", "op": "matches", "value": "x"}
    )
    for expected in ("new", "unchanged"):
        started = await product.api.discover(
            campaign.id, platform="forum", seed_type="topic", seed_value="7"
        )
        found = await finished(product, str(started.job_id))
        assert (found["profiles"], found[expected]) == (MEMBERS - 1, MEMBERS - 1)
    assert not await product.count("profiles_raw", f"platform_id = '{HIDDEN}'")
    await settled(product, "images.%")
    assert await product.count("images") == MEMBERS - 1
