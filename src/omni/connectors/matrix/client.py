"""Asks the homeserver with one account's token, and says refusals in plain words."""

from __future__ import annotations

from typing import Any

from omni.base.errors import Rejected
from omni.connectors.addresses import Params
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.matrix.mapping import wants_authenticated_media

_API = "/_matrix/client/v3"


class MatrixClient:
    """One account's way to its homeserver; shared by all that the connector does.

    Args:
        http: The way out; its bounds hold here too. 429 with `Retry-After` is waited for there.
        base_url: The homeserver's base URL.
        token: The account's access token.
    """

    def __init__(self, http: HttpClient, base_url: str, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}
        self._authenticated_media: bool | None = None
        self.base_url = base_url.rstrip("/")

    async def get(self, path: str, params: Params | None = None) -> Any:
        """Return the JSON at `path` below `/_matrix/client/v3`.

        Raises:
            HttpRejected: The server does not have it, or refuses it.
            Rejected: It does not take the token; says what to set.
            Transient: No good answer after bounded retries.
        """
        try:
            return await self._http.get_json(
                self.base_url + _API + path, params=params, headers=self._headers
            )
        except HttpRejected as error:
            raise self._explained(error) from error

    async def post(self, path: str, body: object) -> Any:
        """Post what may be posted again, such as a search; raises as `get` does."""
        try:
            return await self._http.post_json(
                self.base_url + _API + path, json=body, headers=self._headers
            )
        except HttpRejected as error:
            raise self._explained(error) from error

    async def gives_media_to_tokens_only(self) -> bool:
        """Tell whether media are asked for with a token; the server is asked once."""
        if self._authenticated_media is None:
            url = f"{self.base_url}/_matrix/client/versions"
            self._authenticated_media = wants_authenticated_media(await self._http.get_json(url))
        return self._authenticated_media

    def _explained(self, error: HttpRejected) -> Rejected:
        if error.status == 401:
            said = f" ({error.code})" if error.code else ""
            return Rejected(f"{self.base_url} does not take the token of OMNI_MATRIX_TOKEN{said}")
        return error
