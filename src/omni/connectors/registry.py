"""The connectors that there are: Omni's own, and those that installed packages bring."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from omni.base.errors import Fatal
from omni.connectors.bluesky.connector import BLUESKY
from omni.connectors.connector import Connector
from omni.connectors.mastodon.connector import MASTODON
from omni.connectors.matrix.connector import MATRIX
from omni.connectors.synthetic.connector import SYNTHETIC
from omni.connectors.web.connector import WEB

GROUP = "omni.connectors"
"""The entry points' group; each one names a `Connector`."""

OWN = (BLUESKY, MASTODON, MATRIX, SYNTHETIC, WEB)

_PLATFORM = re.compile(r"[a-z][a-z0-9-]{0,39}")


def load_connectors(found: Iterable[EntryPoint] | None = None) -> tuple[Connector, ...]:
    """Return all connectors, Omni's own first.

    Args:
        found: The entry points to load; None for those of the installed packages.

    Raises:
        Fatal: A package's connector cannot be loaded, is none, or takes a name that is taken.
    """
    connectors = {connector.platform: connector for connector in OWN}
    for point in entry_points(group=GROUP) if found is None else found:
        connector = _load(point)
        if connector.platform in connectors:
            raise Fatal(
                f"connector {point.value}: the platform {connector.platform!r} is taken;"
                " uninstall one of the two"
            )
        connectors[connector.platform] = connector
    return tuple(connectors.values())


def _load(point: EntryPoint) -> Connector:
    try:
        connector = point.load()
    except Exception as error:  # whatever a foreign module raises, its name has to be said
        raise Fatal(f"connector {point.value} cannot be loaded: {error}") from error
    if not isinstance(connector, Connector):
        raise Fatal(f"connector {point.value} is no omni.connectors.connector.Connector")
    if not _PLATFORM.fullmatch(connector.platform):
        raise Fatal(
            f"connector {point.value}: the platform's name {connector.platform[:50]!r} is wrong;"
            " use lower-case letters, digits and '-'"
        )
    return connector
