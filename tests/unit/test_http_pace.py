"""How fast one host is asked, and when it is left alone: decisions over made-up time."""

from __future__ import annotations

from math import inf

import pytest

from omni.connectors.breaker import (
    FAILURES_TO_OPEN,
    FIRST_REST_S,
    LONGEST_REST_S,
    PROBE_WAIT_S,
    Breaker,
)
from omni.connectors.pace import LEAST_RATE, Pace


def steady(pace: Pace, *, since: float, seconds: float, rate: float, took: float = 0.02) -> float:
    """Let good answers come at `rate` for so long; return when it ends."""
    for number in range(int(seconds * rate)):
        now = since + (number + 1) / rate
        pace.answered(now - took, now)
    return since + seconds


def test_a_host_that_does_well_gets_all_it_may() -> None:
    pace = Pace(8)
    end = steady(pace, since=100.0, seconds=5, rate=50)
    assert (pace.concurrency, pace.rate, pace.is_slowed) == (8, inf, False)
    assert pace.delay(end) == 0.0
    assert pace.flow(end) == pytest.approx(50, rel=0.1)


def test_too_many_cuts_places_and_rate_once_for_all_that_were_under_way() -> None:
    pace = Pace(8)
    now = steady(pace, since=0.0, seconds=5, rate=50)
    for _ in range(8):
        pace.refused(now - 0.02, now)
    assert pace.concurrency == 4
    assert pace.rate == pytest.approx(50 * 0.7, rel=0.1)
    pace.refused(now + 0.01, now + 0.02)
    assert pace.concurrency == 2
    assert pace.rate < 30


def test_a_limited_rate_spreads_requests_evenly() -> None:
    pace = Pace(1)
    pace.refused(0.0, 1.0)
    gaps = [pace.delay(1.0) for _ in range(4)]
    assert gaps == pytest.approx([number / pace.rate for number in range(4)])
    assert pace.delay(1_000.0) == 0.0


def test_it_recovers_slowly_and_then_fully() -> None:
    pace = Pace(8)
    now = steady(pace, since=0.0, seconds=5, rate=50)
    pace.refused(now, now)
    cut = pace.rate
    now = steady(pace, since=now, seconds=5, rate=30)
    assert cut < pace.rate < cut * 2
    assert pace.concurrency < 8
    now = steady(pace, since=now, seconds=120, rate=30)
    assert (pace.concurrency, pace.rate) == (8, inf)


def test_however_often_a_host_refuses_it_gets_something() -> None:
    pace = Pace(8)
    for number in range(200):
        pace.refused(number, number + 0.5)
        pace.failed(number + 0.6, number + 0.7)
    assert (pace.concurrency, pace.rate) == (1, LEAST_RATE)


def test_growing_latency_cuts_places_until_the_host_answers_as_it_did() -> None:
    pace = Pace(8)
    now = steady(pace, since=0.0, seconds=10, rate=50, took=0.05)
    now = steady(pace, since=now, seconds=2, rate=30, took=1.0)
    slowed = pace.concurrency
    assert 2 <= slowed < 8
    assert pace.rate == inf
    steady(pace, since=now, seconds=60, rate=30, took=0.05)
    assert pace.concurrency == 8


def test_slow_and_quick_paths_of_one_host_are_no_growth() -> None:
    pace = Pace(8)
    for number in range(2_000):
        now = number / 50
        pace.answered(now - (0.03, 0.3, 0.03, 0.2)[number % 4], now)
    assert pace.concurrency == 8


def test_a_host_that_became_slower_for_good_is_not_held_down() -> None:
    pace = Pace(8)
    now = steady(pace, since=0.0, seconds=10, rate=50, took=0.05)
    steady(pace, since=now, seconds=120, rate=30, took=1.0)
    assert pace.concurrency == 8


def fail(breaker: Breaker, times: int, now: float) -> None:
    for _ in range(times):
        assert breaker.admit(now)
        breaker.failed(now)


def test_a_circuit_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker()
    for _ in range(5):
        fail(breaker, FAILURES_TO_OPEN - 1, 0.0)
        breaker.worked()
    assert breaker.state(0.0) == "closed"
    fail(breaker, FAILURES_TO_OPEN, 1.0)
    assert breaker.state(1.0) == "open"
    assert not breaker.admit(1.0)
    assert breaker.wait_s(2.0) == FIRST_REST_S - 1.0


def test_one_probe_decides_whether_it_closes() -> None:
    breaker = Breaker()
    fail(breaker, FAILURES_TO_OPEN, 0.0)
    now = FIRST_REST_S
    assert breaker.state(now) == "half_open"
    assert breaker.admit(now)
    assert not breaker.admit(now)
    assert breaker.wait_s(now) == PROBE_WAIT_S
    breaker.worked()
    assert breaker.state(now) == "closed"
    assert breaker.admit(now)


def test_rests_grow_to_a_bound_and_a_lost_probe_is_no_dead_end() -> None:
    breaker = Breaker()
    fail(breaker, FAILURES_TO_OPEN, 0.0)
    now, rests = 0.0, list[float]()
    for _ in range(12):
        rests.append(breaker.wait_s(now))
        now += rests[-1]
        fail(breaker, 1, now)
    assert rests[:3] == [FIRST_REST_S, 2 * FIRST_REST_S, 4 * FIRST_REST_S]
    assert rests[-1] == LONGEST_REST_S
    now += breaker.wait_s(now)
    assert breaker.admit(now)
    breaker.given_up()
    assert breaker.admit(now)


def test_what_was_under_way_when_it_opened_does_not_lengthen_the_rest() -> None:
    breaker = Breaker()
    fail(breaker, FAILURES_TO_OPEN, 0.0)
    for _ in range(8):
        breaker.failed(0.5)
    assert breaker.wait_s(0.5) == FIRST_REST_S - 0.5
