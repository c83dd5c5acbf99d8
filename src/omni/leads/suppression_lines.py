"""One line of a file of suppressions: what it says, or what is wrong with it. Pure.

A file has one suppression a line. With a heading, its columns say what they are: `scope`,
`platform`, `platform_id` (or `id`, `username`, `handle`), `domain`, `reason`. Without one, a line
is a single word: a domain, or a person of the platform that the whole file is about; the link of a
profile names its platform itself. A mail address names nobody on a platform, and its domain is more
than was meant: it is told as a bad line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from omni.base.errors import Rejected
from omni.leads.suppressing import keys_of
from omni.leads.types import Scope
from omni.leads.whom import is_link, platform_of

MAX_LINE: Final = 4_000
"""Bytes of a line."""

_MEANINGS: Final[Mapping[str, str]] = {
    "scope": "scope",
    "platform": "platform",
    "network": "platform",
    "platform_id": "person",
    "id": "person",
    "did": "person",
    "person": "person",
    "username": "person",
    "handle": "person",
    "user": "person",
    "url": "person",
    "link": "person",
    "profile": "person",
    "profile_url": "person",
    "value": "person",
    "domain": "domain",
    "email": "mail",
    "reason": "reason",
    "note": "reason",
}
_SCOPES: Final[tuple[Scope, ...]] = ("person", "domain", "platform", "all")
_MAX_REASON = 300


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of a file are read.

    Attributes:
        columns: What each cell is; None is passed over. Empty: there is no heading.
        delimiter: Between the cells.
    """

    columns: tuple[str | None, ...] = ()
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a line asks for: the pairs under which it is written, and why."""

    keys: tuple[tuple[str, str], ...]
    reason: str


def layout_of(first: bytes) -> Layout:
    """Return how a file is read whose first line this is."""
    text = _decoded(first)
    delimiter = max(",;\t", key=text.count)
    names = [cell.strip().lower().replace(" ", "_") for cell in _cells(text, delimiter)]
    columns = tuple(_MEANINGS.get(name) for name in names)
    if any(column in ("person", "domain", "scope", "mail") for column in columns):
        return Layout(columns, delimiter)
    return Layout((), delimiter)


def read_line(line: bytes, layout: Layout, *, platform: str | None, reason: str) -> Wanted | None:
    """Return what a line asks for; None of one that is empty or a comment.

    Args:
        line: Without its end.
        layout: Of the file.
        platform: Of persons whose line names none.
        reason: Where the line gives none.

    Raises:
        Rejected: What is wrong with it, in words.
    """
    if len(line) > MAX_LINE:
        raise Rejected(f"longer than {MAX_LINE:,} bytes")
    text = _decoded(line).strip()
    if not text or text.startswith("#"):
        return None
    cells = [cell.strip() for cell in _cells(text, layout.delimiter)]
    if not layout.columns:
        return Wanted(_keys_of_word(cells[0], platform), reason)
    said = _said(cells, layout.columns)
    if not said:
        return None
    return Wanted(_keys_of_row(said, platform), said.get("reason", reason)[:_MAX_REASON])


def _keys_of_word(word: str, platform: str | None) -> tuple[tuple[str, str], ...]:
    named = _platform_of(word, platform)
    if named:
        return keys_of("person", named, word)
    if "@" in word[1:]:
        raise Rejected("a person or a mail address: choose the file's platform, or name a domain")
    return keys_of("domain", None, word)


def _keys_of_row(said: Mapping[str, str], platform: str | None) -> tuple[tuple[str, str], ...]:
    scope = said.get("scope", "").lower()
    if scope and scope not in _SCOPES:
        raise Rejected(f"the scope {scope[:40]!r} is none of {', '.join(_SCOPES)}")
    if scope in ("all", "platform"):
        raise Rejected("a file cannot suppress a whole platform or all: a person does that")
    person, domain = said.get("person"), said.get("domain")
    if scope == "domain" or (not person and domain):
        return keys_of("domain", None, domain or person or "")
    if not person and "mail" in said:
        raise Rejected("a mail address names nobody on a platform: add their id there")
    named = said.get("platform") or _platform_of(person or "", platform)
    if not named:
        raise Rejected("names no platform: add a column, or choose one for the file")
    return keys_of("person", named, person)


def _platform_of(person: str, platform: str | None) -> str | None:
    """Return whose a person is: a link names its platform, whatever the file is about."""
    if is_link(person):
        return platform_of(person)
    return platform or platform_of(person)


def _said(cells: Sequence[str], columns: Sequence[str | None]) -> dict[str, str]:
    """Return the first filled cell of each meaning."""
    said: dict[str, str] = {}
    for cell, column in zip(cells, columns, strict=False):
        if column is not None and cell:
            said.setdefault(column, cell)
    return said


def _cells(text: str, delimiter: str) -> list[str]:
    rows: Iterator[list[str]] = csv.reader([text], delimiter=delimiter)
    try:
        return next(rows, [""]) or [""]
    except csv.Error as error:
        raise Rejected(f"cannot be read: {error}") from error


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig").replace("\0", "")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace").replace("\0", "")
