"""Criteria as the form has them: groups of rows, one group within another at the most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

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


def to_groups(document: dict[str, Any]) -> Group | None:
    """Return the document as rows; None where the form has no row for it."""
    found = _part(document, 0)
    if isinstance(found, dict):
        return Group("all", [found])
    return found


def _part(document: Any, depth: int) -> Group | dict[str, Any] | None:
    if not isinstance(document, dict):
        return None
    node = cast("dict[str, Any]", document)
    if "field" in node:
        return dict(node)
    head, inner = next(iter(node.items()), ("", None))
    if head == "not" and isinstance(inner, dict):
        return _negated(cast("dict[str, Any]", inner), depth)
    if head not in ("all", "any") or not isinstance(inner, list) or depth >= MAX_DEPTH:
        return None
    return _group("all" if head == "all" else "any", cast("list[Any]", inner), depth)


def _negated(inner: dict[str, Any], depth: int) -> Group | dict[str, Any] | None:
    if "field" in inner:
        if isinstance(inner.get("value"), bool) and inner.get("op") in ("=", "exists"):
            return {**inner, "value": not inner["value"]}
        return _group("none", [inner], depth) if depth < MAX_DEPTH else None
    parts = inner.get("any")
    return _group("none", cast("list[Any]", parts), depth) if isinstance(parts, list) else None


def _group(head: Head, documents: list[Any], depth: int) -> Group | None:
    parts = [_part(part, depth + 1) for part in documents]
    return None if any(part is None for part in parts) else Group(head, parts)
