"""Who owns which table: a room writes its own tables and reads those of rooms upstream."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from omni.storage.sql import Fragment, Queries, Query, parse_queries
from tests.architecture.tree import LAYERS, ROOT, SOURCE, parsed, python_files

WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
STATEMENT = re.compile(
    r"\b(select\b.+\bfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|merge\s+into"
    r"|(create|alter|drop)\s+(table|index|view|function))\b",
    re.IGNORECASE | re.DOTALL,
)
FILLINGS = ("true", "and true", "", "1")
"""What may stand in a slot of a query, for reading it."""


@cache
def rooms() -> dict[str, Queries]:
    """The queries of each room that has some; a room may part them by subject."""
    found: dict[str, Queries] = {}
    for path in sorted(SOURCE.rglob("*queries.sql")):
        room, more = path.parent.name, parse_queries(path.read_text("utf-8"))
        held = found.get(room, Queries(frozenset(), frozenset(), {}))
        assert not held.by_name.keys() & more.by_name.keys(), path
        assert not held.owns & more.owns, path
        found[room] = Queries(
            held.owns | more.owns, held.reads | more.reads, {**held.by_name, **more.by_name}
        )
    return {
        room: Queries(each.owns, each.reads - each.owns, each.by_name)
        for room, each in found.items()
    }


@cache
def tables() -> frozenset[str]:
    """Every table that the migrations make."""
    texts = [path.read_text("utf-8") for path in (ROOT / "migrations" / "sql").glob("*.sql")]
    return frozenset(re.findall(r"^create table (?:if not exists )?(\w+)", "\n".join(texts), re.M))


def queries() -> Iterator[tuple[str, Query]]:
    for room, found in rooms().items():
        for query in found.by_name.values():
            yield room, query


def statement(query: Query) -> exp.Expr:
    """Return the query's syntax tree, its parameters numbered and its slots filled."""
    names = re.findall(r":([a-z_][a-z0-9_]*)", query.text)
    slots = re.findall(r"\{\{([a-z_]+)\}\}", query.text)
    for filling in FILLINGS:
        fragments = {slot: Fragment(filling) for slot in slots}
        text, _ = query.bind(dict.fromkeys(names), fragments)
        with suppress(ParseError):
            return sqlglot.parse_one(text, dialect="postgres")
    raise AssertionError(f"{query.name} could not be read")


def named(table: exp.Expr) -> str:
    if isinstance(table, exp.Schema):  # insert into table (columns)
        table = table.this
    return table.name


def touched(query: Query) -> tuple[set[str], set[str]]:
    """Return the tables that the query writes, and all tables that it names."""
    tree = statement(query)
    assert not isinstance(tree, exp.Command), f"{query.name} could not be read"
    common = {cte.alias for cte in tree.find_all(exp.CTE)}
    written = {named(node.this) for node in tree.find_all(*WRITES)}
    seen = {t.name for t in tree.find_all(exp.Table) if isinstance(t.this, exp.Identifier)}
    aliases = {t.alias for t in tree.find_all(exp.Table) if t.alias and t.name == t.alias}
    return written, (seen - common - (aliases - tables())) | written


def test_every_table_has_one_owner() -> None:
    owners = {table: [r for r, q in rooms().items() if table in q.owns] for table in tables()}
    wrong = {table: found for table, found in owners.items() if len(found) != 1}
    assert not wrong
    unknown = {r: q.owns - tables() for r, q in rooms().items() if q.owns - tables()}
    assert not unknown


def test_rooms_read_only_what_rooms_upstream_own() -> None:
    owner = {table: room for room, found in rooms().items() for table in found.owns}
    wrong = [
        f"{room} reads {table} of {owner.get(table)}"
        for room, found in rooms().items()
        for table in found.reads
        if table not in owner or LAYERS.index(owner[table]) <= LAYERS.index(room)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("room", "query"), [pytest.param(r, q, id=f"{r}.{q.name}") for r, q in queries()]
)
def test_a_query_touches_what_its_file_declares(room: str, query: Query) -> None:
    declared = rooms()[room]
    written, seen = touched(query)
    assert written <= declared.owns
    assert seen <= declared.owns | declared.reads
    assert query.text.lstrip().startswith("--"), "says which index it uses, and why"


def test_nothing_is_declared_that_no_query_touches() -> None:
    seen = {room: set[str]() for room in rooms()}
    for room, query in queries():
        seen[room] |= touched(query)[1]
    idle = {
        room: (found.owns | found.reads) - seen[room]
        for room, found in rooms().items()
        if (found.owns | found.reads) - seen[room]
    }
    assert not idle


def test_sql_stands_only_in_query_files() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {text.strip()[:80]}"
        for path in python_files("src")
        for line, text in strings(path)
        if STATEMENT.search(text)
    ]
    assert not wrong, "\n".join(wrong)


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the string literals of a file that are not documentation."""
    tree = parsed(path)
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation
        ):
            yield node.lineno, node.value
