"""Whether tests of one feature can hold at once. Where this is not sure, they can."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from omni.predicate.registry import COUNTS, FIELDS, NEVER_NEGATIVE, NEVER_UNKNOWN
from omni.predicate.types import Clause, Criteria, Not, Operator
from omni.predicate.values import moment

Bound = tuple[Any, bool]
"""A value, and whether it is itself left out."""


@dataclass(frozen=True, slots=True)
class _Test:
    """A clause in its plain spelling, or its opposite where no operator says that."""

    op: Operator
    value: Any
    negated: bool

    @property
    def values(self) -> tuple[Any, ...]:
        """All of its values."""
        many = isinstance(self.value, tuple)
        return cast("tuple[Any, ...]", self.value) if many else (self.value,)


def clash(tests: Iterable[Criteria]) -> tuple[Criteria, ...]:
    """Return tests of one feature that cannot all be true, or nothing.

    Args:
        tests: Clauses in normal form, or such clauses under `not`.
    """
    by_field: dict[str, list[Criteria]] = {}
    for test in tests:
        clause = test.part if isinstance(test, Not) else test
        if isinstance(clause, Clause):
            by_field.setdefault(clause.field, []).append(test)
    for name, own in by_field.items():
        if not _possible(name, [_read(test) for test in own]):
            return tuple(own)
    return ()


def _read(test: Criteria) -> _Test:
    clause = test.part if isinstance(test, Not) else test
    assert isinstance(clause, Clause)
    return _Test(clause.op, clause.value, isinstance(test, Not))


def _possible(name: str, tests: Sequence[_Test]) -> bool:
    exists = {test.value for test in tests if test.op == "exists"}
    others = [test for test in tests if test.op != "exists"]
    kind = FIELDS[name].kind
    if len(exists) == 2:
        return False
    if False in exists:
        if kind == "array":
            return all(test.negated for test in others)
        return not others and name not in NEVER_UNKNOWN
    plain = {(t.op, t.value) for t in others if not t.negated}
    if any((t.op, t.value) in plain for t in others if t.negated):
        return False
    if kind == "array":
        return _lists_possible(others)
    if kind in ("number", "date"):
        return all(_ordered_possible(name, same) for same in _scales(others))
    return _values_possible(others)


def _lists_possible(tests: Sequence[_Test]) -> bool:
    required: set[str] = set()
    forbidden: set[str] = set()
    for test in tests:
        if test.op == "contains any" and test.negated:
            forbidden.update(test.value)
        elif not test.negated and (test.op == "contains all" or len(test.value) == 1):
            required.update(test.value)
    if required & forbidden:
        return False
    for test in tests:
        values = set(test.value)
        if test.op == "contains any" and not test.negated and values <= forbidden:
            return False
        if test.op == "contains all" and test.negated and values <= required:
            return False
    return True


def _values_possible(tests: Sequence[_Test]) -> bool:
    """Texts and booleans: something is allowed that nothing forbids."""
    prefixes = [test.value for test in tests if test.op == "starts with" and not test.negated]
    barred = [test.value for test in tests if test.op == "starts with" and test.negated]
    longest = max(prefixes, key=len, default="")
    if not all(longest.startswith(prefix) for prefix in prefixes):
        return False
    if any(longest.startswith(prefix) for prefix in barred):
        return False
    allowed = _allowed(tests)
    return allowed is None or any(
        not isinstance(value, str)
        or (value.startswith(longest) and not any(value.startswith(b) for b in barred))
        for value in allowed
    )


def _allowed(tests: Sequence[_Test]) -> set[Any] | None:
    """Return the values that `=` and `in` leave, less those of their opposites; None: any."""
    allowed: set[Any] | None = None
    for test in tests:
        if test.op in ("=", "in"):
            allowed = set(test.values) if allowed is None else allowed & set(test.values)
    return None if allowed is None else allowed - _barred(tests)


def _scales(tests: Sequence[_Test]) -> Iterable[list[_Test]]:
    """Yield tests whose values can be compared: moments apart from what is relative to now."""
    placed = [_placed(test) for test in tests]
    for moving in (False, True):
        yield [test for test, moves in placed if moves is moving]


def _placed(test: _Test) -> tuple[_Test, bool]:
    if not isinstance(test.values[0], str):
        return test, False
    moments = [moment(value) for value in test.values]
    moving = any(isinstance(at, timedelta) for at in moments)
    if len({type(at) for at in moments}) > 1:  # between a fixed and a moving moment: time will tell
        return _Test("exists", True, negated=False), False
    points = tuple(-at if isinstance(at, timedelta) else at for at in moments)
    value = points if isinstance(test.value, tuple) else points[0]
    return _Test(test.op, value, test.negated), moving


def _ordered_possible(name: str, tests: Sequence[_Test]) -> bool:
    """Numbers and dates: something lies between the bounds."""
    lows: list[Bound] = [(0, False)] if name in NEVER_NEGATIVE else []
    highs: list[Bound] = []
    for test in tests:
        if test.op in (">", ">="):
            lows.append((test.value, test.op == ">"))
        elif test.op in ("<", "<="):
            highs.append((test.value, test.op == "<"))
        elif test.op == "between" and not test.negated:
            lows.append((test.value[0], False))
            highs.append((test.value[1], False))
    if name in COUNTS:
        lows = [(math.floor(v) + 1 if out else math.ceil(v), False) for v, out in lows]
        highs = [(math.ceil(v) - 1 if out else math.floor(v), False) for v, out in highs]
    low = max(lows, default=None)
    high = min(((v, not out) for v, out in highs), default=None)
    gaps = [test.value for test in tests if test.op == "between" and test.negated]
    return _something_between(low, high and (high[0], not high[1]), gaps, tests)


def _something_between(
    low: Bound | None, high: Bound | None, gaps: Sequence[Any], tests: Sequence[_Test]
) -> bool:
    allowed = _allowed(tests)
    if allowed is not None:
        return any(
            _over(value, low) and _under(value, high)
            and not any(first <= value <= last for first, last in gaps)
            for value in allowed
        )  # fmt: skip
    if low is None or high is None:
        return True
    if low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1])):
        return False
    if any(first <= low[0] and high[0] <= last for first, last in gaps):
        return False
    return low[0] != high[0] or low[0] not in _barred(tests)


def _over(value: Any, low: Bound | None) -> bool:
    return low is None or value > low[0] or (value == low[0] and not low[1])


def _under(value: Any, high: Bound | None) -> bool:
    return high is None or value < high[0] or (value == high[0] and not high[1])


def _barred(tests: Iterable[_Test]) -> set[Any]:
    barred: set[Any] = set()
    for test in tests:
        if test.op in ("!=", "not in"):
            barred |= set(test.values)
    return barred
