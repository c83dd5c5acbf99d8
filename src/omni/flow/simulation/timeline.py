"""Virtual time: processes are generators that say how long they wait."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush

Process = Generator[timedelta, None, None]

AT_ONCE = timedelta(0)


class Killed(Exception):
    """The machine's process dies here, with everything in it."""


@dataclass(slots=True, eq=False)
class Machine:
    """Processes that die together."""

    alive: bool = True


class Timeline:
    """Runs processes in the order of their moments; at one moment, as they came."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self._waiting: list[tuple[datetime, int, Process, Machine]] = []
        self._started = 0

    def start(
        self, process: Process, machine: Machine | None = None, *, after: timedelta = AT_ONCE
    ) -> None:
        """Let a process begin; without a machine nothing kills it."""
        self._push(self.now + after, process, machine or Machine())

    def run(self, until: datetime) -> None:
        """Let everything happen that happens before `until`."""
        while self._waiting and self._waiting[0][0] < until:
            self.now, _, process, machine = heappop(self._waiting)
            if not machine.alive:
                process.close()
                continue
            try:
                wait = next(process)
            except StopIteration:
                continue
            except Killed:
                machine.alive = False
                continue
            self._push(self.now + wait, process, machine)
        self.now = until

    def _push(self, at: datetime, process: Process, machine: Machine) -> None:
        self._started += 1
        heappush(self._waiting, (at, self._started, process, machine))
