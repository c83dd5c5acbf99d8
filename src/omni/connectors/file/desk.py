"""Where files of people lie, and what can be asked of them. Blocking: call it in a thread."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from uuid import uuid4

from omni.base.errors import Rejected
from omni.connectors.file import guess as guessing
from omni.connectors.file.people import to_person
from omni.connectors.file.reading import csv_shape, inspect, read_rows
from omni.connectors.file.seen import Seen
from omni.connectors.file.types import Problem, RowMap, Shape, Taken
from omni.connectors.types import RawProfile

SAMPLE = 200
"""Rows by which columns' meanings are guessed."""

MAX_PREVIEW = 100
_LONGEST = 1_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Part:
    """What some rows of a file came to.

    Attributes:
        rows: How many rows were looked at.
        skipped: How many of them hold nobody: blank, or left out for a problem.
    """

    rows: int
    people: tuple[RawProfile, ...]
    problems: tuple[Problem, ...]
    skipped: int


class Reader:
    """Goes through a file once; the same file and mapping always give the same parts.

    Args:
        path: The file.
        shape: How it is read.
        mapping: What its columns mean.
        known: Platforms whose people keep their platform's name.
    """

    def __init__(self, path: Path, shape: Shape, mapping: RowMap, known: Collection[str]) -> None:
        self._rows = read_rows(path, shape)
        self._mapping = mapping
        self._known = known
        self._seen = Seen()

    def take(self, size: int) -> Part | None:
        """Return what the next rows, at most `size`, come to; None at the end.

        Raises:
            Rejected: The file is damaged in a way that leaves no next row.
        """
        taken = [to_person(row, self._mapping, self._known) for row in islice(self._rows, size)]
        if not taken:
            return None
        people: list[RawProfile] = []
        problems: list[Problem] = []
        for each in taken:
            problems += each.problems
            if each.profile is None:
                continue
            if self._seen.add(f"{each.profile.platform}\0{each.profile.platform_id}"):
                people.append(each.profile)
            else:
                what = "is the same person as an earlier row"
                problems.append(Problem(each.number, None, what, "keep one of the rows", "row"))
        return Part(len(taken), tuple(people), tuple(problems), len(taken) - len(people))

    def skip(self, rows: int, size: int = 1_000) -> None:
        """Go on behind the first `rows` rows, knowing who is in them."""
        while rows > 0 and (part := self.take(min(rows, size))):
            rows -= part.rows


class Desk:
    """The folder of uploaded files, each under the SHA-256 of its content.

    Args:
        folder: Made when needed.
        known: Platforms whose people keep their platform's name.
    """

    def __init__(self, folder: Path, known: Collection[str]) -> None:
        self._folder = folder
        self._known = frozenset(known)

    def new_path(self) -> Path:
        """Return where an upload may be written until it is whole."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{uuid4().hex}.part"

    def keep(self, part: Path, sha256: str) -> None:
        """Keep a whole upload under its name."""
        part.replace(self._path(sha256))

    def remove(self, sha256: str) -> None:
        """Remove a file, if it is there."""
        self._path(sha256).unlink(missing_ok=True)

    def older_than(self, moment: datetime) -> list[str]:
        """Return the names of files, whole and in parts, that were written before a moment."""
        if not self._folder.is_dir():
            return []
        files = (path for path in self._folder.iterdir() if path.is_file())
        return [path.name for path in files if path.stat().st_mtime < moment.timestamp()]

    def discard(self, name: str) -> None:
        """Remove a file of this folder, whole or a part, if it is there."""
        (self._folder / Path(name).name).unlink(missing_ok=True)

    def holds(self, sha256: str, pattern: re.Pattern[bytes]) -> bool:
        """Tell whether a file has such words in one of its lines, as its bytes have them."""
        with self._there(sha256).open("rb") as file:
            return any(pattern.search(line) for line in iter(partial(file.readline, _LONGEST), b""))

    def inspect(self, sha256: str, name: str) -> Shape:
        """Find out how a file is to be read; raises as `reading.inspect`."""
        return inspect(self._there(sha256), name)

    def reshape(
        self, sha256: str, shape: Shape, encoding: str, delimiter: str, header: bool
    ) -> Shape:
        """Return the shape of a CSV file that is to be read in another way.

        Raises:
            Rejected: It is no CSV file, or cannot be read in this way.
        """
        if shape.format != "csv":
            raise Rejected(f"a {shape.format} file has no such thing", field="delimiter")
        try:
            "".encode(encoding)  # fails for what is no encoding of text, such as hex
            codecs.getincrementaldecoder(encoding)("replace").decode(b"a,b\xff\n", final=True)
        except (LookupError, ValueError):
            raise Rejected(f"no encoding is called {encoding!r}", field="encoding") from None
        return csv_shape(self._there(sha256), encoding, delimiter, header=header)

    def guess(self, sha256: str, shape: Shape, platform: str | None) -> RowMap:
        """Return what the columns probably mean."""
        sample = list(islice(read_rows(self._there(sha256), shape), SAMPLE))
        return guessing.guess(shape.columns, sample, platform=platform)

    def check(self, shape: Shape, mapping: RowMap, *, whole: bool = False) -> RowMap:
        """Return a mapping whose columns are those of the file.

        Args:
            shape: The file's.
            mapping: What its columns mean.
            whole: Whether it has to say who a person is.

        Raises:
            Rejected: It does not fit.
        """
        missing = next((name for name in mapping.columns if name not in shape.columns), None)
        if missing is not None:
            raise Rejected(f"the file has no column {missing[:50]!r}", field="columns")
        who = {"platform_id", "email", "link", "username"}
        if whole and not who & set(mapping.columns.values()):
            raise Rejected(
                f"no column says who a person is: map one to {', '.join(sorted(who))}",
                field="columns",
            )
        return mapping

    def preview(self, sha256: str, shape: Shape, mapping: RowMap, rows: int) -> tuple[Taken, ...]:
        """Return what becomes of the first rows that are not blank."""
        first = islice(read_rows(self._there(sha256), shape), 10 * MAX_PREVIEW)
        found = (to_person(row, mapping, self._known) for row in first)
        told = (taken for taken in found if taken.profile or taken.problems)
        return tuple(islice(told, min(rows, MAX_PREVIEW)))

    def open(self, sha256: str, shape: Shape, mapping: RowMap) -> Reader:
        """Return what goes through a file.

        Raises:
            Rejected: The file is not in this folder.
        """
        return Reader(self._there(sha256), shape, mapping, self._known)

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise Rejected("a file's name is a SHA-256 in lower-case hexadecimal")
        return self._folder / sha256

    def _there(self, sha256: str) -> Path:
        path = self._path(sha256)
        if not path.is_file():
            raise Rejected("the file is not in the data folder (any more): upload it again")
        return path
