"""What is remembered of a web page."""

from __future__ import annotations

import msgspec

from omni.connectors.types import RawProfile

PLATFORM = "web"


class Reading(msgspec.Struct, frozen=True):
    """What a page says.

    Attributes:
        url: By which the page is known; its person's platform_id.
        person: Whom it describes; not `discoverable` where the page asks not to be found.
        links: Pages of the same site that it leads to, unless it asks not to follow them.
    """

    url: str
    person: RawProfile | None
    links: tuple[str, ...]
