"""How many calls go at a time, how long a judge waits, and when it is left alone."""

from __future__ import annotations

from random import Random

from omni.llm.pace import (
    OPENS_AFTER,
    Breaker,
    Pace,
    Retries,
    after_answer,
    after_fault,
    begun,
    closed,
    rest_left,
    struck,
)


def settled(slots: int, *, most: int = 64, rounds: int = 3_000) -> int:
    """Return the limit that a server with so many slots, each a second an answer, is met with."""
    pace, seen = Pace(2.0), list[int]()
    for _ in range(rounds):
        busy = int(pace.limit)
        pace = after_answer(pace, max(1.0, busy / slots), busy, most)
        seen.append(busy)
    return min(seen[rounds // 2 :])


def test_the_limit_finds_the_slots_of_the_server_and_keeps_them_busy() -> None:
    for slots in (1, 2, 4, 8, 16):
        assert slots <= settled(slots) <= 6 * slots


def test_the_settings_bound_the_limit() -> None:
    assert settled(100, most=5) == 5


def test_nobody_opens_up_for_calls_that_are_not_made() -> None:
    pace = Pace(4.0)
    for _ in range(100):
        pace = after_answer(pace, 1.0, 1, 64)
    assert pace.limit == 4.0


def test_a_fault_halves_the_limit_down_to_one() -> None:
    pace = after_fault(Pace(8.0))
    assert pace.limit == 4.0
    for _ in range(10):
        pace = after_fault(pace)
    assert pace.limit == 1.0


def test_fault_after_fault_opens_the_breaker_for_longer_and_longer() -> None:
    breaker, now = Breaker(), 100.0
    for _ in range(OPENS_AFTER - 1):
        breaker = struck(breaker, now)
    assert rest_left(breaker, now) == 0
    rests = list[float]()
    for _ in range(8):
        breaker = struck(breaker, now)
        rests.append(rest_left(breaker, now))
        now += rests[-1]
    assert rests == sorted(rests)
    assert (rests[0], rests[-1]) == (5.0, 60.0)
    assert rest_left(breaker, now) == 0
    probed = begun(breaker)
    assert rest_left(probed, now) > 0, "one call goes first"
    assert rest_left(closed(probed), now) == 0


def test_a_server_that_names_its_rest_gets_it_within_bounds() -> None:
    breaker = Breaker(OPENS_AFTER)
    assert rest_left(struck(breaker, 0.0, asked_s=30.0), 0.0) == 30.0
    assert rest_left(struck(breaker, 0.0, asked_s=3_000.0), 0.0) == 60.0


def test_pauses_grow_are_scattered_and_bounded() -> None:
    retries, rng = Retries(attempts=9, base_s=0.5, longest_s=4.0), Random(1)
    for attempt in range(1, 9):
        middle = min(4.0, 0.5 * 2 ** (attempt - 1))
        pauses = [retries.pause(attempt, rng) or 0.0 for _ in range(200)]
        assert middle * 0.5 <= min(pauses) < max(pauses) <= middle * 1.5
    assert retries.pause(9, rng) is None


def test_a_wait_that_is_asked_for_is_kept_or_is_a_reason_to_give_up() -> None:
    retries = Retries(attempts=3, base_s=0.5, longest_s=4.0)
    assert retries.pause(1, Random(1), asked_s=3.0) == 3.0
    assert retries.pause(1, Random(1), asked_s=5.0) is None
