"""How fresh profiles are kept for a budget of looks: Omni's planner against simpler ones.

A year of a made-up platform: people change at random moments, at rates with a heavy tail, and now
and then with new habits; campaigns care about few of them, much. Each policy has the same budget
and meets the same changes. Omni's own decides with the functions of `omni.profiles.refresh` alone,
and knows of the rates only what its looks have shown. `round_robin` looks at whom it has not looked
at for the longest time, `uniform` at anybody, `oracle` plans as Omni does, but knows the rates.

Freshness is the share of the time in which what is held is what the platform shows, weighted by
interest. `OMNI_BENCH_PEOPLE` says how many people there are (2,000).
"""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from math import exp, log
from statistics import median

import numpy as np

from omni.profiles.refresh import (
    DAY_S,
    FASTEST,
    INTEREST,
    SLOWEST,
    History,
    Standing,
    Terms,
    interval,
    looked,
    pace_of,
    planned,
    terms_of,
)

PEOPLE = int(os.environ.get("OMNI_BENCH_PEOPLE", "2000"))
BUDGETS = (0.02, 0.1, 0.5)
"""Looks for each person and day."""

SEEDS = (1, 2, 3)
DAYS = 365
SLOT_S = 3_600.0
MEDIAN_DAYS = 20.0
SPREAD = 1.7
"""Standard deviation of the rates' logarithm: one in six changes 5 times as often as the median."""

HABIT_DAYS = 180.0
MIX = {"stranger": 0.80, "candidate": 0.17, "lead": 0.03}
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class World:
    """People and what becomes of them; times in seconds from the beginning.

    Attributes:
        habits: For each person, when a habit begins, and the rate from then on.
        changes: For each person, when they change.
    """

    interests: list[float]
    habits: list[list[tuple[float, float]]]
    changes: list[list[float]]
    days: int

    @property
    def seconds(self) -> float:
        """How long it goes."""
        return self.days * DAY_S

    def rate(self, person: int, at: float) -> float:
        """Return the true rate of a person at a moment."""
        return next(rate for begin, rate in reversed(self.habits[person]) if begin <= at)

    def fresh_s(self, person: int, since: float, until: float) -> float:
        """Return how long what was seen at `since` stayed true, up to `until`."""
        changes = self.changes[person]
        place = bisect_right(changes, since)
        return min(changes[place] if place < len(changes) else until, until) - since


def make_world(people: int, days: int, seed: int) -> World:
    """Draw people and their changes."""
    rng = np.random.default_rng(seed)
    levels = rng.choice(list(MIX), size=people, p=list(MIX.values()))
    habits: list[list[tuple[float, float]]] = []
    changes: list[list[float]] = []
    for _ in range(people):
        begins, own, times = 0.0, list[tuple[float, float]](), list[float]()
        while begins < days * DAY_S:
            ends = begins + rng.exponential(HABIT_DAYS * DAY_S)
            drawn = exp(rng.normal(-log(MEDIAN_DAYS * DAY_S), SPREAD))
            rate = min(max(drawn, SLOWEST), FASTEST)
            own.append((begins, rate))
            until = min(ends, days * DAY_S)
            times += (
                begins + (until - begins) * rng.random(rng.poisson(rate * (until - begins)))
            ).tolist()
            begins = ends
        habits.append(own)
        changes.append(sorted(times))
    return World([INTEREST[level] for level in levels], habits, changes, days)


Policy = Callable[[World, int], Iterator[list[int]]]
"""Yields whom it looks at in each slot; it is sent the moment, and told nothing else."""


@dataclass(slots=True)
class Watch:
    """What the looks of a policy came to."""

    world: World
    seen: list[float]
    fresh: list[float]
    looks: int = 0

    def look(self, person: int, at: float) -> bool:
        """Look at a person; tell whether something has changed since the last look."""
        since = self.seen[person]
        fresh = self.world.fresh_s(person, since, at)
        self.fresh[person] += fresh
        self.seen[person] = at
        self.looks += 1
        return fresh < at - since

    def freshness(self) -> float:
        """Return the weighted share of fresh time, once the year is over."""
        for person in range(len(self.seen)):
            self.look(person, self.world.seconds)
        weighted = sum(map(float.__mul__, self.world.interests, self.fresh))
        return weighted / (sum(self.world.interests) * self.world.seconds)


def slots(world: World, per_day: float) -> Iterator[tuple[float, int]]:
    """Yield the moment of each slot and how many looks it may take; what is left is carried."""
    owed = 0.0
    for number in range(1, int(world.seconds / SLOT_S)):
        owed += per_day * SLOT_S / DAY_S
        yield number * SLOT_S, int(owed)
        owed -= int(owed)


