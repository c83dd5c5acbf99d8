"""The percolator: one profile against the criteria of many campaigns at once, in memory.

Each campaign's criteria become conjuncts, of which every one must hold; a conjunct is some atoms,
of which one must hold. Every conjunct has a bit in one wide whole number. The first conjuncts of
all campaigns stand side by side in a lane, then the second ones, and so on. A profile's value of a
feature looks up, in one dictionary or by bisection, the bits of all conjuncts that it makes true;
what all features give together is one number, and its lanes, laid over each other with `and`, are
the campaigns that match. So the cost of a profile hangs on the features that are read, and hardly
on the number of campaigns.

What does not come apart into few conjuncts gets a bit for each of its atoms instead, and is put
together for those campaigns that are still in. The answers are those of the SQL that the same
criteria compile to; where they might be too many (see `atoms`), the campaign is `unsure`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Any

from omni.predicate.atoms import Atom, Every, Family, Formula, read_formula
from omni.predicate.lookup import Bits, Look, build_look
from omni.predicate.registry import COLUMNS, FIELDS, TEXT
from omni.predicate.types import READ_TEXT, Criteria

MAX_CONJUNCTS = 16
"""Into how many conjuncts one part of criteria may come apart."""

Conjunct = frozenset[Atom]
Key = tuple[str, Family, bool]


@dataclass(slots=True)
class _Plan:
    """One campaign: its place among the entries, its conjuncts, and what remains of it."""

    place: int
    sure: bool
    conjuncts: list[Conjunct] = field(default_factory=list[Conjunct])
    rest: list[Formula] = field(default_factory=list[Formula])


class Percolator:
    """Criteria of many campaigns, compiled to be held against one profile after the other.

    Args:
        trees: The criteria; a campaign is known by its place in this order.
        words: For the value of each `matches`, what Postgres' `websearch_to_tsquery('simple', …)`
            makes of it, as text.

    Attributes:
        columns: What a row must have: by name, its SQL over `profile_features pf`.
        unsure: Places of campaigns whose matches are to be asked of Postgres; no other can match.
    """

    def __init__(self, trees: Iterable[Criteria], words: Mapping[str, str]) -> None:
        plans = [_plan(place, tree, words) for place, tree in enumerate(trees)]
        plans.sort(key=lambda plan: -len(plan.conjuncts))
        self._places = [plan.place for plan in plans]
        self._everyone = (1 << len(plans)) - 1
        self.unsure = frozenset(plan.place for plan in plans if not plan.sure)
        layout = _Layout()
        self._lanes = layout.lay_lanes(plans)
        self._rests = layout.lay_rests(plans)
        self._resting = sum(1 << place for place in self._rests)
        self._looks: list[tuple[str, bool, Look]] = []
        self.columns: dict[str, str] = {}
        for (name, family, aged), placed in layout.atoms.items():
            is_text = FIELDS[name].kind in ("text", "enumeration")
            column = _column(name, family)
            self.columns[column] = _sql(name, family)
            self._looks.append((column, aged, build_look(family, placed, is_text=is_text)))
        self._always = layout.always

    def match(self, row: Mapping[str, Any], now: datetime) -> list[int]:
        """Return the places of the campaigns whose criteria the profile meets.

        Args:
            row: The profile's value for each of `columns`.
            now: What dates such as "30 days ago" are held against.
        """
        wide = self._always
        for column, aged, look in self._looks:
            value = row[column]
            if aged and value is not None:
                value = now - value
            wide |= look(value)
        found = wide & self._everyone
        for offset, beyond in self._lanes:
            found &= wide >> offset | beyond
            if not found:
                return []
        if found & self._resting:
            found = self._finish(found, wide)
        return [self._places[at] for at in _ones(found)]

    def _finish(self, found: Bits, wide: Bits) -> Bits:
        for at in _ones(found & self._resting):
            if not self._rests[at](wide):
                found ^= 1 << at
        return found


class _Layout:
    """Gives out the bits, and remembers which atoms set which."""

    def __init__(self) -> None:
        self.atoms: dict[Key, list[tuple[Atom, Bits]]] = {}
        self.always: Bits = 0
        self._single: dict[Atom, Bits] = {}
        self._next = 0

    def lay_lanes(self, plans: Sequence[_Plan]) -> list[tuple[int, Bits]]:
        """Place the conjuncts; return, from the second lane on, offset and who lies beyond it.

        Args:
            plans: Those with the most conjuncts first, so that a lane is as wide as it must be. The
                first lane begins at the first bit and holds every campaign.
        """
        lanes: list[tuple[int, Bits]] = []
        everyone = (1 << len(plans)) - 1
        bits_of: dict[Atom, Bits] = {}
        for lane in range(max((len(plan.conjuncts) for plan in plans), default=0) or 1):
            held = [plan for plan in plans if len(plan.conjuncts) > lane]
            for at, plan in enumerate(held, self._next):
                for atom in plan.conjuncts[lane]:
                    bits_of[atom] = bits_of.get(atom, 0) | 1 << at
            width = len(held) if lane else len(plans)
            if lane:
                lanes.append((self._next, everyone ^ ((1 << width) - 1)))
            else:  # whoever has no conjunct at all is only held back by what remains of it
                self.always = (1 << width) - (1 << len(held))
            self._next += width
        for atom, bits in bits_of.items():
            self._place(atom, bits)
        return lanes

    def lay_rests(self, plans: Sequence[_Plan]) -> dict[int, Callable[[Bits], bool]]:
        """Place the atoms of what remains; return its evaluation, by campaign."""
        rests: dict[int, Callable[[Bits], bool]] = {}
        for at, plan in enumerate(plans):
            if plan.rest:
                rests[at] = self._evaluation(Every(tuple(plan.rest)))
        for atom, bit in self._single.items():
            self._place(atom, bit)
        return rests

    def _place(self, atom: Atom, bits: Bits) -> None:
        self.atoms.setdefault((atom.field, atom.family, atom.aged), []).append((atom, bits))

    def _evaluation(self, formula: Formula) -> Callable[[Bits], bool]:
        if isinstance(formula, Atom):
            bit = self._single.get(formula)
            if bit is None:
                bit = self._single[formula] = 1 << self._next
                self._next += 1
            return lambda wide: wide & bit != 0
        parts = [self._evaluation(part) for part in formula.parts]
        if isinstance(formula, Every):
            return lambda wide: all(part(wide) for part in parts)
        return lambda wide: any(part(wide) for part in parts)


def _plan(place: int, tree: Criteria, words: Mapping[str, str]) -> _Plan:
    read = read_formula(tree, words)
    plan = _Plan(place, read.sure)
    for part in _flat(read.formula):
        conjuncts = _conjuncts(part)
        if conjuncts is None or any(map(_is_crossed, conjuncts)):
            plan.rest.append(part)
        else:
            plan.conjuncts.extend(conjuncts)
    plan.conjuncts = list(dict.fromkeys(plan.conjuncts))
    return plan


def _flat(formula: Formula) -> Iterator[Formula]:
    if not isinstance(formula, Every):
        yield formula
        return
    for part in formula.parts:
        yield from _flat(part)


def _conjuncts(formula: Formula) -> list[Conjunct] | None:
    """Return conjuncts that together mean the formula; None if there are too many."""
    if isinstance(formula, Atom):
        return [frozenset({formula})]
    each: list[list[Conjunct]] = []
    for part in formula.parts:
        conjuncts = _conjuncts(part)
        if conjuncts is None:
            return None
        each.append(conjuncts)
    if isinstance(formula, Every):
        together = [conjunct for conjuncts in each for conjunct in conjuncts]
        return together if len(together) <= MAX_CONJUNCTS else None
    count = 1
    for conjuncts in each:
        count *= len(conjuncts)
    if count > MAX_CONJUNCTS:
        return None
    return [frozenset[Atom]().union(*choice) for choice in product(*each)]


def _is_crossed(conjunct: Conjunct) -> bool:
    """Say whether two negative atoms of one lookup share the conjunct: they would share its bit."""
    negative = [(a.field, a.family) for a in conjunct if a.negative]
    return len(negative) > len(set(negative))


def _ones(bits: Bits) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def _column(name: str, family: Family) -> str:
    return f"{name}_words" if family == "word" else name


def _sql(name: str, family: Family) -> str:
    if family != "word":
        return COLUMNS[name]
    if name == TEXT.name:
        return f"tsvector_to_array({COLUMNS[name]})"
    return f"tsvector_to_array(to_tsvector('simple', left({COLUMNS[name]}, {READ_TEXT})))"
