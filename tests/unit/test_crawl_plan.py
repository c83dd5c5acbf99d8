"""The bounds within which a crawl may be asked for."""

from __future__ import annotations

import pytest

from omni.base.errors import Rejected
from omni.connectors.types import Seed
from omni.crawl.plan import check_config, check_seed
from omni.jobs.types import CrawlConfig


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (CrawlConfig(max_profiles=0), "crawl_config.max_profiles"),
        (CrawlConfig(max_profiles=10**9), "crawl_config.max_profiles"),
        (CrawlConfig(max_pages=-1), "crawl_config.max_pages"),
        (CrawlConfig(max_depth=4), "crawl_config.max_depth"),
        (CrawlConfig(max_depth=-1), "crawl_config.max_depth"),
        (CrawlConfig(max_breadth=0), "crawl_config.max_breadth"),
        (CrawlConfig(max_bytes=0), "crawl_config.max_bytes"),
        (CrawlConfig(max_bytes=10**15), "crawl_config.max_bytes"),
        (CrawlConfig(max_seconds=0), "crawl_config.max_seconds"),
        (CrawlConfig(max_seconds=86_400), "crawl_config.max_seconds"),
    ],
)
def test_bounds_out_of_bounds_are_named(config: CrawlConfig, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        check_config(config)
    assert caught.value.field == field


def test_bounds_within_bounds_pass() -> None:
    assert check_config(CrawlConfig()) == CrawlConfig()


@pytest.mark.parametrize(
    ("seed", "config", "field"),
    [
        (Seed("p", "wedding", "x"), CrawlConfig(), "seed_type"),
        (Seed("p", "search", " \n"), CrawlConfig(), "seed_value"),
        (Seed("p", "search", "x" * 501), CrawlConfig(), "seed_value"),
        (Seed("p", "search", "x"), CrawlConfig(max_depth=1), "crawl_config.max_depth"),
    ],
)
def test_seeds_that_lead_nowhere_are_refused(seed: Seed, config: CrawlConfig, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        check_seed(seed, {"search"}, config)
    assert caught.value.field == field


def test_a_seed_is_freed_of_white_space() -> None:
    assert check_seed(Seed("p", "search", " two words "), {"search"}, CrawlConfig()).value == (
        "two words"
    )
