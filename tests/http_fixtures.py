"""A scripted HTTP server on real loopback sockets, for behaviour that no well-made server has."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

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
    connections: int = 0

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
        self.connections += 1
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
async def scripted_server(
    host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[ScriptedServer]:
    """Run a server on `host` for as long as the block lasts, on TLS if there is a context."""
    server = ScriptedServer(host)
    listener = await asyncio.start_server(server.handle, host, 0, ssl=tls)
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


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of a made-up authority, and of a server that it vouches for."""

    authority: Path
    chain: Path

    def server_context(self) -> ssl.SSLContext:
        """Return what a TLS server needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain)
        return context


def make_certificates(folder: Path, *names: str, days: int = 1) -> Certificates:
    """Make a certificate for `names` that signs itself, and is thus its own authority.

    Args:
        folder: Where the files go.
        names: DNS names that it is for.
        days: How long it holds, from yesterday on; a negative number means that it has expired.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    found = Certificates(folder / f"{names[0]}.ca.pem", folder / f"{names[0]}.pem")
    found.authority.write_bytes(public)
    found.chain.write_bytes(private + public)
    return found


@dataclass(slots=True)
class ForwardProxy:
    """A forward proxy that tunnels (CONNECT) to where the test says, whatever it is asked for."""

    upstream: int | None
    refuse_with: int | None = None
    port: int = 0
    tunnels: list[str] = field(default_factory=list[str])
    open_now: int = 0
    open_most: int = 0

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.tunnels.append(head.split(" ")[1])
            if self.refuse_with or self.upstream is None:
                writer.write(f"HTTP/1.1 {self.refuse_with or 502} no\r\n\r\n".encode())
                await writer.drain()
            else:
                there = await asyncio.open_connection("127.0.0.1", self.upstream)
                writer.write(b"HTTP/1.1 200 tunnel\r\n\r\n")
                self.open_now += 1
                self.open_most = max(self.open_most, self.open_now)
                try:
                    await asyncio.gather(_pipe(reader, there[1]), _pipe(there[0], writer))
                finally:
                    self.open_now -= 1
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def forward_proxy(
    upstream: int | None, *, refuse_with: int | None = None
) -> AsyncGenerator[ForwardProxy]:
    """Run a proxy for as long as the block lasts."""
    proxy = ForwardProxy(upstream, refuse_with)
    listener = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
