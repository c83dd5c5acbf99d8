"""A scripted HTTP server on real loopback sockets, for behaviour that no well-made server has."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from omni.connectors.http import HttpClient, RetryPolicy

QUICK = RetryPolicy(tries=3, base_s=0.01, backoff_cap_s=0.02, wait_cap_s=3.0, total_s=10.0)
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

Act = Callable[["Call"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the server got, and the way to answer it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter


@dataclass(slots=True)
class ScriptedServer:
    """Answers each path with the acts given for it, one a request; the last one goes on."""

    host: str
    port: int = 0
    calls: list[Call] = field(default_factory=list[Call])
    script: dict[str, list[Act]] = field(default_factory=dict[str, list[Act]])
    open_now: int = 0
    open_most: int = 0

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://{self.host}:{self.port}"

    def on(self, path: str, *acts: Act) -> str:
        """Set what a path does; return its URL."""
        self.script[path] = list(acts)
        return self.url + path

    def count(self, path: str) -> int:
        """Return how many requests for `path` arrived, whatever became of them."""
        return sum(call.path.partition("?")[0] == path for call in self.calls)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                call = await _read_call(reader, writer)
                self.calls.append(call)
                acts = self.script[call.path.partition("?")[0]]
                act = acts.pop(0) if len(acts) > 1 else acts[0]
                self.open_now += 1
                self.open_most = max(self.open_most, self.open_now)
                try:
                    await act(call)
                finally:
                    self.open_now -= 1
        writer.close()


async def _read_call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(method, path, headers, body, writer)


@asynccontextmanager
async def scripted_server(host: str = "127.0.0.1") -> AsyncGenerator[ScriptedServer]:
    """Run a server on `host` for as long as the block lasts."""
    server = ScriptedServer(host)
    listener = await asyncio.start_server(server.handle, host, 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> Act:
    """Answer at once; underscores in header names become hyphens."""
    named = {"content_type": "application/json", "content_length": str(len(body))} | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode("latin-1")

    async def act(call: Call) -> None:
        call.writer.write(head + body)
        await call.writer.drain()

    return act


async def hang(call: Call) -> None:
    """Take the request and say nothing."""
    await asyncio.sleep(30)


async def reset(call: Call) -> None:
    """Take the request and break the connection with RST."""
    call.writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    call.writer.transport.abort()


async def close(call: Call) -> None:
    """Take the request and close the connection in good order."""
    call.writer.close()


def endless(*, encoding: str | None = None, chunk: bytes = b"x" * 65_536) -> Act:
    """Send `chunk` again and again, for as long as somebody listens."""

    async def act(call: Call) -> None:
        extra = f"content-encoding: {encoding}\r\n" if encoding else ""
        call.writer.write(f"HTTP/1.1 200 X\r\ncontent-type: text/plain\r\n{extra}\r\n".encode())
        for _ in range(4_000):
            call.writer.write(chunk)
            await call.writer.drain()
        call.writer.close()

    return act


def slow(seconds: float, then: Act) -> Act:
    """Wait, then act."""

    async def act(call: Call) -> None:
        await asyncio.sleep(seconds)
        await then(call)

    return act


def client(**changes: Any) -> HttpClient:
    """Return a client that may ask this machine, retries quickly, and knows what time it is."""
    known: dict[str, Any] = {
        "user_agent": "Omni-test/1 (+tests)",
        "timeout_s": 0.4,
        "loopback": True,
        "policy": QUICK,
        "rng": Random(1),
        "clock": lambda: NOW,
    }
    return HttpClient(**known | changes)
