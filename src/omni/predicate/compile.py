"""Criteria as SQL over `profile_features pf`.

Postgres' NULL logic is the three-valued logic that criteria are defined in, so the tree maps onto
`and`, `or` and `not`. Every value is a bound parameter with an explicit type; every other character
comes from this module and from the registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from omni.predicate.english import sentence
from omni.predicate.normal import normalise
from omni.predicate.registry import COLUMNS, FIELDS
from omni.predicate.types import (
    READ_TEXT,
    SIMILARITY,
    All,
    Clause,
    Criteria,
    Not,
    Operator,
    Probes,
    Scalar,
    Step,
    Where,
)
from omni.predicate.values import moment
from omni.profiles.types import FieldKind

_ORDERED: Mapping[Operator, str] = {
    "=": "{field} = {value}",
    "!=": "{field} <> {value}",
    "<": "{field} < {value}",
    "<=": "{field} <= {value}",
    ">": "{field} > {value}",
    ">=": "{field} >= {value}",
    "between": "{field} between {value} and {second}",
    "in": "{field} = any({value})",
    "not in": "{field} <> all({value})",
    "exists": "{field} is not null",
}

# In the "C" collation only A to Z have another case, on every server and in every locale.
_FOLDED = 'lower({field} collate "C")'
_READ = f"left({{field}}, {READ_TEXT})"
# A query of no words matches nothing, which `not` would turn into everybody: make it unknown.
_WORDS = "nullif(websearch_to_tsquery('simple', {value}), ''::tsquery)"

_FOLDING: Mapping[Operator, str] = {
    "=": _FOLDED + " = {value}",
    "!=": _FOLDED + " <> {value}",
    "in": _FOLDED + " = any({value})",
    "not in": _FOLDED + " <> all({value})",
    "exists": "{field} is not null",
}

_TEMPLATES: Mapping[FieldKind, Mapping[Operator, str]] = {
    "number": _ORDERED,
    "date": _ORDERED,
    "boolean": {"=": "{field} = {value}", "exists": "{field} is not null"},
    "enumeration": _FOLDING,
    "text": {
        **_FOLDING,
        "starts with": f"starts_with({_FOLDED}, {{value}})",
        "matches": f"to_tsvector('simple', {_READ}) @@ {_WORDS}",
        "similar to": f"similarity({_READ}, {{value}}) >= {SIMILARITY}",
    },
    "array": {
        "contains any": "{field} && {value}",
        "contains all": "{field} @> {value}",
        "exists": "cardinality({field}) > 0",
    },
}
_SEARCH = "{field} @@ " + _WORDS

_TYPES: Mapping[FieldKind, str] = {
    "number": "bigint", "date": "timestamptz", "boolean": "boolean", "text": "text",
    "enumeration": "text", "array": "text",
}  # fmt: skip


def compile_where(tree: Criteria) -> Where:
    """Return the WHERE of a tree in normal form; it is NULL where an unknown feature decides."""
    writer = _Writer()
    sql = writer.write(tree)
    return Where(sql, writer.params, frozenset(writer.fields), writer.drifts)


def compile_probes(tree: Criteria) -> Probes:
    """Return each node of a tree, in the form in which it was written, with its own SQL."""
    writer = _Writer("p")
    return Probes(_step(tree, "criteria", writer), writer.params)


def _step(tree: Criteria, path: str, writer: _Writer) -> Step:
    english = sentence(tree)
    if isinstance(tree, Clause):
        return Step(path, "clause", english, writer.write(normalise(tree)), tree.field)
    if isinstance(tree, Not):
        part = _step(tree.part, f"{path}.not", writer)
        return Step(path, "not", english, f"not ({part.sql})", None, (part,))
    head = "all" if isinstance(tree, All) else "any"
    parts = tuple(_step(p, f"{path}.{head}[{i}]", writer) for i, p in enumerate(tree.parts))
    word = " and " if head == "all" else " or "
    return Step(path, head, english, "(" + word.join(p.sql for p in parts) + ")", None, parts)


class _Writer:
    """Writes SQL, and collects the parameters that it binds."""

    def __init__(self, prefix: str = "c") -> None:
        self._prefix = prefix
        self.params: dict[str, object] = {}
        self.fields: set[str] = set()
        self.drifts = False

    def write(self, tree: Criteria) -> str:
        if isinstance(tree, Clause):
            return self._clause(tree)
        if isinstance(tree, Not):
            return f"not ({self.write(tree.part)})"
        word = " and " if isinstance(tree, All) else " or "
        return "(" + word.join(self.write(part) for part in tree.parts) + ")"

    def _clause(self, clause: Clause) -> str:
        field = FIELDS[clause.field]
        self.fields.add(field.name)
        by_operator = _TEMPLATES[field.kind]
        template = _SEARCH if field.name == "text" else by_operator[clause.op]
        places = {"field": COLUMNS[field.name]}
        if clause.op == "exists":
            test = template.format_map(places)
            return test if clause.value else f"not ({test})"
        places |= self._places(clause, field.kind)
        return template.format_map(places)

    def _places(self, clause: Clause, kind: FieldKind) -> dict[str, str]:
        if clause.op == "between":
            low, high = cast("tuple[Scalar, Scalar]", clause.value)
            return {"value": self._one(low, kind), "second": self._one(high, kind)}
        if isinstance(clause.value, tuple):
            return {"value": self._many(clause.value, kind)}
        return {"value": self._one(clause.value, kind)}

    def _one(self, value: Scalar, kind: FieldKind) -> str:
        if kind != "date":
            return self._bind(value, _type((value,), kind))
        at = moment(str(value))
        if not isinstance(at, timedelta):
            return self._bind(at, "timestamptz")
        self.drifts = True
        # Seconds, because a day's length would depend on the session's time zone.
        return f"(now() - make_interval(secs => {self._bind(at.total_seconds(), 'float8')}))"

    def _many(self, values: tuple[Scalar, ...], kind: FieldKind) -> str:
        bound = [moment(str(v)) if kind == "date" else v for v in values]
        return self._bind(bound, _type(values, kind) + "[]")

    def _bind(self, value: object, sql_type: str) -> str:
        name = f"{self._prefix}_{len(self.params)}"
        self.params[name] = value
        return f":{name}::{sql_type}"


def _type(values: tuple[Scalar, ...], kind: FieldKind) -> str:
    """Return the SQL type of values; whole numbers stay whole, so that counts compare exactly."""
    return "float8" if any(isinstance(v, float) for v in values) else _TYPES[kind]
