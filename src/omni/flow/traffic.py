"""Tells the database, while a process runs, how the hosts do that it asks."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable
from contextlib import suppress

from omni.base.clock import Clock
from omni.base.errors import OmniError
from omni.base.log import get_logger
from omni.connectors.http import HttpClient
from omni.hosts import store as hosts
from omni.storage.db import Database

REPORT_S = 10.0


def process_name(part: str) -> str:
    """Return the name under which this process reports."""
    return f"{part}@{socket.gethostname()}:{os.getpid()}"


async def report_hosts(
    *,
    db: Database,
    http: HttpClient,
    process: str,
    clock: Clock,
    stop: asyncio.Event,
    every_s: float = REPORT_S,
) -> None:
    """Report every few seconds until the event is set, then take the report back.

    A report that cannot be written is logged and left out: the work goes on without it.
    """
    while not stop.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await stop.wait()
        if metrics := (*http.proxy_metrics(), *http.metrics()):
            await _try(hosts.put_report(db, process, metrics, now=clock()))
    await _try(hosts.drop_report(db, process))


async def _try(writing: Awaitable[None]) -> None:
    try:
        await writing
    except OmniError as error:
        get_logger().warning("hosts.report_failed", error=str(error))
