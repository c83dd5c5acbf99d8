"""The bounds within which a crawl may be asked for. Pure."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from omni.base.errors import Rejected
from omni.connectors.types import Seed
from omni.jobs.types import CrawlConfig

MINIMA = CrawlConfig(
    max_profiles=1, max_pages=1, max_depth=0, max_breadth=1, max_bytes=1_000, max_seconds=1
)
MAXIMA = CrawlConfig(
    max_profiles=100_000,
    max_pages=100_000,
    max_depth=3,
    max_breadth=100_000,
    max_bytes=100_000_000_000,
    max_seconds=3_500,
)
"""The widest bounds that a crawl may have; a job's own time limit is a little longer."""

MAX_SEED_VALUE = 500


def check_config(config: CrawlConfig) -> CrawlConfig:
    """Return `config` if all its bounds are between `MINIMA` and `MAXIMA`.

    Raises:
        Rejected: With `field` such as `crawl_config.max_pages`.
    """
    least, most = msgspec.structs.asdict(MINIMA), msgspec.structs.asdict(MAXIMA)
    for name, value in msgspec.structs.asdict(config).items():
        if not least[name] <= value <= most[name]:
            raise Rejected(
                f"{name} is {value}: choose {least[name]} to {most[name]}",
                field=f"crawl_config.{name}",
            )
    return config


def check_seed(seed: Seed, seed_types: Collection[str], config: CrawlConfig) -> Seed:
    """Return `seed`, without white space around its value, if a crawl can begin there.

    Raises:
        Rejected: With `field` `seed_type`, `seed_value` or `crawl_config.max_depth`.
    """
    if seed.type not in seed_types:
        known = ", ".join(sorted(seed_types))
        raise Rejected(
            f"{seed.platform} has no seed type {seed.type[:50]!r}: choose one of {known}",
            field="seed_type",
        )
    value = seed.value.strip()
    if not 1 <= len(value) <= MAX_SEED_VALUE:
        raise Rejected(f"give 1 to {MAX_SEED_VALUE} characters", field="seed_value")
    if config.max_depth and "followers" not in seed_types:
        raise Rejected(
            f"{seed.platform} does not show followers: choose 0", field="crawl_config.max_depth"
        )
    return Seed(seed.platform, seed.type, value)
