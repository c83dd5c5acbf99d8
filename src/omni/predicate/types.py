"""Criteria as a tree, and what they compile to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "between", "in", "not in", "contains any", "contains all",
    "starts with", "matches", "similar to", "exists",
]  # fmt: skip

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...]

MAX_DEPTH = 8
MAX_CLAUSES = 200
MAX_VALUES = 1_000
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Clause:
    """One test of one feature."""

    field: str
    op: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Criteria, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Criteria, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is known not to hold: an unknown feature does not match here either."""

    part: Criteria


Criteria = Clause | All | AnyOf | Not


@dataclass(frozen=True, slots=True)
class Where:
    """A compiled predicate: SQL over `profile_features pf`, with named parameters.

    Attributes:
        sql: Text whose identifiers come only from the feature registry.
        params: Values by parameter name, each name beginning with `c_`.
        fields: The features that it reads.
    """

    sql: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that follows from criteria.

    Attributes:
        canonical: The one JSON form that equal criteria share.
        criteria_hash: SHA-256 of `canonical`.
        where: For Postgres.
        english: For people.
    """

    canonical: dict[str, object]
    criteria_hash: str
    where: Where
    english: str
