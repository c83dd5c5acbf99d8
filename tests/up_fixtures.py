"""Runs commands of Omni as its user does: as processes, in a folder and on ports of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.e2e.product import free_ports

PORTS = ("API", "CRAWLER", "UI", "SYNTHETIC")
NOT_HANDED_ON = ("OMNI_", "PYTEST_")  # NiceGUI takes the latter for a test of its own


class Here:
    """A folder with its own data and ports.

    Attributes:
        ports: Port by part: API, CRAWLER, UI, SYNTHETIC.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: dict[str, int] = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self._started: list[Running] = []

    def start(self, *arguments: str, **settings: object) -> Running:
        """Start `omni <arguments>`."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(NOT_HANDED_ON)}
        environment |= {f"OMNI_{name}_PORT": str(port) for name, port in self.ports.items()}
        environment |= {f"OMNI_{name.upper()}": str(value) for name, value in settings.items()}
        running = Running(arguments, self.folder, environment)
        self._started.append(running)
        return running

    def run(self, *arguments: str, **settings: object) -> Running:
        """Run `omni <arguments>` to its end."""
        running = self.start(*arguments, **settings)
        running.end(60)
        return running

    def get(self, part: str, path: str) -> str:
        """Return what a part answers."""
        with urlopen(f"http://127.0.0.1:{self.ports[part]}{path}", timeout=10) as answer:
            return answer.read().decode()

    def clear(self) -> None:
        """End whatever a failed test has left running."""
        for running in self._started:
            running.kill()


class Running:
    """One command that runs, or has run."""

    def __init__(self, arguments: tuple[str, ...], folder: Path, environment: dict[str, str]):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "omni.cli.main", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """Everything that it has said so far."""
        return "".join(self.lines)

    @property
    def code(self) -> int | None:
        """Its exit code."""
        return self._process.returncode

    def children(self) -> dict[str, psutil.Process]:
        """The parts that it runs, by name."""
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self._process.pid).children():
            line = child.cmdline()
            if "omni.cli.main" in line:
                found[line[line.index("omni.cli.main") + 1]] = child
        return found

    def until(self, words: str, seconds: float = 90.0) -> None:
        """Wait until it has said something."""
        deadline = time.monotonic() + seconds
        while words not in self.text:
            ended = self._process.poll() is not None
            assert not ended, f"ended with code {self.code} before {words!r}:\n{self.text}"
            assert time.monotonic() < deadline, f"no {words!r}:\n{self.text}"
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self, seconds: float) -> None:
        """Wait for its end."""
        self._process.wait(seconds)
        self._reader.join(5)

    def kill(self) -> None:
        """End it and its children, if it still runs."""
        if self._process.poll() is not None:
            return
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait(10)
        psutil.wait_procs(children, 15)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.lines.append(line)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """A place to run Omni in."""
    place = Here(tmp_path)
    yield place
    place.clear()
