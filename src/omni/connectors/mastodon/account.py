"""Asks a sending account's own server with its token, and tells whose fault a refusal is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from omni.base.errors import Rejected, Unauthorized
from omni.connectors.addresses import Params
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.mastodon.mapping import id_of, url_of
from omni.connectors.mastodon.names import AccountName, host_of, read_account
from omni.connectors.types import Credentials
from omni.connectors.values import fields_of, items_of, text_in

_NOT_THERE = (404, 410)


class MastodonAccount:
    """One sending account's way to its server.

    Args:
        http: The way out; its bounds hold here too.
        base_url: The server of accounts whose handle names none; None if there is no default.
        account: A handle such as `ann`, or `ann@mastodon.example` where it lives elsewhere, and an
            access token.

    Raises:
        Unauthorized: The handle is none, there is no token, or no server is known.
    """

    def __init__(self, http: HttpClient, base_url: str | None, account: Credentials) -> None:
        self._http = http
        self._base = _base_of(base_url, account.handle)
        self.home = host_of(self._base)
        self.name = _read_handle(account.handle, self.home)
        if not account.secret:
            raise Unauthorized(f"{account.handle} has no access token: enter one for the account")
        self._headers = {"Authorization": f"Bearer {account.secret}"}

    async def get(self, path: str, params: Params | None = None) -> Any:
        """Return the JSON at `path`.

        Raises:
            Unauthorized: The server does not take the token, or does not allow this to it.
            HttpRejected: It refuses for another reason.
            Transient: No good answer after bounded retries.
        """
        try:
            return await self._http.get_json(
                self._base + path, params=params, headers=self._headers
            )
        except HttpRejected as error:
            raise self._explained(error) from error

    async def post_once(self, path: str, body: object, headers: Mapping[str, str]) -> Any:
        """Post once and never again.

        Raises:
            Unauthorized, HttpRejected: As in `get`.
            Transient: Surely not taken.
            Ambiguous: Perhaps taken.
        """
        try:
            return await self._http.post_json(
                self._base + path, json=body, headers={**self._headers, **headers}, retry=False
            )
        except HttpRejected as error:
            raise self._explained(error) from error

    async def me(self) -> Mapping[str, Any]:
        """Return the account's own Account entity; raises as `get` does."""
        return fields_of(await self.get("/api/v1/accounts/verify_credentials"))

    async def find(self, url: str) -> Mapping[str, Any] | None:
        """Return the Account that has this address; None if nobody has it any more.

        A name that leads to another address now is somebody else.
        """
        try:
            name = read_account(url, self.home)
        except Rejected:
            return None
        account = await self._look_up(name)
        return account if account is not None and url_of(account) == url else None

    async def relationship(self, account: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return how the account and this one stand to each other."""
        params = {"id[]": [id_of(account) or ""]}
        found = items_of(await self.get("/api/v1/accounts/relationships", params))
        return fields_of(found[0]) if found else {}

    async def _look_up(self, name: AccountName) -> Mapping[str, Any] | None:
        try:
            return fields_of(await self.get("/api/v1/accounts/lookup", {"acct": name.acct}))
        except HttpRejected as error:
            if error.status not in _NOT_THERE:
                raise
        params = {"q": name.url or name.acct, "type": "accounts", "resolve": "true", "limit": 5}
        found = fields_of(await self.get("/api/v2/search", params)).get("accounts")
        people = (fields_of(each) for each in items_of(found))
        return next((each for each in people if url_of(each) == name.url), None)

    def _explained(self, error: HttpRejected) -> Rejected | Unauthorized:
        said = f": {error.code}" if error.code else ""
        about_token = error.status == 400 and "token" in (error.code or "").lower()
        if error.status == 401 or about_token:
            return Unauthorized(f"{self.home} does not take the account's access token{said}")
        if error.status == 403:
            return Unauthorized(
                f"{self.home} does not allow this to the account{said}; its token needs the scopes"
                " read and write:statuses",
                forbidden=True,
            )
        return error


def acct_of(account: Mapping[str, Any]) -> str:
    """Return how an account is mentioned from its home server, empty if it does not say."""
    return text_in(account, "acct") or ""


def path_of(account: Mapping[str, Any], rest: str) -> str:
    """Return the path of what belongs to an account."""
    return f"/api/v1/accounts/{quote(id_of(account) or '', safe='')}/{rest}"


def _base_of(base_url: str | None, handle: str) -> str:
    """Return the server that the handle names, or the default one."""
    default = base_url.rstrip("/") if base_url else None
    host = handle.strip().removeprefix("@").partition("@")[2].lower()
    if host and (default is None or host != host_of(default)):
        return f"https://{host}"
    if default is None:
        raise Unauthorized(
            f"no server is known for {handle}: write the handle like ann@mastodon.example,"
            " or set OMNI_MASTODON_URL"
        )
    return default


def _read_handle(handle: str, home: str) -> str:
    try:
        return read_account(handle, home).acct
    except Rejected as error:
        raise Unauthorized(f"the account's handle is wrong: {error}") from error
