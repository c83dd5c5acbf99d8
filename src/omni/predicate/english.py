"""Criteria as one sentence for people; what a user wrote stands in quotes, on one line."""

from __future__ import annotations

from collections.abc import Mapping

from omni.predicate.registry import FIELDS
from omni.predicate.types import All, Clause, Criteria, Not, Operator, Scalar
from omni.predicate.values import is_relative
from omni.profiles.types import FeatureField

_MAX_LISTED = 10

_ORDERED: Mapping[Operator, tuple[str, str]] = {
    "=": ("is", "is not"),
    "!=": ("is not", "is"),
    "in": ("is", "is not"),
    "not in": ("is not", "is"),
    "between": ("is between", "is not between"),
    "starts with": ("starts with", "does not start with"),
    "matches": ("matches", "does not match"),
    "similar to": ("is similar to", "is not similar to"),
    "contains any": ("include", "do not include"),
    "contains all": ("include", "do not include"),
}
_NUMBERS: Mapping[Operator, tuple[str, str]] = {
    "<": ("under", "at least"),
    "<=": ("at most", "over"),
    ">": ("over", "at most"),
    ">=": ("at least", "under"),
}
_MOMENTS: Mapping[Operator, tuple[str, str]] = {
    "<": ("before", "on or after"),
    "<=": ("on or before", "after"),
    ">": ("after", "on or before"),
    ">=": ("on or after", "before"),
}
_AGES: Mapping[Operator, tuple[str, str]] = {
    "<": ("more than", "at most"),
    "<=": ("at least", "less than"),
    ">": ("less than", "at least"),
    ">=": ("at most", "more than"),
}
_NO: Mapping[str, str] = {
    "has an avatar": "has no avatar",
    "is a bot": "is not a bot",
    "accepts messages": "does not accept messages",
}


def sentence(tree: Criteria) -> str:
    """Return plain English, such as `bio matches “solar” and followers at least 500`."""
    return _words(tree, outer=True)


def _words(tree: Criteria, *, outer: bool) -> str:
    if isinstance(tree, Clause):
        return _clause(tree, negated=False)
    if isinstance(tree, Not):
        if isinstance(tree.part, Clause):
            return _clause(tree.part, negated=True)
        return f"not ({_words(tree.part, outer=True)})"
    word = " and " if isinstance(tree, All) else " or "
    joined = word.join(_words(part, outer=False) for part in tree.parts)
    return joined if outer else f"({joined})"


def _clause(clause: Clause, *, negated: bool) -> str:
    field = FIELDS[clause.field]
    if isinstance(clause.value, bool):
        flips = (clause.op == "!=") != negated
        return _flag(field, clause.op, wanted=clause.value != flips)
    if field.kind in ("number", "date") and clause.op in _NUMBERS:
        return f"{field.label} {_comparison(clause, field, negated)}"
    return f"{field.label} {_ORDERED[clause.op][negated]} {_value(clause, field)}"


def _flag(field: FeatureField, op: Operator, *, wanted: bool) -> str:
    if op != "exists":
        return field.label if wanted else _NO.get(field.label, f"not {field.label}")
    if field.kind == "array":
        return f"has {field.label}" if wanted else f"has no {field.label}"
    known = "known" if wanted else "unknown"
    if field.kind == "boolean":
        return f"it is {known} whether the person {field.label}"
    return f"{field.label} is {known}"


def _comparison(clause: Clause, field: FeatureField, negated: bool) -> str:
    value = _scalars(clause)[0]
    if field.kind == "number":
        return f"{_NUMBERS[clause.op][negated]} {_shown(value, field)}"
    table = _AGES if is_relative(value) else _MOMENTS
    return f"{table[clause.op][negated]} {_shown(value, field)}"


def _value(clause: Clause, field: FeatureField) -> str:
    values = [_shown(value, field) for value in _scalars(clause)]
    if clause.op == "between":
        return " and ".join(values)
    if clause.op == "contains all":
        return _listed(values, "all of", "and")
    return _listed(values, "any of", "or")


def _listed(values: list[str], several: str, word: str) -> str:
    if len(values) == 1:
        return values[0]
    if len(values) > _MAX_LISTED:
        values = [*values[:_MAX_LISTED], f"{len(values) - _MAX_LISTED:,} more"]
    return f"{several} {', '.join(values[:-1])} {word} {values[-1]}"


def _shown(value: Scalar, field: FeatureField) -> str:
    if field.kind == "number":
        return f"{value:,}" if isinstance(value, int) else repr(value)
    if field.kind == "date":
        return str(value).replace("T", " ").replace("Z", " UTC")
    # Nobody can end the quotation early, nor begin a new line, from within it.
    inside = str(value).replace("“", '"').replace("”", '"')
    return f"“{' '.join(''.join(c if c.isprintable() else ' ' for c in inside).split())}”"


def _scalars(clause: Clause) -> tuple[Scalar, ...]:
    return clause.value if isinstance(clause.value, tuple) else (clause.value,)
