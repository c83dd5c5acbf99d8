"""A proxy in front of a platform that loses answers, or refuses requests, as it is told.

With it any platform's real server shows what a network does at the worst moment: the request was
carried out, and its answer never came.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import uvicorn
from starlette.types import Receive, Scope, Send

Failure = Literal["lost answer", "garbage answer", "server error", "rate limit", "stale token"]

_SKIPPED = frozenset({b"host", b"connection", b"content-length", b"transfer-encoding"})


@dataclass
class BrokenProxy:
    """What the proxy does and has seen.

    Attributes:
        upstream: Base URL of the platform.
        writes: Which requests count and may fail: `POST /path`, as a pattern.
        url: Where the proxy listens.
        failures: The failures that the next writes meet, in order.
        carried_out: Bodies of the writes that reached the platform.
        refused: How many writes did not.
        rewrite: What becomes of a request's query on its way.
        stale_token: What the platform answers to a token that has expired: status and JSON.
    """

    upstream: str
    writes: str
    url: str = ""
    failures: list[Failure] = field(default_factory=list[Failure])
    carried_out: list[bytes] = field(default_factory=list[bytes])
    refused: int = 0
    seen: list[str] = field(default_factory=list[str])
    rewrite: Callable[[str], str] = str
    stale_token: tuple[int, bytes] = (401, b'{"error":"InvalidToken","message":"expired"}')

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request on, or fail."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        line = f"{scope['method']} {scope['path']}"
        self.seen.append(line)
        failure = self.failures.pop(0) if self.failures and re.search(self.writes, line) else None
        match failure:
            case "rate limit":
                self.refused += 1
                await _answer(send, 429, b'{"error":"slow down"}', [(b"retry-after", b"0.2")])
                return
            case "server error":
                self.refused += 1
                await _answer(send, 502, b"{}", [])
                return
            case "stale token":
                self.refused += 1
                await _answer(send, *self.stale_token, [])
                return
            case _:
                status, headers, answer = await self._forward(scope, body)
        if re.search(self.writes, line):
            self.carried_out.append(body)
        if failure == "lost answer":
            # More is announced than comes, so the server can only break the connection off.
            await _answer(send, 200, b"{", [(b"content-length", b"100")], more=True)
        elif failure == "garbage answer":
            await _answer(send, 200, b"<html>\xff", [])
        else:
            await _answer(send, status, answer, headers)

    async def _forward(
        self, scope: Scope, body: bytes
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        query = self.rewrite(scope["query_string"].decode())
        url = f"{self.upstream}{scope['raw_path'].decode()}" + (f"?{query}" if query else "")
        headers = [(k, v) for k, v in scope["headers"] if k.lower() not in _SKIPPED]
        headers = [(k, v) for k, v in headers if k.lower() != b"accept-encoding"]
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.request(scope["method"], url, content=body, headers=headers)
        kept = [(k.lower(), v) for k, v in answer.headers.raw if k.lower() not in _SKIPPED]
        return (
            answer.status_code,
            [(k, v) for k, v in kept if k != b"content-encoding"],
            answer.content,
        )


@contextmanager
def broken_proxy(upstream: str, writes: str) -> Generator[BrokenProxy]:
    """Stand in front of `upstream` while the block runs."""
    proxy = BrokenProxy(upstream, writes)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    proxy.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(proxy, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield proxy
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    headers: list[tuple[bytes, bytes]],
    *,
    more: bool = False,
) -> None:
    told: list[Any] = [*headers, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body, "more_body": more})
