"""The stand-in for a model server as a process of its own, as a real one would be.

In a thread of the benchmark's own process it would hold the interpreter while the program that is
measured wants it, and both the slots and the processor time would tell of that.
"""

from __future__ import annotations

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
        self._asked.write("\n")
        self._asked.flush()
        return int(self._told.readline())


@contextmanager
def server_process(latency_s: float) -> Generator[ServerProcess]:
    """Start a stand-in that takes so long for each answer, and stop it after the block."""
    command = [sys.executable, "-m", "benchmarks.qualify_server", str(latency_s)]
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
    """Serve until standard input ends; each line of it asks for the number of calls until then."""
    with running_model_server() as server:
        server.latency_s = float(sys.argv[1])
        print(server.url, flush=True)
        for _ in sys.stdin:
            print(len(server.requests), flush=True)


if __name__ == "__main__":
    main()
