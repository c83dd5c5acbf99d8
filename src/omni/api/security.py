"""Who may call.

On loopback no key is needed, since whoever can connect is on this machine; but a page in their
browser is not to be trusted with that. So a foreign `Host` (DNS rebinding) and a foreign `Origin`
on anything that changes state are refused. Elsewhere every call needs a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from omni.api import store
from omni.api.deps import ApiDeps
from omni.api.errors import problem_of
from omni.api.keys import read_bearer
from omni.base.errors import OmniError, Unauthorized
from omni.base.settings import is_loopback

OPEN_PATHS = frozenset({"/health", "/ready", "/openapi.json", "/docs"})
"""They tell nothing of the data, and probes have no key."""
SIGNED = "/webhooks/"
"""Below it a delivery shows by its signature who sends it."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CALLER = "omni.caller"
"""Where the ASGI scope names the caller: the id of the key, or an empty string."""


class Guard:
    """Lets in whom the rules above allow, and names the caller in the ASGI scope."""

    def __init__(self, app: ASGIApp, *, deps: ApiDeps) -> None:
        self._app = app
        self._deps = deps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            try:
                scope[CALLER] = await self._admit(scope)
            except OmniError as error:
                await problem_of(error, instance=scope["path"])(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> str:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        writes = scope["method"] not in _SAFE_METHODS
        if not self._deps.require_keys:
            check_local(headers, writes=writes)
            return ""
        if scope["path"] in OPEN_PATHS and not writes:
            return ""
        if scope["path"].startswith(SIGNED) and scope["method"] == "POST":
            return ""
        return await self._check_key(headers, needed="write" if writes else "read")

    async def _check_key(self, headers: Sequence[tuple[bytes, bytes]], *, needed: str) -> str:
        token = next(
            (read_bearer(value.decode("latin-1")) for name, value in headers
             if name == b"authorization"), None,
        )  # fmt: skip
        if token is None:
            raise Unauthorized("send an API key: Authorization: Bearer omni_…")
        key = await store.find_key(self._deps.db, token, now=self._deps.clock())
        if key is None:
            raise Unauthorized("this API key is not known, or was revoked")
        if needed not in key.scopes:
            raise Unauthorized(f"this API key lacks the scope {needed!r}", forbidden=True)
        return str(key.id)


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
