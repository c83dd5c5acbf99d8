"""When to look at a person again: how often they change, and what a look would buy.

Pure. The mathematics, with its sources, is told in docs/refreshing.md; in short:

- a profile changes at random moments, at a rate of its own; the rate is estimated from the looks,
  which say of each interval only whether something changed in it;
- a look after an interval is worth `crawl_value`: it grows with the interval and with the interest
  of campaigns, and is bounded for those who change faster than one can look;
- everybody is looked at when that value reaches the platform's price, and the price is where all
  the looks together cost the budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import exp, expm1, log, sqrt

from omni.profiles.types import Interest

DAY_S = 86_400.0

INTEREST: Mapping[Interest, float] = {"stranger": 1.0, "candidate": 5.0, "lead": 25.0}
"""What an hour of being out of date weighs, by how much campaigns care about the person."""

SHORTEST = timedelta(hours=1)
"""Nobody is looked at more often."""

LONGEST = timedelta(days=30)
"""Nobody's next look is planned later than this where the budget can pay for that, whatever it
buys: this keeps all from starving."""

ROUNDS = 5.0
"""Where the budget is small, nobody waits longer than this many rounds through all people would
take: so at most a fifth of the looks go to those whom one would never look at for what it buys."""

OVERBOOKED = 1.1
"""How many looks are planned for each that the budget holds: some people are gone, or were met by a
crawl meanwhile, and who comes a little late costs less than a look that is not used."""

AGAIN = timedelta(hours=6)
"""When somebody is asked for again whom the platform would not tell of, or left out."""

MEMORY = timedelta(days=90)
"""After so long a look counts half: habits change."""

SLOWEST = 1.0 / (730 * DAY_S)
FASTEST = 1.0 / 900.0
"""Bounds of a rate of change, per second: once in two years, once in a quarter of an hour."""

USUAL = 1.0 / (14 * DAY_S)
"""The rate of people on a platform of which nothing is known yet, per second."""

PRIOR = 0.5
"""How many changes the platform's average counts for: little, for people differ a lot."""

PER_OCTAVE = 2
"""Classes of pace for each doubling of the rate."""

TEACHING = 100
"""How many people a run must have asked for so that what they cost is taken for the cost."""

CHEAPEST = 0.02
"""The lowest price of a look, in days of interest: below it nobody would notice what it buys."""


@dataclass(frozen=True, slots=True)
class History:
    """What the looks at a profile have shown, older ones weighing less.

    Attributes:
        changes: How many looks found something changed since the look before.
        changed_s: Seconds between these looks and those before them, summed.
        still_s: Seconds of the intervals in which nothing changed, summed.
    """

    changes: float = 0.0
    changed_s: float = 0.0
    still_s: float = 0.0


def remember(history: History, *, interval_s: float, changed: bool) -> History:
    """Return the history with one more look, at the end of an interval."""
    if interval_s <= 0:
        return history
    kept = 0.5 ** (interval_s / MEMORY.total_seconds())
    old = History(history.changes * kept, history.changed_s * kept, history.still_s * kept)
    if changed:
        return replace(old, changes=old.changes + 1, changed_s=old.changed_s + interval_s)
    return replace(old, still_s=old.still_s + interval_s)


def change_rate(history: History, average: float = USUAL) -> float:
    """Estimate how often a profile changes, per second.

    The most likely rate for looks at irregular intervals (Cho and Garcia-Molina 2003, "Estimating
    frequency of change", section 5), with a gamma prior around the platform's average in place of
    their half observation: it too keeps the estimate finite where every look found a change.

    Args:
        history: What the looks have shown.
        average: The platform's average rate, per second.

    Returns:
        A rate from `SLOWEST` to `FASTEST`.
    """
    average = _bounded(average)
    prior_s = PRIOR / average
    if history.changes < 1e-6:
        return _bounded(PRIOR / (prior_s + history.still_s))
    changed_s = max(history.changed_s, history.changes)
    return _bounded(_likeliest(history.changes, changed_s, prior_s + history.still_s))


