"""Failures on request: the synthetic network can be told to answer badly, for tests.

It also remembers what it was asked, for tests that count.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Annotated, Literal

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-synthetic-fault"
"""A request that bears this header, with a fault as JSON in it, fails itself and no other."""

MAX_REQUESTS = 20_000
"""The most requests that are remembered."""

CONTROLS = frozenset({"/faults", "/requests"})
"""Paths by which a test steers the network; they neither fail nor count."""

_TOLD = b'{"error":"Fault","message":"as it was told to"}'
_GARBAGE = b'<html>{"people": [[[ \xff\xfe'


class FaultSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How requests fail.

    Attributes:
        path: Requests whose path begins with this.
        mode: `status` answers with `status`; `hang` says nothing for `seconds` and then breaks
            off; `garbage` answers 200 with bytes that are no JSON; `drop` breaks off at once;
            `slow` waits `seconds` and answers as ever.
        times: How many requests fail.
        retry_after: Sent as `Retry-After`, in seconds.
        late: The request is carried out before its answer goes wrong.
    """

    path: str = "/"
    mode: Literal["status", "hang", "garbage", "drop", "slow"] = "status"
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 500
    times: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1
    seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 60.0
    retry_after: float | None = None
    late: bool = False


class Faults:
    """The faults that are still to happen."""

    def __init__(self) -> None:
        self._waiting: list[tuple[FaultSpec, int]] = []

    def add(self, fault: FaultSpec) -> None:
        """Let the next `fault.times` matching requests fail."""
        self._waiting.append((fault, fault.times))

    def clear(self) -> None:
        """Forget all faults."""
        self._waiting.clear()

    def left(self) -> list[tuple[FaultSpec, int]]:
        """Return the faults with how many times each is still to happen."""
        return list(self._waiting)

    def next_for(self, path: str) -> FaultSpec | None:
        """Return the fault that this request meets, and count it."""
        for place, (fault, times) in enumerate(self._waiting):
            if path.startswith(fault.path):
                self._waiting[place : place + 1] = [(fault, times - 1)] if times > 1 else []
                return fault
        return None


class Requests:
    """The latest requests, as paths with their queries; how many there were in all."""

    def __init__(self) -> None:
        self.total = 0
        self._latest: deque[str] = deque(maxlen=MAX_REQUESTS)

    def note(self, scope: Scope) -> None:
        """Remember a request."""
        self.total += 1
        query = scope["query_string"].decode("ascii", "replace")
        self._latest.append(scope["path"] + (f"?{query}" if query else ""))

    def since(self, place: int) -> list[str]:
        """Return the requests from the `place`-th on, as far as they are remembered."""
        first = self.total - len(self._latest)
        return list(self._latest)[max(0, place - first) :]


class FaultMiddleware:
    """Stands before the app, remembers requests, and lets them fail as they were told to."""

    def __init__(self, app: ASGIApp, faults: Faults, requests: Requests) -> None:
        self._app, self._faults, self._requests = app, faults, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["path"] not in CONTROLS:
            self._requests.note(scope)
        fault = self._fault(scope) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.mode == "slow":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
            return
        if fault.late:
            await self._app(scope, receive, _into_nothing)
        await _fail(fault, send)

    def _fault(self, scope: Scope) -> FaultSpec | None:
        if scope["path"] in CONTROLS:
            return None
        for name, value in scope["headers"]:
            if name == HEADER:
                return msgspec.json.decode(value, type=FaultSpec)
        return self._faults.next_for(scope["path"])


async def _into_nothing(message: Message) -> None:
    """Take an answer that nobody gets to see."""


async def _fail(fault: FaultSpec, send: Send) -> None:
    if fault.mode == "hang":
        await asyncio.sleep(fault.seconds)
    if fault.mode in ("hang", "drop"):
        # More is announced than comes, so the server can only break the connection off.
        await _answer(send, 200, b"{", [(b"content-length", b"100")], more=True)
        return
    headers = [(b"content-type", b"application/json")]
    if fault.retry_after is not None:
        headers.append((b"retry-after", f"{fault.retry_after:g}".encode()))
    garbage = fault.mode == "garbage"
    await _answer(send, 200 if garbage else fault.status, _GARBAGE if garbage else _TOLD, headers)


async def _answer(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]], *, more: bool = False
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": more})
