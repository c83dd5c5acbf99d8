"""Criteria as the form has them: groups of rows, one group within another at the most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from omni.client.models import CriteriaField

Head = Literal["all", "any", "none"]
MAX_DEPTH = 2


@dataclass
class Group:
    """Rows that go together; `none` is `not any`."""

    head: Head
    parts: list[Any]

    def document(self) -> dict[str, Any]:
        """Return the criteria that the rows say."""
        parts = [p.document() if isinstance(p, Group) else _plain(p) for p in self.parts]
        return {"not": {"any": parts}} if self.head == "none" else {self.head: parts}


def _plain(clause: dict[str, Any]) -> dict[str, Any]:
    return dict(clause)


def to_groups(document: dict[str, Any], fields: Mapping[str, CriteriaField]) -> Group | None:
    """Return the document as rows; None where the form has no row for all of it, unharmed."""
    found = _part(document, 0, fields)
    if isinstance(found, dict):
        return Group("all", [found])
    return found


def shape(op: str) -> str:
    """Return which kind of value an operator takes: one, pair, list or flag."""
    shapes = {"between": "pair", "exists": "flag"}
    many = op in ("in", "not in", "contains any", "contains all")
    return "list" if many else shapes.get(op, "one")


def _part(
    document: Any, depth: int, fields: Mapping[str, CriteriaField]
) -> Group | dict[str, Any] | None:
    if not isinstance(document, dict):
        return None
    node = cast("dict[str, Any]", document)
    if "field" in node:
        return dict(node) if _has_row(node, fields) else None
    head, inner = next(iter(node.items()), ("", None))
    if len(node) != 1:
        return None
    if head == "not" and isinstance(inner, dict):
        return _negated(cast("dict[str, Any]", inner), depth, fields)
    if head not in ("all", "any") or not isinstance(inner, list) or depth >= MAX_DEPTH:
        return None
    return _group("all" if head == "all" else "any", cast("list[Any]", inner), depth, fields)


def _negated(
    inner: dict[str, Any], depth: int, fields: Mapping[str, CriteriaField]
) -> Group | dict[str, Any] | None:
    if depth >= MAX_DEPTH and "field" not in inner:
        return None
    if "field" in inner:
        if isinstance(inner.get("value"), bool) and inner.get("op") in ("=", "exists"):
            return {**inner, "value": not inner["value"]} if _has_row(inner, fields) else None
        return _group("none", [inner], depth, fields) if depth < MAX_DEPTH else None
    parts = inner.get("any")
    if not isinstance(parts, list) or len(inner) != 1:
        return None
    return _group("none", cast("list[Any]", parts), depth, fields)


def _group(
    head: Head, documents: list[Any], depth: int, fields: Mapping[str, CriteriaField]
) -> Group | None:
    parts = [_part(part, depth + 1, fields) for part in documents]
    return None if any(part is None for part in parts) else Group(head, parts)


def _has_row(clause: dict[str, Any], fields: Mapping[str, CriteriaField]) -> bool:
    """Tell whether a row can show the clause, and give it back as it is."""
    field, op, value = fields.get(str(clause.get("field"))), clause.get("op"), clause.get("value")
    if field is None or op not in field.operators or set(clause) != {"field", "op", "value"}:
        return False
    if not isinstance(value, list):
        return shape(str(op)) in ("one", "flag") and _has_input(value, field, str(op))
    values = cast("list[Any]", value)
    if shape(str(op)) == "pair":
        return len(values) == 2 and all(_has_input(each, field, str(op)) for each in values)
    # A list is one line with commas between, and they part what is typed.
    parted = any(isinstance(each, str) and "," in each for each in values)
    return (
        shape(str(op)) == "list"
        and not parted
        and all(_has_input(each, field, str(op)) for each in values)
    )


def _has_input(value: Any, field: CriteriaField, op: str) -> bool:
    """Tell whether the input of the field can hold this one value; it may be empty yet."""
    if value is None:
        return True
    if isinstance(value, bool):
        return op == "exists" or field.kind == "boolean"
    if field.kind == "number":
        return isinstance(value, (int, float))
    return isinstance(value, str) and value.isprintable() and value == value.strip()
