"""Asks for one URL over and over, on kept-alive connections, and says how fast it was answered.

Run as a process of its own, so that it takes nothing of the server's time: the program `wrk` where
there is one, else a small loader on asyncio.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Load:
    """What a server did under load: requests a second, and latencies in milliseconds."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float


def measure(url: str, seconds: float) -> Load:
    """Load `url` from another process for that long.

    Raises:
        RuntimeError: An answer was not 200.
    """
    wrk = shutil.which("wrk")
    if wrk is not None:
        return _by_wrk(wrk, url, seconds)
    command = [sys.executable, "-m", "benchmarks.http_load", url, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    return Load(**json.loads(done.stdout))


def _by_wrk(wrk: str, url: str, seconds: float) -> Load:
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--latency", url]
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=seconds + 60
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    percentiles = dict(re.findall(r"^\s+(50|99)%\s+([\d.]+[a-z]+)$", said, re.MULTILINE))
    assert rate is not None, said
    return Load(float(rate[1]), _in_ms(percentiles["50"]), _in_ms(percentiles["99"]))


def _in_ms(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1_000.0, "m": 60_000.0}[unit]


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is complete."""

    def __init__(self, request: bytes, latencies: list[float], ended: asyncio.Future[None]) -> None:
        self._request = request
        self._latencies = latencies
        self._ended = ended
        self._received = bytearray()
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = bytes(self._received[:head_end]).lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(self._received) < head_end + 4 + length:
            return
        if not head.startswith(b"http/1.1 200"):
            self._end(RuntimeError(bytes(self._received[:500]).decode("utf-8", "replace")))
            return
        self._latencies.append(time.perf_counter() - self._sent_at)
        self._received.clear()
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or RuntimeError("the server closed the connection"))

    def _ask(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)

    def _end(self, error: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)


async def load(url: str, seconds: float) -> Load:
    """Load `url` from this process for that long, after a short warm-up."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: */*\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    ended: asyncio.Future[None] = loop.create_future()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: _Connection(request, latencies, ended), host, port)
    await asyncio.wait([ended], timeout=min(1.0, seconds / 5))
    latencies.clear()
    began = time.perf_counter()
    await asyncio.wait([ended], timeout=seconds)
    took = time.perf_counter() - began
    if ended.done():
        ended.result()
    ordered = sorted(latencies)
    return Load(
        len(ordered) / took,
        ordered[len(ordered) // 2] * 1_000,
        ordered[len(ordered) * 99 // 100] * 1_000,
    )


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(load(sys.argv[1], float(sys.argv[2]))))))
