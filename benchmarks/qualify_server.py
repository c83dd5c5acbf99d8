"""The stand-in for a model server as a process of its own, as a real one would be.

In a thread of the benchmark's own process it would hold the interpreter while the program that is
measured wants it, and both the slots and the processor time would tell of that.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from tests.llm_fixtures import running_model_server


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running stand-in."""

    url: str
    _asked: IO[str]
    _told: IO[str]

    def calls(self) -> int:
        """Return how many calls it has had."""
        return self._ask()[0]

    def busy_s(self) -> float:
        """Return for how many seconds its slots were taken, added up, as it saw it itself."""
        return self._ask()[1]

    def _ask(self) -> tuple[int, float]:
        self._asked.write("\n")
        self._asked.flush()
        calls, busy_s = self._told.readline().split()
        return int(calls), float(busy_s)


@contextmanager
def server_process(latency_s: float, slots: int) -> Generator[ServerProcess]:
    """Serve for the block: each answer takes so long, and so many are given at a time."""
    command = [sys.executable, "-m", "benchmarks.qualify_server", str(latency_s), str(slots)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield ServerProcess(process.stdout.readline().strip(), process.stdin, process.stdout)
        finally:
            process.stdin.close()


def main() -> None:
    """Serve until standard input ends; each line of it asks how much it has done."""
    with running_model_server() as server:
        server.latency_s, server.slots = float(sys.argv[1]), asyncio.Semaphore(int(sys.argv[2]))
        print(server.url, flush=True)
        for _ in sys.stdin:
            print(len(server.requests), server.busy_s, flush=True)


if __name__ == "__main__":
    main()
