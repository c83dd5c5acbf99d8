"""Which requests carry a token that their callers do not know, such as those for pictures. Pure.

A picture's address is part of a profile, so it is other people's text. A token therefore goes to
addresses below a prefix that a connector's settings name, to nothing else, and with no redirect to
another origin (`Ask.redirected`).
"""

from __future__ import annotations

from collections.abc import Mapping

from omni.connectors.addresses import parse_target


class Authorizations:
    """What to say to whom.

    Args:
        known: The header's value by the prefix of the addresses that it is for. A prefix is an
            absolute URL that ends with a slash.

    Raises:
        Rejected: A prefix is no URL that may be asked.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = {parse_target(url, loopback=True).url: said for url, said in known.items()}

    def headers(self, method: str, url: str) -> dict[str, str]:
        """Return the header for a request, none for most.

        Args:
            method: Nothing but GET carries a token.
            url: As `parse_target` returns it.
        """
        for prefix, said in self._known.items():
            if method == "GET" and url.startswith(prefix) and _stays_below(url[len(prefix) :]):
                return {"Authorization": said}
        return {}


def _stays_below(rest: str) -> bool:
    """Tell whether a relative path names nothing above where it begins, however it is written."""
    return ".." not in rest.lower().replace("%2e", ".")