def crawl_value(rate: float, interest: float, interval_s: float) -> float:
    """Return what a look is worth after an interval, in seconds of interest that it saves.

    It is the derivative of the freshness that periodic looks give, weighed by the interest, by
    their frequency (Cho and Garcia-Molina 2003, "Effective page refresh policies"; as the index of
    a greedy policy: Azar et al. 2018). It grows from 0 to `interest / rate`.
    """
    return interest / rate * _h(rate * interval_s)


@dataclass(frozen=True, slots=True)
class Terms:
    """What looks cost on a platform, and how often people change there.

    Attributes:
        price: What a look must be worth, in days of interest: the dual price of the budget.
        average: Changes per second.
        longest: Nobody's next look is planned later than this.
    """

    price: float = CHEAPEST
    average: float = USUAL
    longest: timedelta = LONGEST


def interval(rate: float, interest: float, terms: Terms) -> timedelta:
    """Return after how long a look is worth its price.

    Args:
        rate: Changes per second.
        interest: One of `INTEREST`.
        terms: Those of the platform.

    Returns:
        `SHORTEST` to `terms.longest`; the latter for whom no interval makes it worth the price.
    """
    worth = terms.price * DAY_S * rate / interest
    if worth >= 1.0:
        return terms.longest
    seconds = _inverse_h(worth) / rate
    return max(SHORTEST, timedelta(seconds=min(seconds, terms.longest.total_seconds())))


def pace_of(rate: float) -> int:
    """Return the class of a rate: `PER_OCTAVE` of them for each doubling, 0 the slowest."""
    return round(PER_OCTAVE * log(_bounded(rate) / SLOWEST, 2))


def rate_of(pace: int) -> float:
    """Return the middle rate of a class."""
    return _bounded(SLOWEST * 2.0 ** (pace / PER_OCTAVE))


Crowd = Mapping[tuple[float, int], int]
"""How many people of a platform have an interest and a class of pace."""


def terms_of(crowd: Crowd, looks_per_s: float) -> Terms:
    """Return the terms at which all looks together cost the budget.

    Where even the longest intervals cost more, the price is so high that all have the longest one,
    and they come later than planned: in turn.

    Args:
        crowd: Whom the platform has.
        looks_per_s: The budget.
    """
    average, people = average_rate(crowd), sum(crowd.values())
    longest = max(LONGEST, timedelta(seconds=ROUNDS * people / looks_per_s))
    low, high = CHEAPEST, max(INTEREST.values()) / SLOWEST / DAY_S
    wanted = OVERBOOKED * looks_per_s
    if demand(crowd, Terms(low, average, longest)) <= wanted:
        return Terms(low, average, longest)
    for _ in range(40):
        price = sqrt(low * high)
        if demand(crowd, Terms(price, average, longest)) > wanted:
            low = price
        else:
            high = price
    return Terms(high, average, longest)


def demand(crowd: Crowd, terms: Terms) -> float:
    """Return how many looks a second a crowd costs."""
    return sum(
        people / interval(rate_of(pace), interest, terms).total_seconds()
        for (interest, pace), people in crowd.items()
    )


def average_rate(crowd: Crowd) -> float:
    """Return the average rate of a crowd, per second; `USUAL` where there is nobody."""
    people = sum(crowd.values())
    return sum(rate_of(pace) * n for (_, pace), n in crowd.items()) / people if people else USUAL


@dataclass(frozen=True, slots=True)
class Standing:
    """What is held of one profile for planning its next look.

    Attributes:
        interest: One of the values of `INTEREST`.
        looked_at: The last look; intervals are counted from it.
        seen_hash: What its content was then.
        pace: The class of its rate.
    """

    profile_id: int
    platform: str
    interest: float
    history: History
    looked_at: datetime
    seen_hash: str
    refresh_at: datetime
    pace: int = 0

    @property
    def is_known(self) -> bool:
        """Whether any look tells how often the person changes."""
        return self.history.changes + self.history.still_s > 0


def planned(standing: Standing, terms: Terms) -> Standing:
    """Return a standing with the moment of its next look."""
    rate = change_rate(standing.history, terms.average)
    return replace(
        standing,
        refresh_at=standing.looked_at + interval(rate, standing.interest, terms),
        pace=pace_of(rate),
    )


