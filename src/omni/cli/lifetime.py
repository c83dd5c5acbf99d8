"""How one process lives: until a signal, or until the supervisor that started it is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

SAME_WISH_S = 1.0
"""A process group may be sent one signal twice; only a later one is a second wish."""


@dataclass(slots=True)
class Signals:
    """What SIGINT and SIGTERM have asked for: the first to stop, a second to hurry."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    stopped_at: float = 0.0

    def heard(self, now: float) -> None:
        """Take note of a signal that came at `now`, in seconds of a clock that never goes back."""
        if not self.stop.is_set():
            self.stop.set()
            self.stopped_at = now
        elif now - self.stopped_at > SAME_WISH_S:
            self.hurry.set()


def run_with_signals(body: Callable[[Signals], Awaitable[None]]) -> None:
    """Run `body` to its end; it minds the signals by itself."""

    async def run() -> None:
        signals = Signals()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: signals.heard(loop.time()))
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
        while os.read(sys.stdin.fileno(), 1_024):  # unbuffered: a buffer's lock outlives the thread
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
