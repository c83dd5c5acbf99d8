"""The few figures that tell how good a judge is, and how sure one may be of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z_95 = 1.959964
BINS = 10


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval; `value` is None where there is nothing to count.

    The interval is Wilson's (E. B. Wilson, 1927), which holds for few cases and for 0 and 1 too.
    """

    hits: int
    of: int
    value: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """The people whose score lies in `[low, high)`; the last one takes 1 in.

    Attributes:
        mean_score: What the judge said of them, on average; None where there are none.
        fits: How many of them fit, as people say.
    """

    low: float
    high: float
    count: int
    mean_score: float | None
    fits: Share


def share(hits: int, of: int) -> Share:
    """Return a share with Wilson's interval; of nothing, anything is possible."""
    if of == 0:
        return Share(0, 0, None, 0.0, 1.0)
    p, z2 = hits / of, Z_95**2
    centre = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z_95 / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return Share(hits, of, p, max(0.0, centre - half), min(1.0, centre + half))


def brier(said: Sequence[tuple[float, bool]]) -> float | None:
    """Return the mean squared distance of scores from what is so (G. W. Brier, 1950); 0 is best."""
    if not said:
        return None
    return sum((score - fits) ** 2 for score, fits in said) / len(said)


def reliability(said: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    """Return the reliability curve: of those who were given a score, how many fit?"""
    held: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for score, fits in said:
        held[min(BINS - 1, int(score * BINS))].append((score, fits))
    return tuple(
        Bin(
            number / BINS,
            (number + 1) / BINS,
            len(inside),
            sum(score for score, _ in inside) / len(inside) if inside else None,
            share(sum(fits for _, fits in inside), len(inside)),
        )
        for number, inside in enumerate(held)
    )


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error: the mean gap of the curve, weighed by people.

    Source: M. P. Naeini, G. Cooper, M. Hauskrecht, AAAI 2015; ten bins of equal width.
    """
    count = sum(each.count for each in bins)
    if not count:
        return None
    gaps = (
        each.count * abs(each.mean_score - each.fits.value)
        for each in bins
        if each.mean_score is not None and each.fits.value is not None
    )
    return sum(gaps) / count


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Return how far two agree beyond chance (J. Cohen, 1960): 1 always, 0 as by chance.

    None where chance alone would make them agree always, so that nothing can be told.
    """
    if not pairs:
        return None
    count = len(pairs)
    left = sum(one for one, _ in pairs) / count
    right = sum(other for _, other in pairs) / count
    by_chance = left * right + (1 - left) * (1 - right)
    if by_chance >= 1:
        return None
    return (sum(one == other for one, other in pairs) / count - by_chance) / (1 - by_chance)


def median(values: Sequence[float]) -> float | None:
    """Return the middle value, or the mean of the two."""
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
