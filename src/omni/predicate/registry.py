"""What criteria may ask: the fields, and the operators that fit each kind of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from omni.predicate.types import Operator
from omni.profiles.types import FEATURES, FeatureField, FieldKind

TEXT = FeatureField(
    "text",
    "text",
    "any of their text",
    "All that is searchable of a person: name, bio, posts. Only for `matches`; never unknown.",
)
"""Not a feature of its own: the search index of `profile_features` under a name for people."""

FIELDS: Mapping[str, FeatureField] = {field.name: field for field in (*FEATURES, TEXT)}

COLUMNS: Mapping[str, str] = {
    **{field.name: "pf." + field.name for field in FEATURES},
    TEXT.name: "pf.search",
}
"""The SQL of each field: the only identifiers that a compiled predicate can contain."""

NEVER_UNKNOWN = frozenset(
    {"platform", "username", "has_avatar", "is_bot", "hashtags", "keywords", "domains", TEXT.name}
)
"""Features that every profile has; a list of none is known to be empty."""

COUNTS = frozenset({"followers", "follows", "posts"})
"""Whole numbers, 0 or more."""

NEVER_NEGATIVE = COUNTS | {"posts_per_week", "engagement"}

CODES: Mapping[str, str] = {
    "country": "an ISO 3166-1 code of two letters, such as de",
    "language": "an ISO 639-1 code of two letters, such as en",
}
"""Features whose values are codes of two letters."""

ValueShape = Literal["one", "pair", "list", "flag"]


@dataclass(frozen=True, slots=True)
class OperatorDoc:
    """One operator.

    Attributes:
        shape: `one` value, a `pair` of bounds, a `list` of values, or a `flag` (true or false).
        doc: What it means, for people.
    """

    shape: ValueShape
    doc: str


OPERATORS: Mapping[Operator, OperatorDoc] = {
    "=": OperatorDoc("one", "Equal. In text, a to z equal A to Z; all else is exact."),
    "!=": OperatorDoc("one", "Known, and not equal."),
    "<": OperatorDoc("one", "Less, or earlier."),
    "<=": OperatorDoc("one", "At most, or not later."),
    ">": OperatorDoc("one", "More, or later."),
    ">=": OperatorDoc("one", "At least, or not earlier."),
    "between": OperatorDoc("pair", "From the first to the second value, both included."),
    "in": OperatorDoc("list", "Equal to one of the values."),
    "not in": OperatorDoc("list", "Known, and equal to none of the values."),
    "contains any": OperatorDoc("list", "At least one of the values is among them."),
    "contains all": OperatorDoc("list", "Every one of the values is among them."),
    "starts with": OperatorDoc("one", "Begins with these characters; case as for `=`."),
    "matches": OperatorDoc(
        "one",
        "Contains these words, in any form of case: `solar energy` needs both, "
        '`"solar energy"` the phrase, `solar or wind` either, `-oil` forbids a word.',
    ),
    "similar to": OperatorDoc("one", "Shares 30 % of its trigrams: for names and misspellings."),
    "exists": OperatorDoc("flag", "Known (for lists: not empty), or with `false` the opposite."),
}

_ORDERED: tuple[Operator, ...] = (
    "=", "!=", "<", "<=", ">", ">=", "between", "in", "not in", "exists",
)  # fmt: skip

OPERATORS_BY_KIND: Mapping[FieldKind, tuple[Operator, ...]] = {
    "number": _ORDERED,
    "date": _ORDERED,
    "boolean": ("=", "!=", "exists"),
    "enumeration": ("=", "!=", "in", "not in", "exists"),
    "text": ("=", "!=", "in", "not in", "starts with", "matches", "similar to", "exists"),
    "array": ("contains any", "contains all", "exists"),
}

_ALIASES = {"==": "=", "<>": "!=", "≠": "!=", "≤": "<=", "≥": ">="}


def operators_of(field: FeatureField) -> tuple[Operator, ...]:
    """Return the operators that fit a field."""
    return ("matches",) if field is TEXT else OPERATORS_BY_KIND[field.kind]


def read_operator(text: str) -> Operator | None:
    """Return the operator that `text` names, in any case and with `_` for a space, or None."""
    plain = " ".join(text.lower().replace("_", " ").split())
    plain = _ALIASES.get(plain, plain)
    return next((operator for operator in OPERATORS if operator == plain), None)


def closest_field(name: str) -> str | None:
    """Return the field whose name is most like `name`, if one is like it."""
    return next(iter(get_close_matches(name[:64].lower(), FIELDS, n=1)), None)
