"""Asks a sending account's homeserver with its token: who it is, and its direct conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from omni.base.errors import Rejected, Transient, Unauthorized
from omni.connectors.addresses import Params
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.matrix.mapping import is_user_id
from omni.connectors.types import Credentials
from omni.connectors.values import fields_of, items_of, text_in

API = "/_matrix/client/v3"
MAX_ROOMS = 3
"""Direct rooms with one person that are looked at, the latest ones."""

_NOT_THERE = (403, 404)
_NOT_ACCEPTED = frozenset(
    {"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED", "M_USER_LOCKED",
     "M_USER_SUSPENDED", "ORG.MATRIX.MSC3823.USER_ACCOUNT_SUSPENDED"}
)  # fmt: skip


class MatrixAccount:
    """One sending account's way to its homeserver.

    Args:
        http: The way out; its bounds hold here too.
        base_url: The homeserver's base URL.
        account: The handle is for reading; the secret is an access token.

    Raises:
        Unauthorized: There is no token.
    """

    def __init__(self, http: HttpClient, base_url: str, account: Credentials) -> None:
        if not account.secret:
            raise Unauthorized(f"{account.handle} has no access token: enter one for the account")
        self._http = http
        self._headers = {"Authorization": f"Bearer {account.secret}"}
        self.base_url = base_url.rstrip("/")

    async def get(self, path: str, params: Params | None = None) -> Mapping[str, Any]:
        """Return the JSON object at `path`.

        Raises:
            Unauthorized: The homeserver does not accept the account.
            HttpRejected: It does not have it, or refuses it.
            Transient: No good answer after bounded retries.
        """
        try:
            answer = await self._http.get_json(
                self.base_url + API + path, params=params, headers=self._headers
            )
        except HttpRejected as error:
            raise self._explained(error) from error
        return fields_of(answer)

    async def find(self, path: str) -> Mapping[str, Any] | None:
        """Return what is at `path`, None if it is not there or not to be seen; raises as `get`."""
        try:
            return await self.get(path)
        except HttpRejected as error:
            if error.status not in _NOT_THERE:
                raise
            return None

    async def put(self, path: str, body: object, *, retry: bool = True) -> Mapping[str, Any]:
        """Put JSON; raises as `get` does, without `retry` also `Ambiguous`: perhaps taken."""
        try:
            answer = await self._http.put_json(
                self.base_url + API + path, json=body, headers=self._headers, retry=retry
            )
        except HttpRejected as error:
            raise self._explained(error) from error
        return fields_of(answer)

    async def post_once(self, path: str, body: object) -> Mapping[str, Any]:
        """Post once and never again; raises as `put` does without `retry`."""
        try:
            answer = await self._http.post_json(
                self.base_url + API + path, json=body, headers=self._headers, retry=False
            )
        except HttpRejected as error:
            raise self._explained(error) from error
        return fields_of(answer)

    async def user_id(self) -> str:
        """Return whose token it is; raises as `get` does."""
        found = (await self.get("/account/whoami")).get("user_id")
        if not isinstance(found, str) or not is_user_id(found):
            raise Transient(f"{self.base_url} does not say whose token it is")
        return found

    async def direct_rooms(self, me: str) -> dict[str, list[str]]:
        """Return the account's direct rooms by person, as its apps list them (`m.direct`)."""
        found = await self.find(f"{user_path(me)}/account_data/m.direct")
        return {
            person: [room for room in items_of(rooms) if isinstance(room, str)]
            for person, rooms in (found or {}).items()
            if is_user_id(person)
        }

    async def rooms_with(self, me: str, person: str) -> Sequence[str]:
        """Return the direct rooms with somebody, the latest first, a bounded number."""
        return (await self.direct_rooms(me)).get(person, [])[::-1][:MAX_ROOMS]

    async def membership(self, room: str, person: str) -> str | None:
        """Return `join`, `invite`, `leave` or `ban`; None if the account cannot see the room."""
        found = await self.find(f"{room_path(room)}/state/m.room.member/{quote(person, safe='')}")
        return None if found is None else text_in(found, "membership")

    def _explained(self, error: HttpRejected) -> Rejected | Unauthorized:
        code = str(fields_of(error.body).get("errcode") or "")
        said = f" ({code})" if code else ""
        if error.status == 401 or code in _NOT_ACCEPTED:
            return Unauthorized(f"{self.base_url} does not accept the account{said}")
        return error


def room_path(room: str) -> str:
    """Return the path of a room."""
    return f"/rooms/{quote(room, safe='')}"


def user_path(user_id: str) -> str:
    """Return the path of what belongs to an account."""
    return f"/user/{quote(user_id, safe='')}"
