"""Who may call.

On loopback no key is needed, since whoever can connect is on this machine; but a page in their
browser is not to be trusted with that. So a foreign `Host` (DNS rebinding) and a foreign `Origin`
on anything that changes state are refused. Elsewhere every call needs a key. A key that is shown
counts wherever it is shown: a program on this machine is held to the scopes of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from omni.api import store
from omni.api.deps import ApiDeps
from omni.api.errors import problem_of
from omni.api.grants import Grants
from omni.api.keys import read_bearer
from omni.api.types import MEANING, ApiKey, Scope
from omni.base.errors import OmniError, Unauthorized
from omni.base.settings import is_loopback

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CALLER = "omni.caller"
"""Where the ASGI scope names the caller: the id of the key, or an empty string."""
_KEY = "omni.key"
"""Where the ASGI scope has the caller's key; None where none was shown, and none was needed."""
MAKE_ONE = "`omni keys create NAME` where the database is"


class Guard:
    """Lets in whom the rules above allow, and names the caller in the ASGI scope."""

    def __init__(self, app: ASGIApp, *, deps: ApiDeps, grants: Grants) -> None:
        self._app = app
        self._deps = deps
        self._grants = grants

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            try:
                key = await self._admit(scope)
            except OmniError as error:
                await problem_of(error, instance=scope["path"])(scope, receive, send)
                return
            scope[_KEY] = key
            scope[CALLER] = str(key.id) if key else ""
        await self._app(scope, receive, send)

    async def _admit(self, scope: Connection) -> ApiKey | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if not self._deps.require_keys:
            check_local(headers, writes=scope["method"] not in _SAFE_METHODS)
        needed = self._grants.needed(scope["method"], scope["path"])
        shown = [value for name, value in headers if name == b"authorization"]
        if needed is None or not (shown or self._deps.require_keys):
            return None
        key = await self._find(shown)
        if needed not in key.scopes:
            raise lacking(key, needed)
        return key

    async def _find(self, shown: Sequence[bytes]) -> ApiKey:
        token = read_bearer(shown[0].decode("latin-1")) if len(shown) == 1 else None
        if token is None:
            raise Unauthorized(
                f"send an API key, Authorization: Bearer omni_…; {MAKE_ONE} makes one"
            )
        key = await store.find_key(self._deps.db, token, now=self._deps.clock())
        if key is None:
            raise Unauthorized(
                f"this API key is not known, was revoked, or has run out; {MAKE_ONE} makes another"
            )
        return key


def key_of(request: Request) -> ApiKey | None:
    """Return the caller's key; None if this is the machine's own person, who may do everything."""
    key = request.scope[_KEY]
    assert key is None or isinstance(key, ApiKey)
    return key


def demand(request: Request, scope: Scope) -> None:
    """Refuse what this request asks for, beyond what its route needs, to a key without `scope`.

    Raises:
        Unauthorized: The key lacks it.
    """
    key = key_of(request)
    if key is not None and scope not in key.scopes:
        raise lacking(key, scope)


def lacking(key: ApiKey, scope: Scope) -> Unauthorized:
    """Return the refusal of a key without `scope`; it says how to get it."""
    return Unauthorized(
        f"the API key {key.name!r} lacks the scope {scope!r} (who has it {MEANING[scope]}): "
        f"use a key that has it, or have one made by `omni keys create NAME --scope {scope}`",
        forbidden=True,
        scope=scope,
    )


def check_local(headers: Sequence[tuple[bytes, bytes]], *, writes: bool) -> None:
    """Refuse what a web page from elsewhere could send to a server on loopback.

    Raises:
        Unauthorized: `Host` is not this machine; or, on a request that changes state, `Origin` is
            another place than this server.
    """
    hosts: list[str] = []
    for name, value in headers:
        text = value.decode("latin-1").strip().lower()
        if name == b"host":
            hosts.append(text)
            if not _is_local(text):
                raise Unauthorized("this server answers to local names only", forbidden=True)
    if not writes:
        return
    for name, value in headers:
        text = value.decode("latin-1").strip().lower()
        if name == b"origin" and text.partition("://")[2] not in hosts:
            raise Unauthorized("a page from another origin may not write here", forbidden=True)
        if name == b"sec-fetch-site" and text == "cross-site":
            raise Unauthorized("a page from another site may not write here", forbidden=True)


@lru_cache(maxsize=64)
def _is_local(host: str) -> bool:
    """Tell whether a `Host` header, with or without a port, names this machine."""
    if host.startswith("["):
        return is_loopback(host[1:].partition("]")[0])
    return is_loopback(host.partition(":")[0])
