"""Criteria from JSON: checked, bounded, and with the path of whatever is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from omni.base.errors import Rejected
from omni.predicate.registry import (
    FIELDS,
    OPERATORS,
    closest_field,
    operators_of,
    read_operator,
)
from omni.predicate.types import (
    MAX_CLAUSES,
    MAX_DEPTH,
    MAX_VALUES,
    All,
    AnyOf,
    Clause,
    Criteria,
    Not,
    Operator,
    Scalar,
    TooMuch,
    Value,
)
from omni.predicate.values import is_reversed, read_scalar, shown
from omni.profiles.types import FeatureField

_FORMS = (
    'write {"field": …, "op": …, "value": …}, or a group: {"all": […]}, {"any": […]}, {"not": …}'
)


def parse(document: object) -> Criteria:
    """Return the tree of criteria that came as JSON.

    Raises:
        Rejected: Something is wrong; `field` is its path, such as `criteria.all[2].value`.
    """
    return _Reader().node(document, "criteria", 0, 0)


class _Reader:
    """Walks a document; counts clauses and values, so that all of it is bounded."""

    def __init__(self) -> None:
        self._clauses = 0
        self._values = 0

    def node(self, document: object, path: str, groups: int, nots: int) -> Criteria:
        if not isinstance(document, Mapping):
            raise Rejected(f"criteria must be an object: {_FORMS}", field=path)
        keys = cast("Mapping[object, object]", document)
        heads = [head for head in ("all", "any", "not", "field") if head in keys]
        if len(heads) != 1:
            what = "it has both " + " and ".join(heads) if heads else "this names no test"
            raise Rejected(f"{what}: {_FORMS}", field=path)
        head = heads[0]
        _refuse_extra(keys, {"field", "op", "value"} if head == "field" else {head}, path)
        if head == "field":
            return self._clause(keys, path)
        if head == "not":
            _refuse_depth(nots + 1, "not", path)
            return Not(self.node(keys["not"], f"{path}.not", groups, nots + 1))
        _refuse_depth(groups + 1, "groups", path)
        parts = self._parts(keys[head], f"{path}.{head}", groups + 1, nots)
        return All(parts) if head == "all" else AnyOf(parts)

    def _parts(self, document: object, path: str, groups: int, nots: int) -> tuple[Criteria, ...]:
        items = _items(document)
        if items is None:
            raise Rejected("a group must be a list of criteria: write […]", field=path)
        if not items:
            raise Rejected("a group must not be empty: add a clause, or remove it", field=path)
        if len(items) > MAX_CLAUSES:
            raise TooMuch(_too_many("clauses", MAX_CLAUSES), field=path)
        return tuple(self.node(p, f"{path}[{i}]", groups, nots) for i, p in enumerate(items))

    def _clause(self, keys: Mapping[object, object], path: str) -> Clause:
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise TooMuch(_too_many("clauses", MAX_CLAUSES), field=path)
        field = _field(keys["field"], f"{path}.field")
        op = _operator(keys.get("op"), field, f"{path}.op")
        return Clause(field.name, op, self._value(keys, field, op, path))

    def _value(
        self, keys: Mapping[object, object], field: FeatureField, op: Operator, clause: str
    ) -> Value:
        path = f"{clause}.value"
        if op == "exists":
            return _flag(keys.get("value", True), path)
        if "value" not in keys:
            raise Rejected(f"{op} needs a value: add it", field=path)
        value = keys["value"]
        if OPERATORS[op].shape == "one":
            self._count(1, path)
            if _items(value) is not None:
                raise Rejected(f"{op} needs one value, not a list", field=path)
            return read_scalar(value, field, op, path)
        items = _items(value)
        if items is None:
            raise Rejected(f"{op} needs a list of values: write […]", field=path)
        self._count(len(items), path)
        if OPERATORS[op].shape == "pair":
            return _pair(items, field, op, path)
        if not items:
            raise Rejected(f"{op} needs at least one value", field=path)
        return tuple(read_scalar(v, field, op, f"{path}[{i}]") for i, v in enumerate(items))

    def _count(self, values: int, path: str) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise TooMuch(_too_many("values", MAX_VALUES), field=path)


def _items(value: object) -> Sequence[object] | None:
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else None


def _refuse_extra(keys: Mapping[object, object], known: set[str], path: str) -> None:
    extra = next((key for key in keys if key not in known), None)
    if extra is not None:
        allowed = ", ".join(sorted(known))
        raise Rejected(
            f"{shown(extra)} does not belong here, only {allowed}: remove it", field=path
        )


def _refuse_depth(depth: int, what: str, path: str) -> None:
    if depth > MAX_DEPTH:
        raise TooMuch(f"more than {MAX_DEPTH} levels of {what}: flatten the criteria", field=path)


def _too_many(what: str, bound: int) -> str:
    return f"criteria have at most {bound:,} {what}: remove some, or split the campaign"


def _field(name: object, path: str) -> FeatureField:
    field = FIELDS.get(name) if isinstance(name, str) else None
    if field is None:
        like = closest_field(name) if isinstance(name, str) else None
        mend = f"did you mean {like}?" if like else f"fields are {', '.join(FIELDS)}"
        raise Rejected(f"there is no field {shown(name)}: {mend}", field=path)
    return field


def _operator(text: object, field: FeatureField, path: str) -> Operator:
    op = read_operator(text[:64]) if isinstance(text, str) else None
    allowed = operators_of(field)
    if op is None or op not in allowed:
        raise Rejected(
            f"{field.name} has no operator {shown(text)}: use {', '.join(allowed)}", field=path
        )
    return op


def _flag(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise Rejected(f"exists needs true or false; this is {shown(value)}", field=path)
    return value


def _pair(
    items: Sequence[object], field: FeatureField, op: Operator, path: str
) -> tuple[Scalar, ...]:
    if len(items) != 2:
        raise Rejected("between needs two values: [least, greatest]", field=path)
    low, high = (read_scalar(v, field, op, f"{path}[{i}]") for i, v in enumerate(items))
    if is_reversed(low, high):
        raise Rejected("between needs the lesser (or earlier) value first: swap them", field=path)
    return low, high
