"""A signed-in session with an account's own server (PDS), by the lexicons `com.atproto.server`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from omni.base.errors import OmniError, Rejected, Transient
from omni.base.log import get_logger
from omni.connectors.addresses import Params
from omni.connectors.bluesky.names import read_actor
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.types import Credentials

STALE = frozenset({"ExpiredToken", "InvalidToken"})
"""How servers call a token that is no good any more, or not for this."""

_PDS_SERVICE = "#atproto_pds"


@dataclass(frozen=True, slots=True)
class _Tokens:
    """What a session is known by; neither token is ever shown.

    Attributes:
        base: Where the account lives, which may be another host than the one it signs in at.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    base: str


class Session:
    """Signs in when it is first needed, and again when the session has run out.

    Args:
        http: The way out.
        pds_url: Base URL of the server where the account signs in.
        account: Its handle or DID, and an app password.
        refused: Makes the error of a refused sign-in, of it, the handle and the server.

    Raises:
        Rejected: The handle is none.
    """

    def __init__(
        self,
        http: HttpClient,
        pds_url: str,
        account: Credentials,
        *,
        refused: Callable[[HttpRejected, str, str], OmniError] | None = None,
    ) -> None:
        self._http = http
        self._pds = pds_url.rstrip("/")
        self._handle = _read_handle(account.handle)
        self._account = account
        self._tokens: _Tokens | None = None
        self._refused = refused or _explain
        self._refusal: HttpRejected | None = None
        self._turn = asyncio.Lock()

    async def query(
        self, method: str, params: Params, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Ask the account's server, which hands `app.bsky` on to its AppView.

        A session that has run out is renewed once.

        Raises:
            HttpRejected: The server refuses the query.
            Rejected: It does not accept the account; the message names the setting.
            Transient: No good answer after bounded retries.
        """
        tokens = await self._renewed(None)
        try:
            return await self._ask(tokens, method, params, headers)
        except HttpRejected as error:
            if error.code not in STALE:
                raise
        return await self._ask(await self._renewed(tokens), method, params, headers)

    async def procedure_once(self, method: str, body: object, headers: Mapping[str, str]) -> Any:
        """Post to the account's server once and never again, with a token that is not renewed.

        Raises:
            HttpRejected: The server refuses.
            Transient: Surely not taken. A session that had run out is renewed, for the next time.
            Ambiguous: Perhaps taken.
        """
        tokens = await self._renewed(None)
        try:
            return await self._http.post_json(
                f"{tokens.base}/xrpc/{method}",
                json=body,
                headers={**headers, **_bearer(tokens.access)},
                retry=False,
            )
        except HttpRejected as error:
            if error.code not in STALE:
                raise
            await self._renewed(tokens)
            raise Transient("the session had run out, and is renewed") from error

    async def _ask(
        self, tokens: _Tokens, method: str, params: Params, headers: Mapping[str, str] | None
    ) -> Any:
        known = {**(headers or {}), **_bearer(tokens.access)}
        return await self._http.get_json(
            f"{tokens.base}/xrpc/{method}", params=params, headers=known
        )

    async def _renewed(self, stale: _Tokens | None) -> _Tokens:
        """Return tokens other than `stale`; whoever comes second finds the first one's."""
        async with self._turn:
            if self._tokens is None or self._tokens is stale:
                self._tokens = (stale and await self._refresh(stale)) or await self._sign_in()
            return self._tokens

    async def _refresh(self, stale: _Tokens) -> _Tokens | None:
        """Return new tokens for the old ones; None where the server wants the password again."""
        url = f"{stale.base}/xrpc/com.atproto.server.refreshSession"
        try:
            # The lexicon has no input, and servers refuse a body: an empty form is none.
            answer = await self._http.post_form(url, form={}, headers=_bearer(stale.refresh))
        except HttpRejected as error:
            get_logger().info("bluesky.session_ended", reason=str(error))
            return None
        return _read_tokens(answer, stale.base)

    async def _sign_in(self) -> _Tokens:
        """Create a session. A refusal is remembered, so that no wrong password is tried twice."""
        if self._refusal:
            raise self._refused(self._refusal, self._handle, self._pds)
        url = f"{self._pds}/xrpc/com.atproto.server.createSession"
        body = {"identifier": self._handle, "password": self._account.secret}
        try:
            answer = await self._http.post_json(url, json=body)
        except HttpRejected as error:
            self._refusal = error
            raise self._refused(error, self._handle, self._pds) from error
        get_logger().info("bluesky.session_began", handle=self._handle)
        return _read_tokens(answer, self._pds)


def _read_handle(handle: str) -> str:
    try:
        return read_actor(handle)
    except Rejected as error:
        raise Rejected(f"OMNI_BLUESKY_HANDLE is {error}") from error


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _explain(error: HttpRejected, handle: str, pds: str) -> Rejected:
    """Say in one line what keeps the account out, and which setting mends it."""
    if error.code == "AuthFactorTokenRequired":
        return Rejected(
            f"Bluesky wants a code by mail for {handle}: set OMNI_BLUESKY_APP_PASSWORD to an app"
            " password, which needs none"
        )
    if error.status == 401:
        return Rejected(
            f"{pds} does not accept OMNI_BLUESKY_APP_PASSWORD for OMNI_BLUESKY_HANDLE {handle}:"
            " make a new app password in the app's settings, and restart Omni"
        )
    return Rejected(
        f"OMNI_BLUESKY_PDS_URL {pds} does not let {handle} sign in: {error.reason or error}"
    )


def _read_tokens(answer: object, base: str) -> _Tokens:
    fields = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
    access, refresh = fields.get("accessJwt"), fields.get("refreshJwt")
    if not isinstance(access, str) or not isinstance(refresh, str) or not access or not refresh:
        raise Transient("Bluesky signed in without saying by which tokens")
    return _Tokens(access, refresh, _home(fields.get("didDoc")) or base)


def _home(did_doc: object) -> str | None:
    """Return the account's own server as its DID document names it, where that is a public one."""
    document = cast("dict[str, Any]", did_doc) if isinstance(did_doc, dict) else {}
    services = document.get("service")
    for entry in cast("list[object]", services) if isinstance(services, list) else []:
        service = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
        name, endpoint = service.get("id"), service.get("serviceEndpoint")
        if isinstance(name, str) and name.endswith(_PDS_SERVICE) and isinstance(endpoint, str):
            return endpoint.rstrip("/") if endpoint.startswith("https://") else None
    return None
