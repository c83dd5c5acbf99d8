"""People on web pages, found through the whole product, on a site that nginx serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.five_steps import finished, settled
from tests.e2e.product import Product, running_product
from tests.web_fixtures import HIDDEN_PERSON, PEOPLE, Site, running_site

IMAGES = "select profile_id, position, sha256, bytes from images order by 1, 2"
PEOPLE_ROWS = """
    select r.platform_id, f.* from profiles_raw r join profile_features f using (profile_id)
"""
WRITTEN = """
    select r.platform_id, f.xmin::text as features, r.content_hash
    from profiles_raw r join profile_features f using (profile_id) order by r.platform_id
"""


async def test_people_are_found_by_every_seed_type_and_again_for_nothing(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    with running_site(tmp_path / "web") as site:
        async with running_product(
            tmp_path, database_url, valkey_url, queue_prefix, http_loopback_origins=site.url
        ) as product:
            (web,) = [each for each in await product.api.platforms() if each.platform == "web"]
            assert {seed.name for seed in web.seeds} == {"page", "sitemap"}
            campaign = await product.api.create_campaign(
                name="Climate",
                brief="People who research the climate.",
                criteria={"field": "bio", "op": "matches", "value": "climate"},
            )
            found = await _discover(product, campaign.id, "sitemap", f"{site.url}/sitemap.xml")
            assert found["profiles"] == PEOPLE - 1
            one = await _discover(product, campaign.id, "page", site.person(3))
            assert (one["profiles"], one["unchanged"]) == (1, 1)
            await settled(product, "images.%")
            await _everybody_is_as_their_page_says(product, site)
            await _pictures_are_stored(product, tmp_path)
            await _again_writes_nothing(product, campaign.id, site)


async def _discover(
    product: Product, campaign_id: int, seed_type: str, value: str
) -> dict[str, Any]:
    started = await product.api.discover(
        campaign_id, platform="web", seed_type=seed_type, seed_value=value
    )
    return await finished(product, str(started.job_id))


async def _everybody_is_as_their_page_says(product: Product, site: Site) -> None:
    rows = await product.rows(PEOPLE_ROWS)
    people = {row["platform_id"]: row for row in rows}
    assert len(people) == PEOPLE - 1
    assert site.person(HIDDEN_PERSON) not in people
    assert not any("/secret/" in url or "alias" in url for url in people)
    names = [people[site.person(n)]["display_name"] for n in (4, 5, 6, 7)]
    assert names == ["Ada 4", "Bo 5", "Cy 6", "Person 7"]
    usernames = [people[site.person(n)]["username"] for n in (4, 5, 6)]
    assert usernames == ["ada4", "bo5", "cy6"]
    assert people[site.person(4)]["followers"] == 104
    assert all("Zoë" in row["bio"] for row in people.values())


async def _pictures_are_stored(product: Product, folder: Path) -> None:
    images = await product.rows(IMAGES)
    assert len({image["profile_id"] for image in images}) >= PEOPLE * 3 // 4 - 1
    stored = {
        path.name.partition("-")[0]: path.stat().st_size for path in (folder / "data").rglob("*")
    }
    assert all(stored[image["sha256"]] == image["bytes"] for image in images)


async def _again_writes_nothing(product: Product, campaign_id: int, site: Site) -> None:
    """Nothing has changed, and nginx says so without a body."""
    images, before = await product.rows(IMAGES), await product.rows(WRITTEN)
    whole, unchanged = site.answers(200), site.answers(304)
    found = await _discover(product, campaign_id, "sitemap", f"{site.url}/sitemap.xml")
    assert (found["profiles"], found["unchanged"]) == (PEOPLE - 1, PEOPLE - 1)
    assert site.answers(304) - unchanged == PEOPLE
    assert site.answers(200) == whole
    assert await product.rows(WRITTEN) == before
    assert await product.rows(IMAGES) == images
    assert site.answers(200, "/secret/") == 0