def watch(world: World) -> Watch:
    """Begin: all have been looked at once."""
    count = len(world.interests)
    return Watch(world, [0.0] * count, [0.0] * count)


def round_robin(world: World, per_day: float, seed: int) -> Watch:
    """Look at whom nobody has looked at for the longest time."""
    seen, turn = watch(world), 0
    for at, budget in slots(world, per_day):
        for _ in range(budget):
            seen.look(turn, at)
            turn = (turn + 1) % len(world.interests)
    return seen


def uniform(world: World, per_day: float, seed: int) -> Watch:
    """Look at anybody."""
    seen, rng = watch(world), np.random.default_rng(seed)
    for at, budget in slots(world, per_day):
        for person in rng.integers(len(world.interests), size=budget).tolist():
            seen.look(person, at)
    return seen


def ours(world: World, per_day: float, seed: int) -> Watch:
    """Look at who is due, as the product plans it, from what the looks have shown."""
    seen, terms = watch(world), Terms()
    crowd = {(i, pace_of(terms.average)): n for i, n in Counter(world.interests).items()}
    terms = terms_of(crowd, per_day / DAY_S)
    people = [
        planned(Standing(n, "p", i, History(), BEGIN, "0", BEGIN), terms)
        for n, i in enumerate(world.interests)
    ]
    queue = sorted((person.refresh_at, person.profile_id) for person in people)
    day = 0
    for at, budget in slots(world, per_day):
        now = BEGIN + timedelta(seconds=at)
        if at // DAY_S > day:
            day = at // DAY_S
            terms = terms_of(Counter((p.interest, p.pace) for p in people), per_day / DAY_S)
        for _ in range(budget):
            if queue[0][0] > now:
                break
            _, n = heappop(queue)
            changed = seen.look(n, at)
            content = f"{at}" if changed else people[n].seen_hash
            people[n] = looked(people[n], at=now, content_hash=content, terms=terms)
            heappush(queue, (people[n].refresh_at, n))
    return seen


def oracle(world: World, per_day: float, seed: int) -> Watch:
    """Plan with the true rates."""
    seen = watch(world)
    queue = [(0.0, n) for n in range(len(world.interests))]
    terms, day = Terms(), -1.0
    rng = np.random.default_rng(seed)
    for at, budget in slots(world, per_day):
        if at // DAY_S > day:
            day = at // DAY_S
            crowd = Counter((i, pace_of(world.rate(n, at))) for n, i in enumerate(world.interests))
            terms = terms_of(crowd, per_day / DAY_S)
            if day == 0:
                queue = sorted(
                    (rng.random() * _true_interval(world, n, at, terms), n)
                    for n in range(len(world.interests))
                )
        for _ in range(budget):
            if queue[0][0] > at:
                break
            _, n = heappop(queue)
            seen.look(n, at)
            heappush(queue, (at + _true_interval(world, n, at, terms), n))
    return seen


def _true_interval(world: World, n: int, at: float, terms: Terms) -> float:
    return interval(world.rate(n, at), world.interests[n], terms).total_seconds()


POLICIES = {"omni": ours, "uniform": uniform, "round_robin": round_robin, "oracle": oracle}


def compare(people: int, days: int, budget: float, seed: int) -> dict[str, float]:
    """Return the freshness that each policy reaches in one and the same world."""
    world = make_world(people, days, seed)
    found = {name: run(world, budget * people, seed) for name, run in POLICIES.items()}
    return {f"{name}_looks": float(run.looks) for name, run in found.items()} | {
        name: run.freshness() for name, run in found.items()
    }


def main() -> None:
    """Run the benchmark."""
    for budget in BUDGETS:
        runs = [compare(PEOPLE, DAYS, budget, seed) for seed in SEEDS]
        note = (
            f"{PEOPLE:,} people, {budget * PEOPLE:,.0f} looks a day, {len(SEEDS)} years, freshness "
            + ", ".join(f"{name} {median(run[name] for run in runs):.3f}" for name in POLICIES)
        )
        for other in ("uniform", "round_robin", "oracle"):
            ratio = median(run["omni"] / run[other] for run in runs)
            line = {"bench": "refresh", "metric": f"freshness_vs_{other}_ratio", "budget": budget}
            print(json.dumps(line | {"value": round(ratio, 3), "note": note}), flush=True)


if __name__ == "__main__":
    main()
