"""Asks the home server: pages by the `Link` header, the token, and refusals in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from omni.base.errors import Rejected, Transient
from omni.connectors.addresses import Params
from omni.connectors.http import Fetched, HttpClient, HttpRejected
from omni.connectors.mastodon.names import host_of
from omni.connectors.memory import Memory

MAX_CURSOR = 300

_PAGING = frozenset({"max_id", "offset", "page", "cursor"})
"""What `next` may add to a request; everything else of it is ours already, its host above all."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of entities, and the cursor of the next one."""

    entities: list[object]
    cursor: str | None


class MastodonClient:
    """One account's way to one server, or a stranger's; shared by all that the connector does.

    Mastodon names an entity tag with each answer: what it said before is asked for only if it has
    changed.

    Args:
        http: The way out; its bounds hold here too.
        base_url: The server's base URL.
        token: An access token of it, scope `read`; None to ask as a stranger.

    Attributes:
        home: The server's host.
        is_signed_in: Whether the server is asked with an account's token.
    """

    def __init__(self, http: HttpClient, base_url: str, token: str | None = None) -> None:
        self._base = base_url.rstrip("/")
        self.is_signed_in = bool(token)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._memory = Memory(http, headers=headers)
        self.home = host_of(base_url)

    async def get(self, path: str, params: Params | None = None) -> Any:
        """Return the JSON at `path`.

        Raises:
            HttpRejected: The server does not have it (404, 410), or refuses for another reason.
            Rejected: It shows it to accounts only, or does not take the token; says what to set.
            Transient: No good answer after bounded retries.
        """
        try:
            return await self._memory.get_json(self._base + path, params=params)
        except HttpRejected as error:
            raise self._explained(error) from error

    async def list(self, path: str, params: Mapping[str, str | int], cursor: str | None) -> Listing:
        """Return one page of the list at `path`; raises as `get` does."""
        asked = {**params, **dict(_paging_of(cursor or ""))}
        try:
            fetched = await self._memory.get(self._base + path, params=asked)
        except HttpRejected as error:
            raise self._explained(error) from error
        after = _cursor_of(fetched)
        # A cursor that does not move would lead in a circle.
        moves = 0 < len(after) <= MAX_CURSOR and after != cursor
        return Listing(self.entities(fetched.json(), path), after if moves else None)

    def entities(self, body: object, what: str) -> list[object]:
        """Return `body` if it is a list.

        Raises:
            Transient: It is something else.
        """
        if not isinstance(body, list):
            raise Transient(f"{self.home} answered {what} with something else than a list")
        return cast("list[object]", body)

    def _explained(self, error: HttpRejected) -> Rejected:
        """Say what to set where the server wants another identity, else leave the error alone."""
        said = f" ({error.code})" if error.code else ""
        if not self.is_signed_in and error.status in (401, 403, 422):
            return Rejected(
                f"{self.home} shows this to its own accounts only{said}:"
                " set OMNI_MASTODON_TOKEN to an access token of an account there"
            )
        about_token = error.status == 401 or (
            error.status == 400 and "token" in (error.code or "").lower()
        )
        if self.is_signed_in and about_token:
            return Rejected(f"{self.home} does not take the token of OMNI_MASTODON_TOKEN{said}")
        if self.is_signed_in and error.status == 403:
            return Rejected(
                f"{self.home} does not allow this to the account of OMNI_MASTODON_TOKEN{said};"
                " the token needs the scope read"
            )
        return error


def _cursor_of(fetched: Fetched) -> str:
    """Return what the link to the next page adds to a request, empty if there is none."""
    try:
        query = urlsplit(fetched.link("next") or "").query
    except ValueError:  # a link that is no address
        return ""
    return urlencode(_paging_of(query))


def _paging_of(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parse_qsl(query) if name in _PAGING]
