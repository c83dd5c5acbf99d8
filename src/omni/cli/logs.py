"""The log file of a part: all of it on disk, within a bound, and its errors on the screen."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec

from omni.cli.render import plain

MAX_BYTES = 20_000_000
"""Of a log file; it is then put aside as `.log.1`, and the one before that is forgotten."""
_CHUNK = 65_536
_LONGEST_LINE = 100_000
_SHOWN = 300
_TELLING = frozenset({"error", "critical"})
_NOT_NEWS = frozenset({"event", "level", "timestamp", "exception"})


class LogFile:
    """Appends what a part says to its file, and hands lines that tell of errors to `echo`."""

    def __init__(self, path: Path, echo: Callable[[str], None]) -> None:
        self.path = path
        self._echo = echo
        self._recent = deque[str](maxlen=5)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    async def fill_from(self, stream: asyncio.StreamReader) -> None:
        """Read the stream to its end."""
        begun = b""
        while chunk := await stream.read(_CHUNK):
            self._write(chunk)
            *lines, begun = (begun + chunk).split(b"\n")
            begun = begun[-_LONGEST_LINE:]
            for line in lines:
                self._look_at(line.decode(errors="replace"))
        if begun:
            self._look_at(begun.decode(errors="replace"))

    def last_line(self) -> str:
        """Return the last line that was not empty."""
        return self._recent[-1] if self._recent else "it said nothing"

    def _write(self, chunk: bytes) -> None:
        if self._file.tell() > MAX_BYTES:
            self._file.close()
            self.path.replace(self.path.with_suffix(".log.1"))
            self._file = self.path.open("ab")
        self._file.write(chunk)
        self._file.flush()

    def _look_at(self, line: str) -> None:
        if line.strip():
            self._recent.append(plain(line)[:_SHOWN])
        if told := telling(line):
            self._echo(told)


def telling(line: str) -> str | None:
    """Return a log line in a person's form if it tells of an error, else None."""
    try:
        entry: Any = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
    if not isinstance(entry, dict):
        return None
    values = cast("dict[str, Any]", entry)
    if values.get("level") not in _TELLING:
        return None
    facts = (f"{name}={value}" for name, value in values.items() if name not in _NOT_NEWS)
    return plain(" ".join((str(values.get("event", "")), *facts)))[:_SHOWN]
