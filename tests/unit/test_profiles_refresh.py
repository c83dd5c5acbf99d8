"""Planning looks: bounded, monotone, within the budget, and nobody starves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import exp
from random import Random

import pytest
from benchmarks.refresh import compare
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.profiles.census import Census, add, crowds, freshness, from_rows, level_of, to_rows
from omni.profiles.refresh import (
    CHEAPEST,
    DAY_S,
    FASTEST,
    INTEREST,
    LONGEST,
    OVERBOOKED,
    ROUNDS,
    SHORTEST,
    SLOWEST,
    USUAL,
    History,
    Spending,
    Standing,
    Terms,
    change_rate,
    crawl_value,
    demand,
    interval,
    looked,
    pace_of,
    planned,
    rate_of,
    remember,
    share,
    terms_of,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
rates = st.floats(SLOWEST, FASTEST)
seconds = st.floats(0, 1e9)
prices = st.floats(CHEAPEST, 1e4)
interests = st.sampled_from(sorted(INTEREST.values()))
terms = st.builds(Terms, prices, rates, st.timedeltas(timedelta(days=30), timedelta(days=3_000)))
crowd = st.dictionaries(
    st.tuples(interests, st.integers(0, 32)), st.integers(1, 100_000), min_size=1, max_size=20
)


def standing(history: History | None = None, interest: float = 1.0) -> Standing:
    return Standing(1, "up", interest, history or History(), NOW, "a", NOW)


@given(st.floats(0, 1e4), seconds, seconds, st.floats(0, 1e9))
def test_rates_stay_within_bounds(
    changes: float, changed_s: float, still_s: float, average: float
) -> None:
    assert SLOWEST <= change_rate(History(changes, changed_s, still_s), average) <= FASTEST


@given(rates, rates)
def test_nothing_known_is_the_average_and_a_class_is_near_its_rate(rate: float, one: float) -> None:
    assert change_rate(History(), rate) == pytest.approx(rate)
    assert abs(rate_of(pace_of(one)) / one - 1) < 0.2


@given(st.floats(1, 100), st.floats(60, 1e7), seconds, seconds, rates)
def test_more_quiet_time_means_a_lower_rate(
    changes: float, mean_s: float, still_s: float, more_s: float, average: float
) -> None:
    less = change_rate(History(changes, changes * mean_s, still_s), average)
    more = change_rate(History(changes, changes * mean_s, still_s + more_s), average)
    assert more <= less * (1 + 1e-6)


@pytest.mark.parametrize("per_day", [0.02, 0.1, 0.5, 2.0])
def test_the_rate_is_found_where_looks_are_irregular(per_day: float) -> None:
    rng = Random(7)
    estimates: list[float] = []
    for _ in range(100):
        history = History()
        for _ in range(60):
            wait = rng.uniform(0.2, 2.0) * DAY_S / per_day
            changed = rng.random() < 1 - exp(-per_day * wait / DAY_S)
            history = remember(history, interval_s=min(wait, 90 * DAY_S), changed=changed)
        estimates.append(change_rate(history) * DAY_S)
    assert per_day / 1.6 < sum(estimates) / len(estimates) < per_day * 1.6


def test_it_follows_a_change_of_habit() -> None:
    history = History()
    for _ in range(100):
        history = remember(history, interval_s=DAY_S, changed=True)
    busy = change_rate(history)
    for _ in range(30):
        history = remember(history, interval_s=10 * DAY_S, changed=False)
    assert change_rate(history) < busy / 20


@given(rates, interests, interests, terms)
def test_whom_campaigns_care_about_more_is_looked_at_no_later(
    rate: float, one: float, other: float, known: Terms
) -> None:
    low, high = sorted((one, other))
    assert interval(rate, high, known) <= interval(rate, low, known)
    assert SHORTEST <= interval(rate, high, known) <= known.longest


@given(rates, interests, terms)
def test_a_look_is_planned_for_when_it_is_worth_its_price(
    rate: float, interest: float, known: Terms
) -> None:
    planned_s = interval(rate, interest, known).total_seconds()
    value = crawl_value(rate, interest, planned_s) / DAY_S
    if SHORTEST.total_seconds() < planned_s < known.longest.total_seconds():
        assert value == pytest.approx(known.price, rel=1e-4)
    elif planned_s == known.longest.total_seconds():
        assert value <= known.price * (1 + 1e-6), "later would be better, were it not for the bound"


@given(crowd, st.floats(1e-6, 100))
def test_the_price_is_where_the_budget_is_spent(
    people: dict[tuple[float, int], int], looks_per_s: float
) -> None:
    known = terms_of(people, looks_per_s)
    floor = sum(people.values()) / known.longest.total_seconds()
    assert known.longest >= LONGEST
    assert floor <= max(looks_per_s / ROUNDS, sum(people.values()) / LONGEST.total_seconds()) * 1.01
    assert demand(people, known) <= max(OVERBOOKED * looks_per_s, floor) * 1.01


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(interests, rates), min_size=1, max_size=30),
    st.integers(1, 5),
    st.integers(0, 2**32),
)
def test_nobody_starves(people: list[tuple[float, float]], budget: int, seed: int) -> None:
    """Everybody is looked at within `longest` and the time that one round through all takes."""
    rng, slot = Random(seed), timedelta(days=1)
    crowd: dict[tuple[float, int], int] = {}
    for interest, rate in people:
        kind = (interest, pace_of(rate))
        crowd[kind] = crowd.get(kind, 0) + 1
    known = terms_of(crowd, budget / DAY_S)
    bound = known.longest + (len(people) // budget + 2) * slot
    held = [
        planned(Standing(n, "up", interest, History(), NOW, "0", NOW), known)
        for n, (interest, _) in enumerate(people)
    ]
    for day in range(1, 300):
        now = NOW + day * slot
        due = sorted(
            (each for each in held if each.refresh_at <= now), key=lambda each: each.refresh_at
        )
        for each in due[:budget]:
            changed = rng.random() < 1 - exp(-people[each.profile_id][1] * DAY_S)
            held[each.profile_id] = looked(
                each, at=now, content_hash=str(day) if changed else each.seen_hash, terms=known
            )
        assert max(now - each.looked_at for each in held) <= bound


@given(st.floats(0.01, 5), st.integers(1, 1_000), st.integers(1, 100), st.integers(1, 30))
def test_the_budget_of_requests_holds(
    cost: float, budget: int, batch_size: int, per_batch: int
) -> None:
    """Once a batch has shown what looks cost here, the budget is kept, but for one batch."""
    spending = Spending(budget, 1.0)
    largest = 0
    while size := spending.affordable(batch_size):
        requests = max(1, round(cost * size)) if cost > 1 else per_batch
        largest = max(largest, requests)
        spending = spending.after(people=size, requests=requests)
    assert spending.requests < budget + largest
    steady = Spending(budget, max(cost, 1 / batch_size))
    while size := steady.affordable(batch_size):
        steady = steady.after(people=size, requests=max(1, int(steady.cost * size)))
    assert steady.requests <= budget


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 1_000)), st.integers(0, 2_000))
def test_platforms_share_a_limit_evenly(demands: dict[str, int], limit: int) -> None:
    given_ = share(demands, limit)
    assert all(given_[name] <= wanted for name, wanted in demands.items())
    assert sum(given_.values()) == min(limit, sum(demands.values()))
    short = [given_[name] for name, wanted in demands.items() if given_[name] < wanted]
    assert max(given_.values(), default=0) <= min(short, default=limit) + 1


def test_a_look_that_found_something_brings_the_next_one_forward() -> None:
    known, later = Terms(1.0, USUAL), NOW + timedelta(days=10)
    same = looked(standing(), at=later, content_hash="a", terms=known)
    other = looked(standing(), at=later, content_hash="b", terms=known)
    assert later < other.refresh_at < same.refresh_at
    assert looked(other, at=later, content_hash="b", terms=known) == other, "noted once"


def test_counts_add_up_and_survive_being_written() -> None:
    one: Census = {("up", 1.0, 3): (5, 1, 2, 3), ("up", 25.0, 9): (1, 1, 1, 1)}
    both = add(one, {("up", 1.0, 3): (1, 0, 0, 1), ("down", 5.0, 2): (2, 0, 0, 0)})
    assert from_rows(to_rows(both)) == both
    assert crowds(both)["up"] == {(1.0, 3): 6, (25.0, 9): 1}
    told = {each.interest: (each.people, each.week) for each in freshness(both)}
    assert told == {"lead": (1, 1), "candidate": (2, 0), "stranger": (6, 4)}
    assert [level_of(weight) for weight in (0.5, 1, 5, 7, 25)] == [
        "stranger", "stranger", "candidate", "candidate", "lead",
    ]  # fmt: skip


def test_it_is_fresher_than_the_simple_policies_for_the_same_budget() -> None:
    found = compare(people=300, days=200, budget=0.05, seed=4)
    assert found["omni"] > 1.05 * found["round_robin"] > found["uniform"]
    assert found["omni"] > 0.85 * found["oracle"]
    assert found["omni_looks"] <= found["round_robin_looks"] + 1
