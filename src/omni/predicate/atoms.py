"""Criteria as `every` and `some` over atoms, each of which is plainly true or not.

Three-valued logic needs only one question here, since only what is true matches: when is this true?
Under `not` it becomes: when is this false? Pushed down to the clauses, both are answered by tests
that an unknown feature fails. Two tests cannot be made here, phrases and trigrams: what stands for
them holds at least wherever they do, and the criteria count as unsure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from omni.predicate.registry import FIELDS, TEXT
from omni.predicate.types import All, Clause, Criteria, Not, Operator, Scalar
from omni.predicate.values import moment
from omni.predicate.words import Joined, NoneOf, Word, Words, lexemes_of, read_words

Family = Literal[
    "known", "equal", "prefix", "element", "word", "above", "at least", "below", "at most"
]
Probe = Scalar | datetime | timedelta


@dataclass(frozen=True, slots=True)
class Atom:
    """One test of one feature; an unknown feature fails all but `known` False.

    Attributes:
        probes: It holds for any of them.
        negative: It holds for none of them instead.
        aged: It is about how long before now the date is.
    """

    family: Family
    field: str
    probes: tuple[Probe, ...]
    negative: bool = False
    aged: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold; without parts it always does."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds; without parts it never does."""

    parts: tuple[Formula, ...]


Formula = Atom | Every | Some

ALWAYS = Every(())
NEVER = Some(())

_COMPARES: Mapping[Operator, Family] = {
    "<": "below", "<=": "at most", ">": "above", ">=": "at least",
}  # fmt: skip
_OPPOSITES: Mapping[Family, Family] = {
    "below": "at least", "at least": "below", "above": "at most", "at most": "above",
}  # fmt: skip
_AGED: Mapping[Family, Family] = {
    "below": "above", "above": "below", "at least": "at most", "at most": "at least",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """Criteria as a formula; `sure` says whether it holds only where they do."""

    formula: Formula
    sure: bool


def read_formula(tree: Criteria, words: Mapping[str, str]) -> Read:
    """Return when a tree is true.

    Args:
        tree: In any form.
        words: For the value of each `matches`, what `websearch_to_tsquery` makes of it, as text.

    Raises:
        KeyError: A query is not among `words`.
    """
    reader = _Reader(words)
    formula = reader.read(tree, holds=True)
    return Read(formula, reader.sure)


def queries_of(tree: Criteria) -> Iterator[str]:
    """Yield the value of each `matches`."""
    if isinstance(tree, Clause):
        if tree.op == "matches":
            yield str(tree.value)
        return
    for part in (tree.part,) if isinstance(tree, Not) else tree.parts:
        yield from queries_of(part)


class _Reader:
    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words
        self.sure = True

    def read(self, tree: Criteria, *, holds: bool) -> Formula:
        """Return when the tree is true (`holds`) or false."""
        if isinstance(tree, Clause):
            return self._clause(tree, holds)
        if isinstance(tree, Not):
            return self.read(tree.part, holds=not holds)
        parts = tuple(self.read(part, holds=holds) for part in tree.parts)
        return Every(parts) if isinstance(tree, All) is holds else Some(parts)

    def _clause(self, clause: Clause, holds: bool) -> Formula:
        field, op = clause.field, clause.op
        values = clause.value if isinstance(clause.value, tuple) else (clause.value,)
        probes = tuple(_probe(field, value) for value in values)
        match op:
            case "exists":
                return Atom("known", field, (bool(clause.value) is holds,))
            case "=" | "in":
                return Atom("equal", field, probes, negative=not holds)
            case "!=" | "not in":
                return Atom("equal", field, probes, negative=holds)
            case "starts with":
                return Atom("prefix", field, probes, negative=not holds)
            case "contains any":
                return Atom("element", field, probes, negative=not holds)
            case "contains all":
                each = tuple(Atom("element", field, (p,), negative=not holds) for p in probes)
                return Every(each) if holds else Some(each)
            case "between":
                low, high = (
                    _bound("at least", field, probes[0], holds),
                    _bound("at most", field, probes[1], holds),
                )
                return Every((low, high)) if holds else Some((low, high))
            case "matches":
                words = read_words(self._words[str(clause.value)])
                return NEVER if words is None else self._matches(words, field, holds)
            case "similar to":
                self.sure = False
                return _known(field)
            case _:
                return _bound(_COMPARES[op], field, probes[0], holds)

    def _matches(self, words: Words, field: str, holds: bool) -> Formula:
        if isinstance(words, Word):
            return Atom("word", field, (words.lexeme,), negative=not holds)
        if isinstance(words, NoneOf):
            return self._matches(words.part, field, not holds)
        if words.by == "<->":
            return self._phrase(words, field, holds)
        parts = tuple(self._matches(part, field, holds) for part in words.parts)
        return Every(parts) if (words.by == "&") is holds else Some(parts)

    def _phrase(self, phrase: Joined, field: str, holds: bool) -> Formula:
        """Return what holds wherever the phrase does: the words are there, in any order."""
        self.sure = False
        if not holds or not all(isinstance(part, Word) for part in phrase.parts):
            return _known(field)
        return Every(tuple(Atom("word", field, (word,)) for word in sorted(lexemes_of(phrase))))


def _probe(field: str, value: Scalar) -> Probe:
    return moment(str(value)) if FIELDS[field].kind == "date" and _is_date(value) else value


def _is_date(value: Scalar) -> bool:
    return isinstance(value, str)  # and not the flag of `exists`


def _bound(family: Family, field: str, probe: Probe, holds: bool) -> Atom:
    wanted = family if holds else _OPPOSITES[family]
    if isinstance(probe, timedelta):  # later than 30 days ago is younger than 30 days
        return Atom(_AGED[wanted], field, (probe,), aged=True)
    return Atom(wanted, field, (probe,))


def _known(field: str) -> Formula:
    return ALWAYS if field == TEXT.name else Atom("known", field, (True,))
