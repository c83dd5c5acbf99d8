"""Every way to find people on Mastodon, through the whole product, on a server with its API."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.platform_script import PlatformScript, run_platform
from tests.e2e.product import running_product
from tests.mastodon_server import MastodonServer

pytestmark = pytest.mark.xdist_group("mastodon")


async def test_people_are_found_by_every_seed_type(
    tmp_path: Path,
    database_url: str,
    valkey_url: str,
    queue_prefix: str,
    mastodon_server: MastodonServer,
) -> None:
    mastodon_server.mend()
    async with running_product(
        tmp_path,
        database_url,
        valkey_url,
        queue_prefix,
        mastodon_url=mastodon_server.url,
        mastodon_token=mastodon_server.token,
    ) as product:
        await run_platform(product, script_for(mastodon_server), tmp_path)
        feeds = "select bio, posts_per_week, has_avatar from profile_features where is_bot"
        (bot,) = await product.rows(feeds)
        assert bot["bio"]
        assert bot["has_avatar"]
        assert mastodon_server.token not in product.logs.read_text()


def script_for(server: MastodonServer) -> PlatformScript:
    """Return what the server's people can be found by: `hidden` and `nobot` by nothing."""
    hub = server.with_role("hub")
    home = server.url.removeprefix("http://")
    shown = [p for p in server.people if p.role not in ("hidden", "nobot")]
    writers = [p for p in shown if p.theme == "ceramics" and p.role != "bare"]
    return PlatformScript(
        platform="mastodon",
        seeds={
            "actor": (f"@{hub.acct}@{home}", 1),
            "following": (hub.url, 29 - 2),
            "hashtag": ("#ceramics", len(writers)),
            "search": ("cycling", sum("cycling" in p.username for p in shown)),
            "directory": ("local new", sum(p.token is not None for p in shown)),
            "followers": (f"@{hub.acct}", len(shown) - 1),
        },
        criteria={"field": "bio", "op": "matches", "value": "ceramics"},
        candidates=len(writers),
        hidden=frozenset(p.url for p in server.people if p not in shown),
        least_people=len(shown),
        least_images=60,
    )
