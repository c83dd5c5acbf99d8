"""When an account may send, decided from values alone: its limits, what it has sent, the moment.

Each limit says of any moment whether one more message is too many, and all of them have one thing
in common: what is allowed at some moment stays allowed later, as long as nothing is sent. So the
first moment that all of them allow is the latest of their own first moments; and sending each
message as early as is allowed is the most that anybody can send (`most_sends`).
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Final

from omni.dispatch.quiet import ALWAYS, open_span
from omni.dispatch.types import Charge, Forecast, Gate, Limits, Slot, Warmup

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(hours=24)
WEEK: Final = timedelta(days=7)

CLOCK_SLACK: Final = timedelta(seconds=5)
"""By so much the clocks of two workers may differ without it being called a clock set back."""

MAX_WARMUP_DAYS: Final = 365
_FORECAST: Final = timedelta(days=2 * 365)
_ALWAYS: Final = ALWAYS[0]
_TICK: Final = timedelta(microseconds=1)


def charged_times(charges: Iterable[Charge], now: datetime) -> list[datetime]:
    """Return the moments that count against an account's limits.

    A message that is under way may reach the wire at any moment from now on, so it counts as now;
    one that is recorded counts as when it was recorded, which is not before it was on the wire.
    With this, no rolling window of what the platform sees exceeds its limit either.
    """
    return [max(charge.at, now) if charge.in_flight else charge.at for charge in charges]


def next_slot(limits: Limits, charged: Iterable[datetime], now: datetime) -> Slot:
    """Return the first moment from `now` on at which the account may send one more message.

    Args:
        limits: The account's.
        charged: Moments of the last 7 days that count, in any order. Later ones than `now` mean
            that the clock was set back: nothing is sent until it has passed them.
        now: The present moment, with a zone.
    """
    return _slot(limits, sorted(charged), now)


def slots(limits: Limits, charged: Iterable[datetime], now: datetime) -> Iterator[datetime]:
    """Yield the moments from `now` on at which the account may send, if each of them is used."""
    past = sorted(charged)
    while (at := _slot(limits, past, now).at) is not None:
        yield at
        insort(past, at)
        now = at


def forecast(
    accounts: Sequence[tuple[Limits, Sequence[datetime]]], count: int, now: datetime
) -> Forecast:
    """Return when `count` messages are out if these accounts send nothing else.

    Args:
        accounts: The limits of each, and its charges as for `next_slot`.
        count: How many messages, those before them in the queue included.
        now: The present moment.
    """
    last = now + _FORECAST
    each = (_until(slots(limits, charged, now), last) for limits, charged in accounts)
    moments = list(islice(heapq.merge(*each), count))
    finish = moments[-1] if moments and len(moments) == count else None
    return Forecast(moments[0] if moments else None, finish, len(moments))


def most_sends(limits: Limits, charged: Iterable[datetime], start: datetime, end: datetime) -> int:
    """Return how many messages the account may send in [start, end), jitter left out: its budget.

    No schedule that keeps the limits sends more: the n-th message of any such schedule goes no
    earlier than the n-th of this one.
    """
    unhurried = replace(limits, jitter=timedelta())
    return sum(1 for _ in _until(slots(unhurried, charged, start), end))


def daily_cap(limits: Limits, at: datetime) -> int:
    """Return the daily limit that holds at a moment, the warm-up included."""
    warmup = limits.warmup
    if warmup is None or warmup.days <= 0:
        return limits.daily
    return min(limits.daily, _ramp(warmup, limits.daily, (at - warmup.begins) // DAY))


def used(charged: Iterable[datetime], now: datetime) -> tuple[int, int, int]:
    """Return how many charges count in the hour, the day and the week until `now`."""
    ages = [now - moment for moment in charged]
    hour, day, week = (sum(age < window for age in ages) for window in (HOUR, DAY, WEEK))
    return hour, day, week


def _slot(limits: Limits, past: Sequence[datetime], now: datetime) -> Slot:
    """As `next_slot`, with the charges oldest first."""
    opens, gate = _limits_open(limits, past, now)
    if opens is None:
        return Slot(None, gate)
    base = max(opens, now)
    start, end = open_span(limits.quiet, base)
    if base < start:
        gate = Gate.QUIET
    anchor = max(opens, start)
    # The delay is squeezed where quiet hours are near: it must not put a message off for a night.
    at = anchor + min(limits.jitter, end - anchor) * _share(limits, past, start)
    if at <= now:
        return Slot(now, None)
    return Slot(min(at, end - _TICK), Gate.JITTER if anchor <= now else gate)


def _limits_open(
    limits: Limits, past: Sequence[datetime], now: datetime
) -> tuple[datetime | None, Gate]:
    """Return the first moment that every limit allows, perhaps long ago, and what sets it."""
    windows = (
        (limits.hourly, HOUR, Gate.HOURLY),
        (limits.weekly, WEEK, Gate.WEEKLY),
        (1, limits.gap, Gate.GAP),
    )
    opens, gate = _day_opens(limits, past)
    if opens is None:
        return None, gate
    for limit, window, each in windows:
        if limit <= 0:
            return None, each
        if window and len(past) >= limit and (free := past[-limit] + window) > opens:
            opens, gate = free, each
    if past and past[-1] > now + CLOCK_SLACK:
        return max(opens, past[-1]), Gate.CLOCK
    return opens, gate


def _day_opens(limits: Limits, past: Sequence[datetime]) -> tuple[datetime | None, Gate]:
    """Return the first moment that the daily limit allows, which grows during the warm-up."""
    if limits.daily <= 0:
        return None, Gate.DAILY
    warmup = limits.warmup
    if warmup is None or not past:
        return _free(past, limits.daily), Gate.DAILY
    full_from = warmup.begins + warmup.days * DAY
    day = (past[-1] - warmup.begins) // DAY
    while day < warmup.days:
        begins = warmup.begins + day * DAY
        opens = max(begins, _free(past, min(limits.daily, _ramp(warmup, limits.daily, day))))
        if opens < begins + DAY:
            return opens, Gate.WARMUP
        day += 1
    return max(full_from, _free(past, limits.daily)), Gate.DAILY


def _free(past: Sequence[datetime], limit: int) -> datetime:
    """Return when fewer than `limit` of these messages are in the last 24 hours."""
    return past[-limit] + DAY if len(past) >= limit else _ALWAYS


def _ramp(warmup: Warmup, daily: int, day: int) -> int:
    """Return the limit of the warm-up's n-th day, counted from 0; before it, that of the first."""
    grown = (daily - warmup.first) * max(day, 0) // warmup.days
    return max(1, warmup.first + grown) if day < warmup.days else daily


def _share(limits: Limits, past: Sequence[datetime], start: datetime) -> float:
    """Return the next message's share of the jitter: drawn from what was sent last, or opened.

    So it is the same whenever and wherever it is asked for. An account that has not sent anything,
    and has no quiet hours, waits for nothing.
    """
    last = max(past[-1], start) if past else start
    if not limits.jitter or last == _ALWAYS:
        return 0.0
    name = f"{limits.seed}|{last.isoformat()}".encode()
    return int.from_bytes(blake2b(name, digest_size=6).digest(), "big") / 2**48


def _until(moments: Iterator[datetime], end: datetime) -> Iterator[datetime]:
    for moment in moments:
        if moment >= end:
            return
        yield moment
