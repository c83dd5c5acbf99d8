"""Rows as people. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar, cast

from omni.connectors.file.types import PLATFORM, Problem, Row, RowMap, Taken, Target
from omni.connectors.file.values import Unfit, count, moment, text, urls, yes
from omni.connectors.types import RawPost, RawProfile

_PLATFORM = re.compile(r"[a-z][a-z0-9-]{0,39}")
_MAX_ID = 400
_V = TypeVar("_V")


def to_person(row: Row, mapping: RowMap, known: Collection[str]) -> Taken:
    """Return the person of a row.

    A value that cannot be read is left out and told; a row without an identity is left out.
    People of a platform in `known` keep its name and need its own id. Everybody else is of the
    platform `file`, told apart by their id, or by the hash of email, link or username.
    """
    problems = [row.problem] if row.problem else []
    if row.cells is None or not any(text_or_none(cell) for cell in row.cells.values()):
        return Taken(row.number, None, tuple(problems) if row.cells is None else ())
    cells = _Cells(row, mapping, problems)
    try:
        platform, name = _identity(cells, mapping, known)
    except _Anonymous as error:
        problems.append(Problem(row.number, error.column, str(error), error.mend, "row"))
        return Taken(row.number, None, tuple(problems))
    profile = _profile(cells, platform, name)
    if not profile.discoverable:
        column = cells.column("discoverable")
        problems.append(Problem(row.number, column, "asks not to be found", "nothing", "row"))
        return Taken(row.number, None, tuple(problems))
    return Taken(row.number, profile, tuple(problems))


def text_or_none(cell: object) -> str | None:
    """Return the cell as text; None too where it cannot be."""
    try:
        return text(cell)
    except Unfit:
        return "…"


class _Anonymous(Exception):
    def __init__(self, what: str, mend: str, column: str | None = None) -> None:
        super().__init__(what)
        self.mend = mend
        self.column = column


class _Cells:
    """A row's cells by what they mean; what cannot be read is noted once and counts as empty."""

    def __init__(self, row: Row, mapping: RowMap, problems: list[Problem]) -> None:
        self._row = row
        self._problems = problems
        self._columns: dict[Target, list[str]] = {}
        for column, target in mapping.columns.items():
            self._columns.setdefault(target, []).append(column)

    def column(self, target: Target) -> str | None:
        return next(iter(self._columns.get(target, ())), None)

    def all(self, target: Target, read: Callable[[object], _V | None]) -> Iterator[tuple[str, _V]]:
        for column in self._columns.get(target, ()):
            try:
                value = read((self._row.cells or {}).get(column))
            except Unfit as error:
                self._problems.append(
                    Problem(self._row.number, column, str(error), error.mend, "value")
                )
                continue
            if value is not None:
                yield column, value

    def one(self, target: Target, read: Callable[[object], _V | None]) -> _V | None:
        return next((value for _, value in self.all(target, read)), None)


def _identity(cells: _Cells, mapping: RowMap, known: Collection[str]) -> tuple[str, str]:
    """Return platform and platform_id."""
    named = cells.one("platform", text) or mapping.platform or PLATFORM
    platform = named.lower()
    if not _PLATFORM.fullmatch(platform):
        raise _Anonymous(
            f"is no platform's name: {named[:40]!r}",
            "use lower-case letters, digits and '-'",
            cells.column("platform"),
        )
    own = cells.one("platform_id", text)
    if own and not _is_id(own):
        raise _Anonymous(
            f"is no id: {own[:40]!r}",
            f"an id has at most {_MAX_ID} characters, on one line, with single spaces",
            cells.column("platform_id"),
        )
    if platform in known and platform != PLATFORM:
        if not own:
            raise _Anonymous(
                f"has no id of {platform}",
                f"map a column to platform_id: {platform}'s own immutable id, not the username",
                cells.column("platform_id"),
            )
        return platform, own
    prefix = "" if platform == PLATFORM else f"{platform}:"
    return PLATFORM, prefix + (own or _hashed(cells))


def _is_id(own: str) -> bool:
    """Tell whether it is text that storing it leaves as it is."""
    tidy = " ".join(unicodedata.normalize("NFC", own).split())
    return own == tidy and own.isprintable() and len(own) <= _MAX_ID


def _hashed(cells: _Cells) -> str:
    link = next((each for _, found in cells.all("link", _first_url) for each in found), None)
    marks = (
        ("email", cells.one("email", text)),
        ("link", link),
        ("username", (cells.one("username", text) or "").lstrip("@")),
    )
    for kind, mark in marks:
        if mark:
            plain = mark.strip().lower().rstrip("/")
            return f"{kind}:{hashlib.sha256(plain.encode('utf-8', 'replace')).hexdigest()[:32]}"
    raise _Anonymous(
        "nothing says who this is", "map a column to platform_id, email, link or username"
    )


def _first_url(cell: object) -> tuple[str, ...] | None:
    """Return the addresses; a cell that holds none is told when the links are read."""
    try:
        return urls(cell)
    except Unfit:
        return None


def _profile(cells: _Cells, platform: str, name: str) -> RawProfile:
    display_name = cells.one("display_name", text)
    username = (cells.one("username", text) or "").lstrip("@")
    accepts = cells.one("accepts_messages", yes)
    return RawProfile(
        platform=platform,
        platform_id=name,
        username=username or display_name or name,
        display_name=display_name,
        bio=cells.one("bio", text),
        followers=cells.one("followers", count),
        follows=cells.one("follows", count),
        posts_count=cells.one("posts_count", count),
        created_at=cells.one("created_at", moment),
        is_bot=cells.one("is_bot", yes) is True,
        accepts_messages=accepts,
        discoverable=cells.one("discoverable", yes) is not False,
        image_urls=tuple(each for _, found in cells.all("image", urls) for each in found)[:3],
        links=tuple(each for _, found in cells.all("link", urls) for each in found),
        posts=tuple(post for _, found in cells.all("post", _posts) for post in found),
        extra=dict(cells.all("extra", text)),
    )


def _posts(cell: object) -> tuple[RawPost, ...]:
    parts = cast("list[object]", cell) if isinstance(cell, list) else [cell]
    return tuple(post for part in parts[:100] if (post := _post(part)))


def _post(part: object) -> RawPost | None:
    fields = cast("Mapping[str, Any]", part) if isinstance(part, dict) else {"text": part}
    words = text(fields.get("text"))
    return RawPost(words, moment(fields.get("created_at"))) if words else None
