"""A count of people by platform, interest and pace: what prices are made of. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omni.profiles.refresh import INTEREST, Crowd
from omni.profiles.types import Interest

Kind = tuple[str, float, int]
"""Platform, interest, class of pace."""

Numbers = tuple[int, int, int, int]
"""How many there are, and how many were looked at within the last hour, day and week."""

Census = Mapping[Kind, Numbers]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh those are whom campaigns care about to the same degree.

    Attributes:
        hour: How many of them were looked at within the last hour before they were counted.
        day: Within the last day.
        week: Within the last week.
    """

    interest: Interest
    people: int
    hour: int
    day: int
    week: int


def add(one: Census, other: Census) -> Census:
    """Return two counts together."""
    total: dict[Kind, Numbers] = dict(one)
    for kind, (people, hour, day, week) in other.items():
        held = total.get(kind, (0, 0, 0, 0))
        total[kind] = (held[0] + people, held[1] + hour, held[2] + day, held[3] + week)
    return total


def crowds(census: Census) -> dict[str, Crowd]:
    """Return how many people of each interest and pace each platform has."""
    found: defaultdict[str, dict[tuple[float, int], int]] = defaultdict(dict)
    for (platform, interest, pace), (people, *_) in census.items():
        found[platform][interest, pace] = people
    return dict(found)


def freshness(census: Census) -> list[Freshness]:
    """Return how fresh people are, those whom campaigns care about most first."""
    sums: dict[Interest, list[int]] = {level: [0, 0, 0, 0] for level in reversed(tuple(INTEREST))}
    for (_, interest, _), numbers in census.items():
        level = level_of(interest)
        sums[level] = [held + more for held, more in zip(sums[level], numbers, strict=True)]
    return [Freshness(level, *numbers) for level, numbers in sums.items()]


def level_of(interest: float) -> Interest:
    """Return the level that an interest stands for: the nearest one that is not above it."""
    fitting: list[Interest] = [level for level, weight in INTEREST.items() if weight <= interest]
    return fitting[-1] if fitting else "stranger"


def to_rows(census: Census) -> list[list[Any]]:
    """Return a count as JSON holds it."""
    return [[*kind, *numbers] for kind, numbers in sorted(census.items())]


def from_rows(rows: Iterable[Sequence[Any]] | None) -> Census:
    """Read what `to_rows` wrote."""
    return {(row[0], float(row[1]), row[2]): (row[3], row[4], row[5], row[6]) for row in rows or ()}
