"""The planner of dispatch: what an account may send, over limits, pasts and clock changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.dispatch.pacing import (
    CLOCK_SLACK,
    DAY,
    HOUR,
    WEEK,
    charged_times,
    daily_cap,
    forecast,
    most_sends,
    next_slot,
    slots,
)
from omni.dispatch.pacing_types import Forecast, Limits, Quiet, Warmup
from omni.dispatch.quiet import is_quiet, open_span
from omni.dispatch.types import (
    Charge,
    Gate,
    Slot,
)

NOW = datetime(2026, 3, 27, 12, tzinfo=UTC)  # two days before Europe's clocks go forward
MINUTE = timedelta(minutes=1)
NIGHT = Quiet("Europe/Paris", starts=21 * 60, ends=8 * 60)
OPEN = Limits(hourly=100, daily=100, weekly=100)

ZONES = st.sampled_from(
    ["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
QUIETS = st.builds(
    Quiet,
    zone=ZONES,
    starts=st.integers(0, 1_439),
    ends=st.integers(0, 1_439),
    days=st.frozensets(st.integers(1, 7), max_size=6),
)
WARMUPS = st.none() | st.builds(
    Warmup,
    begins=st.integers(-200, 24).map(lambda hours: NOW + hours * HOUR),
    first=st.integers(1, 5),
    days=st.integers(1, 9),
)
LIMITS = st.builds(
    Limits,
    hourly=st.integers(1, 4),
    daily=st.integers(4, 12),
    weekly=st.integers(12, 40),
    gap=st.integers(0, 90).map(lambda n: n * MINUTE),
    jitter=st.integers(0, 45).map(lambda n: n * MINUTE),
    warmup=WARMUPS,
    quiet=QUIETS,
    seed=st.text(max_size=3),
)


def sent(limits: Limits, count: int, past: list[datetime] | None = None) -> list[datetime]:
    return list(islice(slots(limits, past or [], NOW), count))


@given(LIMITS, st.lists(st.integers(0, 10_000), max_size=8))
def test_no_window_no_warm_up_and_no_quiet_hour_is_ever_exceeded(
    limits: Limits, ages: list[int]
) -> None:
    past = [NOW - age * MINUTE for age in ages]
    moments = sent(limits, 60, past)
    every = sorted(past + moments)
    assert moments == sorted(moments)
    for at in moments:
        for limit, window in (
            (limits.hourly, HOUR),
            (daily_cap(limits, at), DAY),
            (limits.weekly, WEEK),
            (1, limits.gap),
        ):
            inside = sum(at - window < other <= at for other in every)
            assert inside <= limit or window == timedelta(), (at, window)
        assert not is_quiet(limits.quiet, at)


@given(LIMITS, st.integers(1, 30), st.integers(0, 20_000))
def test_a_slot_stays_where_it_is_until_it_comes(limits: Limits, count: int, later: int) -> None:
    past = sent(limits, count)
    slot = next_slot(limits, past, past[-1])
    assert slot.at is not None
    look = min(past[-1] + later * MINUTE, slot.at)
    again = next_slot(limits, past, look)
    assert again.at == slot.at
    assert (again.gate is None) == (look == slot.at)


@given(LIMITS)
def test_jitter_only_delays_and_is_the_same_everywhere(limits: Limits) -> None:
    without = replace(limits, jitter=timedelta())
    past = sent(without, 9)
    early, late = next_slot(without, past, past[-1]).at, next_slot(limits, past, past[-1]).at
    assert early is not None
    assert late is not None
    assert late >= early
    assert late == next_slot(limits, list(reversed(past)), past[-1]).at


@given(LIMITS, st.integers(1, 200))
def test_nobody_sends_more_than_as_early_as_allowed(limits: Limits, wait: int) -> None:
    end = NOW + 10 * DAY
    budget = most_sends(limits, [], NOW, end)
    lazy: list[datetime] = []
    now = NOW
    while (at := next_slot(limits, lazy, now).at) is not None and at < end:
        lazy.append(at)
        now = at + wait * MINUTE
    assert len(lazy) <= budget


@given(QUIETS, st.integers(-400, 400))
def test_an_open_span_is_open_from_its_first_to_its_last_minute(quiet: Quiet, hours: int) -> None:
    moment = NOW + hours * HOUR
    start, end = open_span(quiet, moment)
    if quiet.starts == quiet.ends and not quiet.days:
        return
    assert is_quiet(quiet, moment) == (moment < start)
    assert moment < end
    assert not is_quiet(quiet, start)
    assert not is_quiet(quiet, end - timedelta(seconds=1))
    assert is_quiet(quiet, end)
    assert is_quiet(quiet, start - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("quiet", "moment", "expected"),
    [
        # The night before the clocks go forward is an hour shorter, the one before they go back an
        # hour longer; the first message goes at eight by the clock on the wall in both.
        (NIGHT, "2026-03-28T23:00+01:00", "2026-03-29T08:00+02:00"),
        (NIGHT, "2026-10-24T23:00+02:00", "2026-10-25T08:00+01:00"),
        # Quiet hours end in the hour that does not exist: they end when the clock jumps over it.
        (
            Quiet("Europe/Paris", 60, 150),
            "2026-03-29T01:30+01:00",
            "2026-03-29T03:00+02:00",
        ),
        # From Friday evening over a quiet weekend.
        (
            Quiet("America/New_York", 18 * 60, 9 * 60, frozenset({6, 7})),
            "2026-03-06T19:00-05:00",
            "2026-03-09T09:00-04:00",
        ),
    ],
)
def test_quiet_hours_follow_the_clock_on_the_wall(quiet: Quiet, moment: str, expected: str) -> None:
    limits = replace(OPEN, quiet=quiet)
    slot = next_slot(limits, [], datetime.fromisoformat(moment))
    assert slot == Slot(datetime.fromisoformat(expected), Gate.QUIET)


def test_an_hour_that_is_read_twice_is_quiet_twice() -> None:
    quiet = Quiet("Europe/Paris", starts=120, ends=150)
    zone = ZoneInfo("Europe/Paris")
    twice = [datetime(2026, 10, 25, 2, 15, fold=fold, tzinfo=zone) for fold in (0, 1)]
    assert twice[0].astimezone(UTC) != twice[1].astimezone(UTC)
    assert all(is_quiet(quiet, moment.astimezone(UTC)) for moment in twice)


@pytest.mark.parametrize(
    ("limits", "past", "gate", "wait"),
    [
        (replace(OPEN, hourly=2), [50, 20], Gate.HOURLY, 10),
        (replace(OPEN, daily=1), [60], Gate.DAILY, 23 * 60),
        (replace(OPEN, weekly=1), [60], Gate.WEEKLY, 167 * 60),
        (replace(OPEN, gap=30 * MINUTE), [10], Gate.GAP, 20),
        (replace(OPEN, warmup=Warmup(NOW - DAY, 2, 10)), [300] * 12, Gate.WARMUP, 1_140),
        (OPEN, [-90], Gate.CLOCK, 90),
        (OPEN, [5], None, 0),
    ],
)
def test_the_limit_that_holds_is_named(
    limits: Limits, past: list[int], gate: Gate | None, wait: int
) -> None:
    charged = [NOW - age * MINUTE for age in past]
    assert next_slot(limits, charged, NOW) == Slot(NOW + wait * MINUTE, gate)


@pytest.mark.parametrize("name", ["hourly", "daily", "weekly"])
def test_a_limit_of_zero_sends_nothing(name: str) -> None:
    zero = replace(OPEN, hourly=0) if name == "hourly" else replace(OPEN, **{name: 0})
    slot = next_slot(zero, [], NOW)
    assert slot == Slot(None, {"hourly": Gate.HOURLY, "daily": Gate.DAILY}.get(name, Gate.WEEKLY))
    assert forecast([(zero, [])], 3, NOW) == Forecast(None, None, 0)


def test_nothing_is_sent_while_the_clock_shows_a_moment_before_the_last_message() -> None:
    last = NOW + 3 * HOUR
    slot = next_slot(OPEN, [last], NOW)
    assert slot == Slot(last, Gate.CLOCK)
    within = NOW + CLOCK_SLACK
    assert next_slot(OPEN, [within], NOW) == Slot(NOW, None)
    assert sent(OPEN, 2, [within]) == [NOW, NOW]


def test_a_warm_up_grows_to_the_accounts_own_limit() -> None:
    limits = replace(OPEN, daily=50, warmup=Warmup(NOW, 5, 10))
    caps = [daily_cap(limits, NOW + n * DAY) for n in range(-1, 12)]
    assert caps == [5, 5, 9, 14, 18, 23, 27, 32, 36, 41, 45, 50, 50]


def test_a_forecast_shares_the_messages_among_the_accounts() -> None:
    slow, fast = replace(OPEN, daily=1), replace(OPEN, daily=3)
    found = forecast([(slow, []), (fast, [])], 8, NOW)
    assert found == Forecast(NOW, NOW + DAY, 8)
    assert forecast([(slow, [])], 8, NOW).finish == NOW + 7 * DAY
    assert forecast([(slow, [])], 10_000, NOW).finish is None
    assert forecast([], 1, NOW) == Forecast(None, None, 0)


def test_what_is_under_way_counts_as_now() -> None:
    charges = [Charge(NOW - HOUR, in_flight=True), Charge(NOW - HOUR, in_flight=False)]
    assert charged_times(charges, NOW) == [NOW, NOW - HOUR]
