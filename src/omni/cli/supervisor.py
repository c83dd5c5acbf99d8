"""Starts the parts as processes, starts those again that crash, stops all of them in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from omni.base.errors import Fatal, Rejected
from omni.cli.faults import MISTAKE
from omni.cli.lifetime import Signals, first_of
from omni.cli.logs import LogFile
from omni.flow.runs import Timing

CRASHES = 5
WITHIN_S = 60.0
START_S = 90.0
STOP_S = Timing().drain + Timing().abandon + 10.0
"""What a part gets to stop in: what a worker may take for its runs, and a margin for the rest."""
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0

Say = Callable[[str], None]


@dataclass(slots=True)
class Child:
    """A part that is to be kept running."""

    name: str
    command: Sequence[str]
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    where: str = ""
    crashes: deque[float] = field(default_factory=lambda: deque[float](maxlen=CRASHES))


def wait_before(crashes: int) -> float:
    """Return the seconds to wait before a part is started again after so many recent crashes."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** max(0, crashes - 1))


def gives_up(crashes: Sequence[float]) -> bool:
    """Tell whether the moments of the last crashes lie too close together to go on."""
    return len(crashes) >= CRASHES and crashes[-1] - crashes[0] <= WITHIN_S


class Supervisor:
    """Runs the children while its block runs.

    Args:
        parts: Name and command of each, in the order in which they start.
        environment: Of the children, besides our own.
        logs: Folder of their logs, one file each.
        signals: A stop ends the wait for the parts at the start, a hurry that at the end.
        say: Told each thing that a person should know, a line at a time.
    """

    def __init__(
        self,
        parts: Sequence[tuple[str, Sequence[str]]],
        *,
        environment: Mapping[str, str],
        logs: Path,
        signals: Signals,
        say: Say,
    ) -> None:
        self._children = [Child(name, command) for name, command in parts]
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
        self._logs = logs
        self._signals = signals
        self._say = say
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        """Start every part, and return when all do their work, or when it is time to stop.

        Raises:
            Rejected: A part refuses to start, and says why.
            Fatal: A part does not come to work.
        """
        self._keepers = [asyncio.create_task(self._keep(child)) for child in self._children]
        try:
            for child in self._children:
                await self._until_ready(child)
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def until_broken(self) -> None:
        """Return never; raise when a part cannot be kept running.

        Raises:
            Rejected: It refuses to go on, and says why.
            Fatal: It crashes again and again.
        """
        await asyncio.shield(self._broken)

    async def stop(self) -> None:
        """Stop the parts, the last one first; who does not go in time is killed."""
        self._stopping.set()
        for child in reversed(self._children):
            await self._stop_child(child)
        await asyncio.gather(*self._keepers)
        if self._broken.done():
            self._broken.exception()  # it was told, or comes too late to matter
        else:
            self._broken.cancel()

    async def _until_ready(self, child: Child) -> None:
        try:
            async with asyncio.timeout(START_S):
                await first_of(child.ready.wait(), self.until_broken(), self._signals.stop.wait())
        except TimeoutError:
            raise Fatal(
                f"{child.name} did not come to work in {START_S:.0f} s (see {self._log(child)})"
            ) from None
        if child.ready.is_set():
            self._say(f"{child.name:<10} {child.where}")

    async def _stop_child(self, child: Child) -> None:
        """Ask the part to stop; kill it when it takes too long, or when there is a hurry."""
        process = child.process
        if process is None or process.returncode is not None:
            return
        _signal(child, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await first_of(process.wait(), self._signals.hurry.wait())
        _signal(child, signal.SIGKILL)
        await process.wait()

    async def _keep(self, child: Child) -> None:
        """Run the part again whenever it ends by itself, until that is hopeless."""
        log = LogFile(self._log(child), lambda line: self._say(f"{child.name:<10} | {line}"))
        try:
            while not self._stopping.is_set():
                code = await self._run(child, log)
                if self._stopping.is_set():
                    return
                now = monotonic()
                child.crashes.append(now)
                how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
                if code == MISTAKE:
                    raise Rejected(log.last_line().removeprefix("omni: "))
                if gives_up(child.crashes):
                    raise Fatal(
                        f"{child.name} ended {CRASHES} times within {WITHIN_S:.0f} s ({how}): "
                        f"{log.last_line()} (see {log.path})"
                    )
                wait = wait_before(sum(now - crash <= WITHIN_S for crash in child.crashes))
                self._say(
                    f"{child.name:<10} ended ({how}): {log.last_line()}; "
                    f"starting it again in {wait:.1f} s"
                )
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), wait)
        except (Rejected, Fatal, OSError) as error:
            if not self._broken.done():
                self._broken.set_exception(error)
        finally:
            log.close()

    async def _run(self, child: Child, log: LogFile) -> int:
        """Run the part once, in its own session: Ctrl-C is for us, and we stop it in its turn."""
        process = await asyncio.create_subprocess_exec(
            *child.command,
            stdin=asyncio.subprocess.PIPE,  # it ends when we are gone, and so does the part
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )
        child.process = process
        if self._stopping.is_set():
            _signal(child, signal.SIGTERM)
        assert process.stdout
        assert process.stderr
        await asyncio.gather(self._hear(child, process.stdout), log.fill_from(process.stderr))
        return await process.wait()

    async def _hear(self, child: Child, stream: asyncio.StreamReader) -> None:
        """Take the part's first line on standard output as its word that it does its work."""
        first = await stream.readline()
        if first and child.ready.is_set():
            self._say(f"{child.name:<10} is back")
        elif first:
            child.where = first.decode(errors="replace").strip().partition(": ")[2]
            child.ready.set()
        while await stream.read(65_536):
            pass

    def _log(self, child: Child) -> Path:
        return self._logs / f"{child.name}.log"


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process is not None and child.process.returncode is None:
        with suppress(ProcessLookupError):
            child.process.send_signal(number)


def omni_command(*arguments: str) -> tuple[str, ...]:
    """Return the command line that runs a command of this very Omni."""
    return (sys.executable, "-m", "omni.cli.main", *arguments)
