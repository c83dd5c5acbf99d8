"""The normal form: one shape for all spellings of the same criteria.

Every rewriting below holds in three-valued logic, because a clause and its opposite are unknown for
the same profiles: those whose one feature is unknown.

- `not` is pushed down to the clauses (De Morgan) and melts into the operator where it has an exact
  opposite (`=`/`!=`, `<`/`>=`, `>`/`<=`, `in`/`not in`, `exists`); two of them cancel out.
- Groups within groups of the same kind are flattened; a group of one part is that part.
- Clauses that are one test in parts are joined: `= a` or `= b` is `in [a, b]`; `>= a` and `<= b` is
  `between [a, b]`; tests of one list are one test.
- Constants are folded: of several bounds of one feature only the one that decides is kept, and of
  several sets of values what they share. What is left with nothing stays as it is written, and is
  told by `omni.predicate.notes`.
- Parts and values are sorted, and each stands once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from omni.base.hashing import canonical_json
from omni.predicate.types import All, AnyOf, Clause, Criteria, Not, Operator, Scalar
from omni.predicate.values import is_relative, is_reversed, position

_BOUNDS: tuple[Operator, ...] = (">=", ">", "<=", "<")
_SIDES: tuple[tuple[Operator, Operator, bool], ...] = ((">=", ">", True), ("<=", "<", False))
_OPPOSITES: Mapping[Operator, Operator] = {
    "=": "!=", "!=": "=", "in": "not in", "not in": "in",
    "<": ">=", ">=": "<", ">": "<=", "<=": ">",
}  # fmt: skip


def normalise(tree: Criteria) -> Criteria:
    """Return the normal form, which means the same."""
    return _normal(tree, negated=False)


def to_document(tree: Criteria) -> dict[str, object]:
    """Return the JSON that `parse` reads as this tree."""
    if isinstance(tree, Clause):
        value = list(tree.value) if isinstance(tree.value, tuple) else tree.value
        return {"field": tree.field, "op": tree.op, "value": value}
    if isinstance(tree, Not):
        return {"not": to_document(tree.part)}
    return {_head(tree): [to_document(part) for part in tree.parts]}


def _head(group: All | AnyOf) -> str:
    return "all" if isinstance(group, All) else "any"


def _normal(tree: Criteria, *, negated: bool) -> Criteria:
    if isinstance(tree, Clause):
        plain = _plain(tree)
        return _opposite(plain) if negated else plain
    if isinstance(tree, Not):
        return _normal(tree.part, negated=not negated)
    kind = All if isinstance(tree, All) is not negated else AnyOf
    return _group(kind, [_normal(part, negated=negated) for part in tree.parts])


def _plain(clause: Clause) -> Clause:
    """Choose one spelling of a clause: sorted values, and the simplest operator."""
    value, op = clause.value, clause.op
    if op == "!=" and isinstance(value, bool):
        return Clause(clause.field, "=", not value)
    if not isinstance(value, tuple):
        return clause
    if op == "between":
        moving = is_relative(value[0])
        return (
            Clause(clause.field, "=", value[0]) if value[0] == value[1] and not moving else clause
        )
    values = _sorted(value)
    if op in ("in", "not in") and len(values) == 1:
        return Clause(clause.field, "=" if op == "in" else "!=", values[0])
    if op == "contains all" and len(values) == 1:
        return Clause(clause.field, "contains any", values)
    return Clause(clause.field, op, values)


def _opposite(tree: Criteria) -> Criteria:
    """Negate a clause in its plain spelling, or such a clause under `not`."""
    if isinstance(tree, Not):
        return tree.part
    if not isinstance(tree, Clause):
        raise TypeError("only clauses are negated here")
    if isinstance(tree.value, bool):
        return Clause(tree.field, tree.op, not tree.value)
    if tree.op in _OPPOSITES:
        return Clause(tree.field, _OPPOSITES[tree.op], tree.value)
    return Not(tree)


def _group(kind: type[All] | type[AnyOf], parts: list[Criteria]) -> Criteria:
    flat = [p for part in parts for p in (part.parts if isinstance(part, kind) else (part,))]
    tests = [p for p in flat if isinstance(p, Clause | Not)]
    groups = [p for p in flat if not isinstance(p, Clause | Not)]
    if kind is All:
        tests = _join(tests)
    else:  # "any" is "all" seen from the other side
        tests = [_opposite(p) for p in _join([_opposite(p) for p in tests])]
    unique = {canonical_json(to_document(part)): part for part in (*tests, *groups)}
    if len(unique) == 1:
        return next(iter(unique.values()))
    return kind(tuple(unique[key] for key in sorted(unique)))


def _join(tests: Iterable[Criteria]) -> list[Criteria]:
    """Join the clauses of an `all` that test one feature in the same manner."""
    kept: list[Criteria] = []
    lists: dict[tuple[str, Operator, bool], set[Scalar]] = {}
    bounds: dict[str, dict[Operator, set[Scalar]]] = {}
    choices: dict[str, list[Clause]] = {}
    for test in tests:
        clause = test.part if isinstance(test, Not) else test
        if not isinstance(clause, Clause):
            kept.append(test)
        elif joined := _joins_as(clause, negated=isinstance(test, Not)):
            lists.setdefault((clause.field, *joined), set()).update(_values(clause))
        elif (sides := _sides(clause)) and test is clause:
            for op, value in sides:
                bounds.setdefault(clause.field, {}).setdefault(op, set()).add(value)
        elif clause.op in ("=", "in") and test is clause:
            choices.setdefault(clause.field, []).append(clause)
        else:
            kept.append(test)
    for (field, op, negated), values in lists.items():
        clause = _plain(Clause(field, op, _sorted(values)))
        kept.append(Not(clause) if negated else clause)
    for field, by_operator in bounds.items():
        kept.extend(_range(field, _decisive(by_operator)))
    for clauses in choices.values():
        kept.extend(_shared(clauses))
    return kept


def _sides(clause: Clause) -> tuple[tuple[Operator, Scalar], ...]:
    """Return the bounds that a clause sets, if it is one that sets bounds."""
    if clause.op == "between":
        low, high = _values(clause)
        return ((">=", low), ("<=", high))
    return tuple((clause.op, value) for value in _values(clause) if clause.op in _BOUNDS)


def _shared(clauses: list[Clause]) -> list[Clause]:
    """Return the one clause of the values that all of these allow, if there are such values."""
    shared = set(_values(clauses[0])).intersection(*map(_values, clauses[1:]))
    if not shared or isinstance(clauses[0].value, bool):
        return clauses
    return [_plain(Clause(clauses[0].field, "in", _sorted(shared)))]


def _decisive(bounds: Mapping[Operator, set[Scalar]]) -> dict[Operator, set[Scalar]]:
    """Keep the strictest bound of each side; moving and fixed moments cannot be compared."""
    kept: dict[Operator, set[Scalar]] = {}
    for loose, strict, up in _SIDES:
        both: tuple[Operator, ...] = (loose, strict)
        sides: list[tuple[Scalar, Operator]] = [(v, op) for op in both for v in bounds.get(op, ())]
        for moving in (False, True):
            same = [side for side in sides if is_relative(side[0]) is moving]
            if same:
                value, op = max(same, key=_low_rank) if up else min(same, key=_high_rank)
                kept.setdefault(op, set()).add(value)
    return kept


def _low_rank(side: tuple[Scalar, Operator]) -> tuple[datetime | float, bool]:
    """Order lower bounds by how much they leave out: at one place, `>` leaves out more."""
    return position(side[0]), side[1] == ">"


def _high_rank(side: tuple[Scalar, Operator]) -> tuple[datetime | float, bool]:
    return position(side[0]), side[1] == "<="


def _joins_as(clause: Clause, *, negated: bool) -> tuple[Operator, bool] | None:
    """Return the operator under which all such clauses of an `all` are one, and whether negated."""
    if clause.op in ("!=", "not in"):
        return ("not in", False)
    if clause.op == "contains any" and negated:
        return ("contains any", True)
    is_all = clause.op == "contains all" or (
        clause.op == "contains any" and len(_values(clause)) == 1
    )
    return ("contains all", False) if is_all and not negated else None


def _range(field: str, bounds: Mapping[Operator, set[Scalar]]) -> list[Criteria]:
    lows, highs = bounds.get(">=", set[Scalar]()), bounds.get("<=", set[Scalar]())
    if len(lows) == 1 and len(highs) == 1:
        low, high = next(iter(lows)), next(iter(highs))
        if not is_reversed(low, high):
            return [_plain(Clause(field, "between", (low, high)))]
    return [Clause(field, op, value) for op, values in bounds.items() for value in values]


def _values(clause: Clause) -> tuple[Scalar, ...]:
    return clause.value if isinstance(clause.value, tuple) else (clause.value,)


def _sorted(values: Iterable[Scalar]) -> tuple[Scalar, ...]:
    return tuple(sorted(set(values), key=lambda v: (isinstance(v, str), v)))
