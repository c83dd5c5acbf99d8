"""Which platforms there are, and which seeds they know: checked before any job is written."""

from __future__ import annotations

from collections.abc import Mapping

from omni.base.errors import Rejected

Platforms = Mapping[str, frozenset[str]]
"""The seed types of each platform."""


def check_platform(platforms: Platforms, platform: str) -> None:
    """Refuse a platform that there is not.

    Raises:
        Rejected: With the choices.
    """
    if platform not in platforms:
        raise Rejected(f"there is no such platform: use {_choices(platforms)}", field="platform")


def check_sender(senders: frozenset[str], platform: str) -> None:
    """Refuse a platform on which nobody can be written to.

    Raises:
        Rejected: With the choices.
    """
    if platform not in senders:
        raise Rejected(
            f"no messages can be sent on such a platform: use {_choices(senders)}", field="platform"
        )


def check_seed(platforms: Platforms, platform: str, seed_type: str, max_depth: int) -> None:
    """Refuse a platform that there is not, a seed type or a depth that it does not know.

    Raises:
        Rejected: With the choices.
    """
    check_platform(platforms, platform)
    seed_types = platforms[platform]
    if seed_type not in seed_types:
        raise Rejected(
            f"{platform} knows no such seed type: use {_choices(seed_types)}", field="seed_type"
        )
    if max_depth and "followers" not in seed_types:
        raise Rejected(f"{platform} does not show followers: use 0", field="crawl_config.max_depth")


def _choices(names: Mapping[str, object] | frozenset[str]) -> str:
    return " or ".join(f"{name!r}" for name in sorted(names)) or "none: there is none"
