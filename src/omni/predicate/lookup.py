"""Lookups from a feature's value to the atoms that it makes true, as bits of one whole number."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from omni.predicate.atoms import Atom, Family

Bits = int
Look = Callable[[Any], Bits]
Placed = Sequence[tuple[Atom, Bits]]
"""Atoms of one family and field, each with the bits that it sets where it holds."""

_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)


def build_look(family: Family, placed: Placed, *, is_text: bool) -> Look:
    """Return the function that gives a value's bits; None gives those of an unknown feature."""
    if family == "known":
        return _known(placed)
    if family in _BUILDERS:
        return _BUILDERS[family](placed)
    hits, but, negative = _by_probe(placed)
    if family == "prefix":
        return _prefixed(hits, but, negative)
    if family == "equal":
        return _equal(hits, but, negative, fold if is_text else None)
    return _among(hits, but, negative)


def fold(text: str) -> str:
    """Return text as `lower(… collate "C")` does: only A to Z have another case."""
    return text.lower() if text.isascii() else text.translate(_FOLD)


def _by_probe(placed: Placed) -> tuple[dict[Any, Bits], dict[Any, Bits], Bits]:
    """Return, by probe, the bits of atoms and those of negative atoms, and all of the latter."""
    hits: dict[Any, Bits] = {}
    but: dict[Any, Bits] = {}
    negative = 0
    for atom, bits in placed:
        table = but if atom.negative else hits
        for probe in atom.probes:
            table[probe] = table.get(probe, 0) | bits
        if atom.negative:
            negative |= bits
    return hits, but, negative


def _equal(
    hits: Mapping[Any, Bits], but: Mapping[Any, Bits], negative: Bits, form: Look | Any
) -> Look:
    def look(value: Any) -> Bits:
        if value is None:
            return 0
        if form is not None:
            value = form(value)
        bits = hits.get(value, 0)
        return bits | negative & ~but.get(value, 0) if negative else bits

    return look


def _among(hits: Mapping[Any, Bits], but: Mapping[Any, Bits], negative: Bits) -> Look:
    def look(values: Any) -> Bits:
        if values is None:
            return 0
        bits = _union(hits, values)
        return bits | negative & ~_union(but, values) if negative else bits

    return look


def _prefixed(hits: Mapping[Any, Bits], but: Mapping[Any, Bits], negative: Bits) -> Look:
    lengths = sorted({len(probe) for probe in (*hits, *but)})

    def look(value: Any) -> Bits:
        if value is None:
            return 0
        folded = fold(value)
        heads = {folded[:length] for length in lengths}
        bits = _union(hits, heads)
        return bits | negative & ~_union(but, heads) if negative else bits

    return look


def _union(table: Mapping[Any, Bits], values: Iterable[Any]) -> Bits:
    bits = 0
    for found in filter(None, map(table.get, values)):
        bits |= found
    return bits


def _known(placed: Placed) -> Look:
    known = unknown = 0
    for atom, bits in placed:
        if atom.probes[0]:
            known |= bits
        else:
            unknown |= bits

    def look(value: Any) -> Bits:
        # A list is never unknown, but empty; 0 and False and the empty text are known.
        return unknown if value is None or value == [] else known

    return look


def _bounds(placed: Placed) -> tuple[list[Any], list[Bits]]:
    by_bound: dict[Any, Bits] = {}
    for atom, bits in placed:
        by_bound[atom.probes[0]] = by_bound.get(atom.probes[0], 0) | bits
    bounds = sorted(by_bound)
    return bounds, [by_bound[bound] for bound in bounds]


def _sums(bits: Sequence[Bits]) -> list[Bits]:
    """Return the bits of the first none, one, two, … all together."""
    sums = [0]
    for each in bits:
        sums.append(sums[-1] | each)
    return sums


def _rising(placed: Placed, place: Callable[[Any, Any], int]) -> Look:
    """Return a look at bounds that a value passes upwards: those before its place."""
    bounds, bits = _bounds(placed)
    passed = _sums(bits)

    def look(value: Any) -> Bits:
        if value is None:
            return 0
        # To Postgres, NaN is more than any number; here it compares with none.
        return passed[place(bounds, value if value == value else inf)]

    return look


def _falling(placed: Placed, place: Callable[[Any, Any], int]) -> Look:
    """Return a look at bounds that a value stays under: those from its place on."""
    bounds, bits = _bounds(placed)
    kept = _sums(bits[::-1])[::-1]

    def look(value: Any) -> Bits:
        return 0 if value is None else kept[place(bounds, value if value == value else inf)]

    return look


_BUILDERS: Mapping[Family, Callable[[Placed], Look]] = {
    "at least": lambda placed: _rising(placed, bisect_right),
    "above": lambda placed: _rising(placed, bisect_left),
    "at most": lambda placed: _falling(placed, bisect_left),
    "below": lambda placed: _falling(placed, bisect_right),
}
