"""How one process lives: until a signal, or until the supervisor that started it is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Signals:
    """What SIGINT and SIGTERM have asked for: the first to stop, a second to hurry."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)


def run_with_signals(body: Callable[[Signals], Awaitable[None]]) -> None:
    """Run `body` to its end; it minds the signals by itself."""

    async def run() -> None:
        signals = Signals()

        def on_signal() -> None:
            (signals.hurry if signals.stop.is_set() else signals.stop).set()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, on_signal)
        await body(signals)

    asyncio.run(run())


async def first_of(*awaitables: Awaitable[object]) -> None:
    """Wait until one of them ends, and cancel the others; raises what the ended one raised."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def leave_with_parent() -> None:
    """Stop this process when its standard input ends, which is when its supervisor has died."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
