"""Bounds on what a request may bring: bytes, seconds, and nothing but JSON."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omni.api.errors import problem, problem_of
from omni.api.excess import HEAD, excess_of

MAX_BODY = 1024 * 1024
"""Bytes."""
MAX_SECONDS = 30.0
"""How long a body may take to arrive."""
_HEAD_SECONDS = 1.0
LINGER_S = 5.0
"""How long what still comes of a refused body is thrown away, so that its sender reads why."""
_IDLE_S = 1.0
_UNREAD = (408, 413)
"""Of a body that was not read to its end."""

STREAMED = frozenset(
    {
        ("POST", "/imports", b"multipart/form-data"),
        ("POST", "/suppressions/file", b"text/csv"),
    }
)
"""What bounds its body itself, piece by piece; every other body is held whole."""


class BodyLimit:
    """Takes in a body of at most `max_body` bytes, then lets the application read it.

    A longer body is refused as soon as that is known, by its declared length or by its bytes, so
    that no more than `max_body` is ever held. Where its beginning shows criteria that are too much,
    those are named instead of the bytes.
    """

    def __init__(
        self, app: ASGIApp, *, max_body: int = MAX_BODY, max_seconds: float = MAX_SECONDS
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._max_seconds = max_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not _has_body(scope) or _is_streamed(scope):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        head = b""
        if refusal is None:
            try:
                async with asyncio.timeout(self._max_seconds):
                    body = await self._read(receive, self._max_body)
            except TimeoutError:
                refusal = 408, f"The body must arrive within {self._max_seconds:g} s"
            else:
                if body is None:
                    return
                if len(body) <= self._max_body:
                    await self._app(scope, _replay(body, receive), send)
                    return
                refusal, head = self._too_large(), body
        elif refusal[0] == 413:
            head = await self._read_head(receive)
        excess = excess_of(head) if refusal[0] == 413 else None
        if excess is not None:
            await problem_of(excess, instance=scope["path"])(scope, receive, send)
            return
        status, detail = refusal
        await problem(status, detail, instance=scope["path"])(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and words for a body that need not be read to be refused."""
        length = _header(scope, b"content-length")
        if length.isdigit() and (len(length) > 18 or int(length) > self._max_body):
            return self._too_large()
        if length == b"0":
            return None
        media_type = _header(scope, b"content-type").split(b";")[0].strip().lower()
        subtype = media_type.removeprefix(b"application/")
        if subtype == media_type or not (subtype == b"json" or subtype.endswith(b"+json")):
            return 415, "Send JSON, with the header Content-Type: application/json"
        return None

    def _too_large(self) -> tuple[int, str]:
        return 413, f"A body may have at most {self._max_body:,} bytes"

    async def _read_head(self, receive: Receive) -> bytes:
        """Return the beginning of a body that is refused in any case, if it comes at once."""
        try:
            async with asyncio.timeout(min(_HEAD_SECONDS, self._max_seconds)):
                return await self._read(receive, HEAD) or b""
        except TimeoutError:
            return b""

    async def _read(self, receive: Receive, most: int) -> bytes | None:
        """Return the body, or a little more than `most` bytes of it; None where the caller left."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if not message.get("more_body", False) or len(body) > most:
                return bytes(body)


class Closing:
    """Ends the connection of whoever sends a body that is refused before its end.

    The answer goes out whole at once. Then what comes is thrown away for a bounded time: a sender
    that is cut off while it writes may never read the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        refused = False

        async def closing(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in _UNREAD:
                refused = True
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            if not refused or message["type"] != "http.response.body" or message.get("more_body"):
                await send(message)
                return
            await send({**message, "more_body": True})
            await _throw_away(receive)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, receive, closing)


async def _throw_away(receive: Receive) -> None:
    """Read on until the body ends, nothing comes, or the time is over; hold nothing."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while True:
                message = await asyncio.wait_for(receive(), _IDLE_S)
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return


def _is_streamed(scope: Scope) -> bool:
    """Tell whether the route bounds the body itself, piece by piece."""
    media_type = _header(scope, b"content-type").split(b";")[0].strip().lower()
    return (scope["method"], scope["path"], media_type) in STREAMED


def _has_body(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return b"content-length" in names or b"transfer-encoding" in names


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == wanted), b"")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the whole body once, and then what the server has to say."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
