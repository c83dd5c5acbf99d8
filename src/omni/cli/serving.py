"""Serves an ASGI application until told to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn

from omni.cli.lifetime import first_of

DRAIN_S = 5
"""Seconds that requests in flight get after the stop."""


class _Server(uvicorn.Server):
    """Says when it answers, and leaves signals to the process, which stops more than this."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(
    app: Any, bound: socket.socket, *, stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    """Answer requests on a bound socket until `stop` is set, then finish those in flight.

    Args:
        app: An ASGI application.
        bound: Closed at the end.
        stop: Ends the serving.
        ready: Called once requests are answered.
    """
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=DRAIN_S, lifespan="on"
    )
    server = _Server(config, ready)
    with bound:
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            await first_of(asyncio.shield(serving), stop.wait())
        finally:
            server.should_exit = True
            await serving
