"""Named queries from `.sql` files, with named parameters turned into Postgres' `$n`.

A file begins with `-- owns:` and `-- reads:` (table names, comma-separated), and each query with
`-- name: verb_noun`. Parameters are `:name`; `{{slot}}` takes a `Fragment`, whose text is made only
of literals and of identifiers from our own registries, so that no user's text ever becomes SQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
_SLOT = re.compile(r"\{\{([a-z_]+)\}\}")
_NAME = re.compile(r"^-- name: ([a-z0-9_]+)[ \t]*$", re.MULTILINE)
_HEADER = re.compile(r"^-- (owns|reads):(.*)$", re.MULTILINE)
_LITERAL_OR_COMMENT = re.compile(r"'(?:[^']|'')*'|--[^\n]*")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of SQL with its named parameters, such as a compiled WHERE."""

    text: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Query:
    """One named query; `bind` gives what the driver takes."""

    name: str
    text: str

    def bind(
        self, params: Mapping[str, object], fragments: Mapping[str, Fragment] | None = None
    ) -> tuple[str, list[object]]:
        """Return the SQL with `$n` places and the values in their order.

        Raises:
            KeyError: A parameter or a slot was not given.
        """
        text, values = self.text, dict(params)
        for slot in _SLOT.findall(text):
            fragment = (fragments or {})[slot]
            text = text.replace("{{" + slot + "}}", fragment.text)
            values.update(fragment.params)
        sql, names = _number(text)
        return sql, [values[name] for name in names]


@lru_cache(maxsize=2_048)
def _number(text: str) -> tuple[str, tuple[str, ...]]:
    """Replace `:name` by `$n` outside of string literals and comments; return the names too."""
    places: dict[str, int] = {}

    def place(match: re.Match[str]) -> str:
        return f"${places.setdefault(match.group(1), len(places) + 1)}"

    pieces: list[str] = []
    end = 0
    for literal in _LITERAL_OR_COMMENT.finditer(text):
        pieces.append(_PARAMETER.sub(place, text[end : literal.start()]))
        if not literal.group().startswith("--"):
            pieces.append(literal.group())
        end = literal.end()
    pieces.append(_PARAMETER.sub(place, text[end:]))
    return "".join(pieces), tuple(places)


@dataclass(frozen=True, slots=True)
class Queries:
    """The queries of one room, by name, and the tables that it owns and reads."""

    owns: frozenset[str]
    reads: frozenset[str]
    by_name: Mapping[str, Query]

    def __getitem__(self, name: str) -> Query:
        return self.by_name[name]


def parse_queries(text: str) -> Queries:
    """Split the text of a `.sql` file into its named queries."""
    headers = {m.group(1): _names(m.group(2)) for m in _HEADER.finditer(text)}
    parts = _NAME.split(text)
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError("two queries share a name")
    return Queries(
        owns=headers["owns"],
        reads=headers["reads"],
        by_name={n: Query(n, b.strip().rstrip(";")) for n, b in zip(names, bodies, strict=True)},
    )


def _names(listed: str) -> frozenset[str]:
    return frozenset(name.strip() for name in listed.split(",") if name.strip())


def load_queries(package: str, subject: str = "") -> Queries:
    """Load the queries of a room, such as `load_queries("omni.profiles")`.

    Args:
        package: The room.
        subject: `refresh` for `refresh_queries.sql`, where a room has parted its queries.
    """
    name = f"{subject}_queries.sql" if subject else "queries.sql"
    return parse_queries((resources.files(package) / name).read_text("utf-8"))
