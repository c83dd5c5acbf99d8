"""The synthetic network on a port of its own, for tests that need a platform."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvicorn

from omni.connectors.http import HttpClient, RetryPolicy
from omni.connectors.synthetic.server import create_app

NOW = datetime(2025, 11, 22, tzinfo=UTC)
QUICK = RetryPolicy(tries=3, base_s=0.01, backoff_cap_s=0.02, total_s=5.0)


@contextmanager
def running_network(
    state_path: Path,
    *,
    people: int = 400,
    seed: int = 7,
    now: datetime = NOW,
    reply_delay_s: float = 0.05,
) -> Generator[str]:
    """Serve the network while the block runs; gives its base URL."""
    # Named as TCP: only then does asyncio spare each answer the wait of Nagle's algorithm.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    app = create_app(people, seed, state_path, now=now, reply_delay_s=reply_delay_s)
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def break_network(url: str, **fault: object) -> None:
    """Let coming requests fail; see `omni.connectors.synthetic.faults.FaultSpec`."""
    httpx.post(f"{url}/faults", json=fault).raise_for_status()


def mend_network(url: str) -> None:
    """Forget all faults."""
    httpx.delete(f"{url}/faults").raise_for_status()


def requests_of(url: str, since: int = 0) -> tuple[int, list[str]]:
    """Return how many requests the network has had, and those from the `since`-th on."""
    answer = httpx.get(f"{url}/requests", params={"since": since}).raise_for_status().json()
    return answer["total"], answer["requests"]


def edit_person(url: str, person: str, **fields: object) -> None:
    """Let a person change their profile; see `omni.connectors.synthetic.network.Edit`."""
    httpx.patch(f"{url}/people/{person}", json=fields).raise_for_status()


def quick_client(timeout_s: float = 5.0) -> HttpClient:
    """Return an HTTP client that may ask this machine and retries without much waiting."""
    return HttpClient(user_agent="omni-tests", timeout_s=timeout_s, loopback=True, policy=QUICK)
