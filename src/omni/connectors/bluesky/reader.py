"""Queries by XRPC: at the public AppView, or through the server of an account."""

from __future__ import annotations

from typing import Any, cast

from omni.base.errors import Rejected, Transient
from omni.connectors.addresses import Params
from omni.connectors.bluesky.session import Session
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.memory import Memory

_NEEDS_ACCOUNT = frozenset({401, 403})


class Reader:
    """Asks XRPC queries.

    The public AppView names an entity tag with each answer, so what it said before is asked for
    only if it has changed; an account's server names none.

    Args:
        http: The way out.
        appview_url: Base URL of the public AppView, asked where there is no session.
        session: The account to read with.
        appview_did: Which AppView the account's server is to ask, such as
            `did:web:api.bsky.app#bsky_appview`; None for the server's own choice.
    """

    def __init__(
        self,
        http: HttpClient,
        appview_url: str,
        session: Session | None = None,
        appview_did: str | None = None,
    ) -> None:
        self._memory = Memory(http)
        self._base = appview_url.rstrip("/") + "/xrpc/"
        self._session = session
        self._headers = {"atproto-proxy": appview_did} if appview_did else None

    async def query(self, method: str, params: Params) -> dict[str, Any]:
        """Return the answer's object.

        Raises:
            HttpRejected: The query is refused.
            Rejected: Only people who are signed in may ask this, or the account is not accepted.
            Transient: No good answer after bounded retries.
        """
        if self._session:
            body = await self._session.query(method, params, self._headers)
        else:
            body = await self._query_openly(method, params)
        if not isinstance(body, dict):
            raise Transient(f"Bluesky answered {method} with something else than an object")
        return cast("dict[str, Any]", body)

    async def _query_openly(self, method: str, params: Params) -> Any:
        try:
            return await self._memory.get_json(self._base + method, params=params)
        except HttpRejected as error:
            if error.status not in _NEEDS_ACCOUNT:
                raise
            raise Rejected(
                f"Bluesky answers {method} only to people who are signed in: set"
                " OMNI_BLUESKY_HANDLE and OMNI_BLUESKY_APP_PASSWORD",
                field="seed_type",
            ) from error
