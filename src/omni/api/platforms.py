"""Which platforms there are, and which seeds they know: checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping

from omni.api.deps import ApiDeps
from omni.base.errors import Rejected
from omni.profiles import erase_store as profiles

FILE = "file"
"""The platform of people who came in a file and are of no other one."""

Platforms = Mapping[str, frozenset[str]]
"""The seed types of each platform."""


def platforms_of_people(deps: ApiDeps) -> frozenset[str]:
    """Return where people can be: also where nobody is crawled, or nothing is set up at present."""
    return frozenset({FILE, *deps.platforms, *deps.seeds, *deps.senders})


async def find_platform_of_people(deps: ApiDeps, given: str) -> str:
    """Return the platform that is meant, in whatever letters; also one whose connector is gone.

    A wrong one must not be taken for one where nobody is: whoever asks to be left alone, or what
    is kept of them, would be told that all is well.

    Raises:
        Rejected: There is none of that name, with the choices.
    """
    known = platforms_of_people(deps)
    for name in known:
        if name.lower() == given.lower():
            return name
    if await profiles.has_people(deps.db, given):
        return given
    raise Rejected(f"there is no such platform: use {_choices(known)}", field="platform")


def _check_platform(platforms: Platforms, platform: str) -> None:
    """Refuse a platform that cannot be crawled.

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
    _check_platform(platforms, platform)
    seed_types = platforms[platform]
    if seed_type not in seed_types:
        raise Rejected(
            f"{platform} knows no such seed type: use {_choices(seed_types)}", field="seed_type"
        )
    if max_depth and "followers" not in seed_types:
        raise Rejected(f"{platform} does not show followers: use 0", field="crawl_config.max_depth")


def _choices(names: Mapping[str, object] | frozenset[str]) -> str:
    return " or ".join(f"{name!r}" for name in sorted(names)) or "none: there is none"
