"""What each platform shows: people by every seed type, pictures, a second run for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.five_steps import finished, settled
from tests.e2e.product import Product

IMAGES = "select profile_id, position, sha256, bytes from images order by 1, 2"
WRITTEN = """
    select r.platform_id, f.xmin::text as features, r.content_hash
    from profiles_raw r join profile_features f using (profile_id) order by r.platform_id
"""
SEEN = "select platform_id, last_seen from profiles_raw order by platform_id"


@dataclass(frozen=True, slots=True)
class PlatformScript:
    """What differs between platforms.

    Attributes:
        seeds: For each seed type a value as people write it, and how many people it leads to.
        criteria: What the campaign asks for.
        candidates: How many people fulfil it once all seeds have been walked.
        hidden: Ids of people whom the seeds lead to and who asks not to be found.
        least_people: How many people are known in the end, at least.
        least_images: How many of them have their picture stored, at least.
    """

    platform: str
    seeds: Mapping[str, tuple[str, int]]
    criteria: dict[str, Any]
    candidates: int
    hidden: frozenset[str]
    least_people: int
    least_images: int


async def run_platform(product: Product, script: PlatformScript, folder: Path) -> int:
    """Run the script, asserting each step on the tables; return the campaign's id."""
    await _it_is_explained(product, script)
    campaign = await product.api.create_campaign(
        name=f"{script.platform} people",
        brief="People who love ceramics.",
        criteria=script.criteria,
    )
    for name, (_, exactly) in script.seeds.items():
        found = await _discover(product, script, campaign.id, name)
        assert found["profiles"] == exactly, (name, found)
    await settled(product)
    await settled(product, "images.%")
    await _who_hides_is_not_kept(product, script)
    kept = await product.count("campaign_candidates", f"campaign_id = {campaign.id}")
    assert kept == script.candidates
    await _pictures_are_stored(product, script, folder)
    await _again_writes_nothing(product, script, campaign.id)
    return campaign.id


async def _it_is_explained(product: Product, script: PlatformScript) -> None:
    (platform,) = [p for p in await product.api.platforms() if p.platform == script.platform]
    assert {seed.name for seed in platform.seeds} == set(script.seeds) == set(platform.seed_types)
    assert all(seed.about and seed.example for seed in platform.seeds)


async def _discover(
    product: Product, script: PlatformScript, campaign_id: int, name: str
) -> dict[str, Any]:
    started = await product.api.discover(
        campaign_id,
        platform=script.platform,
        seed_type=name,
        seed_value=script.seeds[name][0],
    )
    return await finished(product, str(started.job_id))


async def _who_hides_is_not_kept(product: Product, script: PlatformScript) -> None:
    kept = {row["platform_id"] for row in await product.rows(SEEN)}
    assert len(kept) >= script.least_people
    assert script.hidden
    assert not script.hidden & kept
    assert await product.count("profile_features") == len(kept)


async def _pictures_are_stored(product: Product, script: PlatformScript, folder: Path) -> None:
    images = await product.rows(IMAGES)
    owners = {image["profile_id"] for image in images if image["position"] == 0}
    jobs = await product.rows("select state, result from jobs where kind like 'images.%'")
    assert len(owners) >= script.least_images, (len(owners), jobs)
    stored = {
        path.name.partition("-")[0]: path.stat().st_size for path in (folder / "data").rglob("*")
    }
    assert all(stored[image["sha256"]] == image["bytes"] for image in images)


async def _again_writes_nothing(product: Product, script: PlatformScript, campaign_id: int) -> None:
    """Walk every seed again: everybody is seen, nothing else is written or fetched twice."""
    images, written = await product.rows(IMAGES), await product.rows(WRITTEN)
    seen = {row["platform_id"]: row["last_seen"] for row in await product.rows(SEEN)}
    for name, (_, exactly) in script.seeds.items():
        found = await _discover(product, script, campaign_id, name)
        assert (found["new"], found["changed"]) == (0, 0), (name, found)
        assert found["unchanged"] == exactly, (name, found)
    await settled(product, "images.%")
    assert await product.rows(WRITTEN) == written
    assert await product.rows(IMAGES) == images
    assert all(row["last_seen"] > seen[row["platform_id"]] for row in await product.rows(SEEN))
