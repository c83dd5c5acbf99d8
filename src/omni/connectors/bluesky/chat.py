"""A sending account's way to Bluesky's chat service, through its own server (PDS).

The service is `chat.bsky.*` behind the header `atproto-proxy`: the account's server signs for it.
An app password needs the chat privilege.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from omni.base.errors import Rejected, Transient, Unauthorized
from omni.connectors.addresses import Params
from omni.connectors.bluesky.names import read_actor
from omni.connectors.bluesky.session import STALE, Session
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.types import Credentials
from omni.connectors.values import fields_of

CHAT: Final = "chat.bsky.convo"
MAX_SESSIONS = 200

_NOT_ACCEPTED = frozenset({"AuthMissing", "AccountTakedown", "AccountDeactivated"}) | STALE


class ChatAccounts:
    """The sending accounts that are signed in, a bounded number of them.

    Args:
        http: The way out.
        pds_url: Where accounts sign in.
        chat_did: The chat service, such as `did:web:api.bsky.chat#bsky_chat`.
        appview_did: Which AppView the accounts' server is to ask; None for its own choice.
    """

    def __init__(
        self, http: HttpClient, pds_url: str, chat_did: str, appview_did: str | None = None
    ) -> None:
        self._http = http
        self._pds = pds_url
        self._chat = {"atproto-proxy": chat_did}
        self._appview = {"atproto-proxy": appview_did} if appview_did else None
        self._sessions: dict[Credentials, Session] = {}

    def account(self, owner: Credentials) -> ChatAccount:
        """Return the account; it signs in when it is first needed, and stays so.

        Raises:
            Unauthorized: There is no password, or the handle is none.
        """
        session = self._sessions.pop(owner, None) or self._signed_out(owner)
        self._sessions[owner] = session
        if len(self._sessions) > MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return ChatAccount(session, self._chat, self._appview)

    def _signed_out(self, owner: Credentials) -> Session:
        if not owner.secret:
            raise Unauthorized(f"{owner.handle} has no app password: enter one for the account")
        try:
            read_actor(owner.handle)
        except Rejected as error:
            raise Unauthorized(f"the account's handle is {error}") from error
        return Session(self._http, self._pds, owner, refused=_sign_in_refused)


class ChatAccount:
    """One signed-in account."""

    def __init__(
        self, session: Session, chat: Mapping[str, str], appview: Mapping[str, str] | None
    ) -> None:
        self._session = session
        self._chat_headers = chat
        self._appview_headers = appview

    async def whoami(self) -> Mapping[str, Any]:
        """Return the session as the account's server tells it; raises as `chat` does."""
        return await self._query("com.atproto.server.getSession", {}, None)

    async def profile(self, did: str) -> Mapping[str, Any]:
        """Return somebody's profile as this account sees it; raises as `chat` does."""
        return await self._query("app.bsky.actor.getProfile", {"actor": did}, self._appview_headers)

    async def chat(self, method: str, params: Params) -> Mapping[str, Any]:
        """Ask the chat service; a session that has run out is renewed once.

        Raises:
            Unauthorized: The account is not accepted, or may not use direct messages.
            HttpRejected: The service refuses.
            Transient: No good answer after bounded retries.
        """
        return await self._query(f"{CHAT}.{method}", params, self._chat_headers)

    async def chat_once(self, method: str, body: object) -> Any:
        """Post once and never again.

        Raises:
            Unauthorized, HttpRejected: As in `chat`.
            Transient: Surely not taken; also where the session has run out, which is renewed then.
            Ambiguous: Perhaps taken.
        """
        try:
            return await self._session.procedure_once(f"{CHAT}.{method}", body, self._chat_headers)
        except HttpRejected as error:
            raise _explained(error) from error

    async def _query(
        self, method: str, params: Params, headers: Mapping[str, str] | None
    ) -> Mapping[str, Any]:
        try:
            answer = await self._session.query(method, params, headers)
        except HttpRejected as error:
            raise _explained(error) from error
        if not isinstance(answer, dict):
            raise Transient(f"Bluesky answered {method} with something else than an object")
        return fields_of(cast("object", answer))


def _explained(error: HttpRejected) -> Rejected | Unauthorized:
    if error.code in STALE:
        return Unauthorized(
            "Bluesky does not allow direct messages with this app password: make one that may read"
            " them (Settings, Privacy and security), and enter it for the account"
        )
    if error.status == 401 or error.code in _NOT_ACCEPTED:
        return Unauthorized(f"Bluesky does not accept the account: {error.reason or error}")
    return error


def _sign_in_refused(error: HttpRejected, handle: str, pds: str) -> Unauthorized:
    """Say in one line what keeps a sending account out."""
    if error.code == "AuthFactorTokenRequired":
        return Unauthorized(f"{pds} wants a code by mail for {handle}: use an app password")
    if error.status == 401:
        return Unauthorized(
            f"{pds} does not accept the app password of {handle}: make a new one in the app's"
            " settings, and enter it for the account"
        )
    return Unauthorized(f"{pds} does not let {handle} sign in: {error.reason or error}")