def looked(standing: Standing, *, at: datetime, content_hash: str, terms: Terms) -> Standing:
    """Return a standing after a look that found this content."""
    history = remember(
        standing.history,
        interval_s=(at - standing.looked_at).total_seconds(),
        changed=content_hash != standing.seen_hash,
    )
    moved = replace(
        standing,
        history=history,
        looked_at=max(at, standing.looked_at),
        seen_hash=content_hash,
    )
    return planned(moved, terms)


def cared(standing: Standing, interest: float, terms: Terms) -> Standing:
    """Return a standing after campaigns care more, or less."""
    return planned(replace(standing, interest=interest), terms)


@dataclass(frozen=True, slots=True)
class Spending:
    """What a run spends on one platform.

    Attributes:
        budget: Requests that it may make.
        cost: Requests for each person, as far as earlier runs have shown.
        requests: Those that were made.
        people: Those who were asked for.
    """

    budget: int
    cost: float
    requests: int = 0
    people: int = 0

    def affordable(self, batch_size: int) -> int:
        """Return how many people the next batch may have: at most `batch_size`, 0 at the end.

        Where this run is dearer than earlier ones were, that counts at once.
        """
        left = self.budget - self.requests
        dear = max(self.cost, self.requests / self.people if self.people else 0.0)
        return min(batch_size, int(left / dear + 1e-9)) if left > 0 else 0

    def after(self, *, people: int, requests: int) -> Spending:
        """Return the spending after a batch."""
        return replace(self, requests=self.requests + requests, people=self.people + people)

    def learned(self) -> float:
        """Return the cost that later runs reckon with: a run of few people teaches little."""
        if not self.people:
            return self.cost
        weight = min(1.0, self.people / TEACHING)
        return self.cost + weight * (self.requests / self.people - self.cost)


def share(demands: Mapping[str, int], limit: int) -> dict[str, int]:
    """Share a limit among platforms: evenly, and what one leaves over goes to the others.

    Args:
        demands: How much each platform could use.
        limit: What there is in all.

    Returns:
        What each one gets: at most its demand, and at most `limit` together.
    """
    given = dict.fromkeys(demands, 0)
    left = max(0, limit)
    open_: list[str] = [name for name, wanted in demands.items() if wanted > 0]
    while left and open_:
        each = max(1, left // len(open_))
        for name in open_:
            more = min(each, demands[name] - given[name], left)
            given[name] += more
            left -= more
        open_: list[str] = [name for name in open_ if given[name] < demands[name]]
    return given


def interest_of(levels: Iterable[Interest]) -> float:
    """Return the interest in a person whom campaigns hold as these; a stranger if none does."""
    return max((INTEREST[level] for level in levels), default=INTEREST["stranger"])


def _bounded(rate: float) -> float:
    return min(max(rate, SLOWEST), FASTEST)


def _likeliest(changes: float, changed_s: float, still_s: float) -> float:
    """Return the rate r with `PRIOR / r + changed_s / (e^(r·i) − 1) = still_s`; i: mean interval.

    Newton's method from a point that lies below: what is solved falls and is convex, so that the
    steps never pass the root.
    """
    mean_s = changed_s / changes
    rate = (PRIOR + changes) / (still_s + changed_s / 2)
    for _ in range(60):
        grown = expm1(min(rate * mean_s, 600.0))
        excess = PRIOR / rate + changed_s / grown - still_s
        slope = PRIOR / rate**2 + changed_s * mean_s * (1 + 1 / grown) / grown
        step = excess / slope
        rate += step
        if step < 1e-9 * rate or rate > FASTEST:
            break
    return rate


def _h(x: float) -> float:
    """1 − (1 + x)·e^−x, from 0 to 1."""
    if x < 1e-4:
        return x * x / 2 - x * x * x / 3
    return 1.0 - (1.0 + x) * exp(-x)


def _inverse_h(y: float) -> float:
    """Return x with `_h(x) = y`, by Newton's method from a point that lies below it.

    h is convex up to 1 and concave from there on, so that the steps close in on the root from one
    side.
    """
    if y <= 0:
        return 0.0
    x = sqrt(2 * y) if y < _h(1.0) else max(1.0, -log(1.0 - y))
    for _ in range(30):
        step = (y - _h(x)) / (x * exp(-x))
        x += step
        if abs(step) < 1e-9 * x:
            break
    return x
