"""Criteria as a tree, and what they compile to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from omni.base.errors import Rejected

Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "between", "in", "not in", "contains any", "contains all",
    "starts with", "matches", "similar to", "exists",
]  # fmt: skip

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...]

MAX_DEPTH = 8
"""The most groups (`all`, `any`) within each other, and the most `not` on the way to a clause."""

MAX_CLAUSES = 200
"""The most clauses in all of the criteria."""

MAX_VALUES = 1_000
"""The most values in all clauses together."""

MAX_TEXT = 500
"""The most characters in one value."""

MAX_NUMBER = 2**53 - 1
"""The greatest magnitude of a number: beyond it, JSON, floats and bigints no longer agree."""

MAX_SIGNS = 16
"""The most `-` between two words of a `matches`: each is a `not`, of which Postgres stacks 32."""

HEAP_OF_SIGNS = rf"(-[\s!-,./:-@\[-`{{-~]*){{{MAX_SIGNS + 1}}}"
"""A regular expression, for Python and for JSON Schema, that finds more of them than that."""

SIMILARITY = 0.3
"""The least share of common trigrams that `similar to` takes for a match; pg_trgm's own default."""

READ_TEXT = 10_000
"""How many characters of a feature `matches` and `similar to` look at."""


class TooMuch(Rejected):
    """Criteria go beyond one of these bounds."""


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
        sql: Text whose identifiers come only from the feature registry. It is NULL where an
            unknown feature leaves the answer open: a match is `(sql) is true`.
        params: Values by parameter name, each name beginning with `c_`.
        fields: The features that it reads.
        drifts: Whether the answer changes with time alone (it holds a date such as
            "30 days ago"), so that candidates need a refresh now and then.
    """

    sql: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    fields: frozenset[str] = frozenset()
    drifts: bool = False


NoteKind = Literal["contradiction", "tautology", "doubt"]


@dataclass(frozen=True, slots=True)
class Note:
    """Something about criteria that is no mistake in form, but hardly meant.

    Attributes:
        path: Where in the document, such as `criteria.any[1]`.
        kind: `contradiction`: nobody can fulfil it; `tautology`: everybody does, or everybody of
            whom the feature is known; `doubt`: a value that the feature never has.
        text: One line for people.
    """

    path: str
    kind: NoteKind
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One node of criteria, to be asked by itself.

    Attributes:
        path: Where in the document.
        kind: `clause`, or the head of the group.
        english: This part alone, in words.
        sql: As in `Where`; the parameters are those of the whole (`Probes.params`).
        field: Of a clause.
        parts: Of a group, in the order of the document.
    """

    path: str
    kind: Literal["clause", "all", "any", "not"]
    english: str
    sql: str
    field: str | None = None
    parts: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Probes:
    """Criteria taken apart, so that one query can ask about every part.

    Attributes:
        root: The tree.
        params: Of all parts, each name beginning with `p_`.
    """

    root: Step
    params: Mapping[str, object]

    def steps(self) -> tuple[Step, ...]:
        """Return every node, each before its parts."""
        found: list[Step] = []
        waiting = [self.root]
        while waiting:
            step = waiting.pop()
            found.append(step)
            waiting.extend(reversed(step.parts))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that follows from criteria.

    Attributes:
        canonical: The one JSON form that equal criteria share.
        criteria_hash: SHA-256 of `canonical`.
        where: For Postgres.
        english: For people.
        notes: What is hardly meant; paths are those of the document that was compiled.
    """

    canonical: dict[str, object]
    criteria_hash: str
    where: Where
    english: str
    notes: tuple[Note, ...] = field(default=(), compare=False)
