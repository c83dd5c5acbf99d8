"""People and steps that wait for others, so that the caller gets them by the handful. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from omni.connectors.types import RawProfile
from omni.crawl.types import PageRead, Step

YIELD_SIZE = 200
"""A haul takes no further step once it has so many people."""

YIELD_REFS = 5_000
"""A haul takes no further step once its pages have listed so many people."""

YIELD_STEPS = 200
"""The most steps of one haul."""

YIELD_SECONDS = 1.0
"""The longest that a step waits for others to be yielded with."""


class Basket:
    """Holds steps in their order, each with the people that it brought.

    Attributes:
        due_at: The moment at which the oldest step has waited long enough; infinite if there is
            none.
    """

    def __init__(self) -> None:
        self._held: list[tuple[Step, Sequence[RawProfile]]] = []
        self._people = self._refs = 0
        self.due_at = inf

    def add(self, step: Step, people: Sequence[RawProfile], now: float) -> None:
        """Put in a step and its people."""
        if not self._held:
            self.due_at = now + YIELD_SECONDS
        self._held.append((step, people))
        self._count(step, people, 1)

    def is_due(self, now: float) -> bool:
        """Tell whether it is full, or has waited long enough."""
        return (
            self._people >= YIELD_SIZE
            or self._refs >= YIELD_REFS
            or len(self._held) >= YIELD_STEPS
            or now >= self.due_at
        )

    def take(self) -> tuple[list[Step], list[RawProfile]] | None:
        """Take out the oldest steps, as many as one haul takes; None if there are none.

        A step is never parted from its people. What is left is as old as what was taken.
        """
        steps: list[Step] = []
        found: list[RawProfile] = []
        refs = 0
        for step, people in self._held:
            full = len(found) >= YIELD_SIZE or refs >= YIELD_REFS or len(steps) >= YIELD_STEPS
            if full:
                break
            steps.append(step)
            found += people
            refs += len(step.met) if isinstance(step, PageRead) else 0
        for step, people in self._held[: len(steps)]:
            self._count(step, people, -1)
        del self._held[: len(steps)]
        if not self._held:
            self.due_at = inf
        return (steps, found) if steps else None

    def _count(self, step: Step, people: Sequence[RawProfile], sign: int) -> None:
        self._people += sign * len(people)
        self._refs += sign * len(step.met) if isinstance(step, PageRead) else 0
