"""When an account may send, decided from values alone: its limits, what it has sent, the moment.

Each limit says of any moment whether one more message is too many, and all of them have one thing
in common: what is allowed at some moment stays allowed later, as long as nothing is sent. So the
first moment that all of them allow is the latest of their own first moments; and sending each
message as early as is allowed is the most that anybody can send (`most_sends`).
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Final

from omni.dispatch.pacing_types import Forecast, Limits, Quiet, Warmup
from omni.dispatch.quiet import ALWAYS, common_span, open_span
from omni.dispatch.types import (
    Account,
    Charge,
    Gate,
    Pacing,
    Slot,
)

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(hours=24)
WEEK: Final = timedelta(days=7)

CLOCK_SLACK: Final = timedelta(seconds=5)
"""By so much the clocks of two workers may differ without it being called a clock set back."""

MAX_WARMUP_DAYS: Final = 365
_FIRST_PART: Final = 10
_Past = Sequence[datetime]
_Older = Mapping[int, datetime]
_FORECAST: Final = timedelta(days=2 * 365)
_ALWAYS: Final = ALWAYS[0]
_TICK: Final = timedelta(microseconds=1)


def limits_of(account: Account) -> Limits:
    """Return the limits of an account as the planner takes them."""
    return _limits(account, account.weekly_limit, f"{account.platform}:{account.handle}")


def planned_limits(pacing: Pacing, seed: str = "") -> Limits:
    """Return what a person wants to set as the planner takes it."""
    weekly = 7 * pacing.daily_limit if pacing.weekly_limit is None else pacing.weekly_limit
    return _limits(pacing, weekly, seed)


def warming_up(daily_limit: int, now: datetime) -> Pacing:
    """Return what a new account begins with unless a person wants something else: a tenth of it."""
    return Pacing(warmup_from=now, warmup_first=max(1, daily_limit // _FIRST_PART))


def _limits(given: Account | Pacing, weekly: int, seed: str) -> Limits:
    begins = given.warmup_from
    return Limits(
        hourly=given.hourly_limit,
        daily=given.daily_limit,
        weekly=weekly,
        gap=timedelta(seconds=given.gap_s),
        jitter=timedelta(seconds=given.jitter_s),
        warmup=begins and Warmup(begins, given.warmup_first, given.warmup_days),
        quiet=Quiet(given.zone, given.quiet_from, given.quiet_to, frozenset(given.quiet_days)),
        seed=seed,
    )


def charged_times(charges: Iterable[Charge], now: datetime) -> list[datetime]:
    """Return the moments that count against an account's limits.

    A message that is under way may reach the wire at any moment from now on, so it counts as now;
    one that is recorded counts as when it was recorded, which is not before it was on the wire.
    With this, no rolling window of what the platform sees exceeds its limit either.
    """
    return [max(charge.at, now) if charge.in_flight else charge.at for charge in charges]


def next_slot(
    limits: Limits,
    charged: Iterable[datetime],
    now: datetime,
    older: Mapping[int, datetime] | None = None,
) -> Slot:
    """Return the first moment from `now` on at which the account may send one more message.

    Args:
        limits: The account's.
        charged: Moments of the last 7 days that count, in any order. Later ones than `now` mean
            that the clock was set back: nothing is sent until it has passed them.
        now: The present moment, with a zone.
        older: Where `charged` is only the newest of them: those further back that decide anything,
            by their places as `deciding_places` gives them.
    """
    return _slot(limits, sorted(charged), now, older or {})


def slot_for(quiet: Quiet, zones: Collection[str], now: datetime) -> Slot:
    """Return when somebody may be written to by the quiet hours that an account keeps.

    They hold by the account's clock and by the person's: whichever is quiet. Where a person may be
    in several zones, it is quiet for them if it is in any of these.

    Args:
        quiet: Of the account.
        zones: Where the person may be; none: unknown, and the account's clock decides alone.
        now: The present moment.

    Returns:
        Without a moment where the account's hours and theirs never meet.
    """
    common = common_span(quiet, zones, now)
    if common is None:
        return Slot(None, Gate.NO_HOUR)
    if common[0] <= now:
        return Slot(now, None)
    own, _ = open_span(quiet, now)
    return Slot(common[0], Gate.QUIET if own == common[0] else Gate.RECIPIENT_QUIET)


def deciding_places(limits: Limits, now: datetime) -> frozenset[int]:
    """Return which of the charges decide anything: the newest is in place 1, and so on."""
    caps = {limits.hourly, limits.daily, limits.weekly, 1}
    if limits.warmup is not None:
        first = max(0, (now - WEEK - limits.warmup.begins) // DAY)
        days = range(first, limits.warmup.days)
        caps |= {min(limits.daily, _ramp(limits.warmup, limits.daily, day)) for day in days}
    return frozenset(cap for cap in caps if cap > 0)


def slots(limits: Limits, charged: Iterable[datetime], now: datetime) -> Iterator[datetime]:
    """Yield the moments from `now` on at which the account may send, if each of them is used."""
    past = sorted(charged)
    while (at := _slot(limits, past, now, {}).at) is not None:
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


def _slot(limits: Limits, past: _Past, now: datetime, older: _Older) -> Slot:
    """As `next_slot`, with the charges oldest first."""
    opens, gate = _limits_open(limits, past, now, older)
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
    limits: Limits, past: _Past, now: datetime, older: _Older
) -> tuple[datetime | None, Gate]:
    """Return the first moment that every limit allows, perhaps long ago, and what sets it."""
    windows = (
        (limits.hourly, HOUR, Gate.HOURLY),
        (limits.weekly, WEEK, Gate.WEEKLY),
        (1, limits.gap, Gate.GAP),
    )
    for limit, gate in (
        (limits.hourly, Gate.HOURLY),
        (limits.daily, Gate.DAILY),
        (limits.weekly, Gate.WEEKLY),
    ):
        if limit <= 0:
            return None, gate
    opens, gate = _day_opens(limits, past, older)
    for limit, window, each in windows:
        place = _place(past, limit, older)
        if window and place is not None and place + window > opens:
            opens, gate = place + window, each
    if past and past[-1] > now + CLOCK_SLACK:
        return max(opens, past[-1]), Gate.CLOCK
    return opens, gate


def _day_opens(limits: Limits, past: _Past, older: _Older) -> tuple[datetime, Gate]:
    """Return the first moment that the daily limit allows, which grows during the warm-up."""
    warmup = limits.warmup
    if warmup is None or not past:
        return _free(past, limits.daily, older), Gate.DAILY
    full_from = warmup.begins + warmup.days * DAY
    day = (past[-1] - warmup.begins) // DAY
    while day < warmup.days:
        begins = warmup.begins + day * DAY
        cap = min(limits.daily, _ramp(warmup, limits.daily, day))
        opens = max(begins, _free(past, cap, older))
        if opens < begins + DAY:
            return opens, Gate.WARMUP
        day += 1
    return max(full_from, _free(past, limits.daily, older)), Gate.DAILY


def _free(past: _Past, limit: int, older: _Older) -> datetime:
    """Return when fewer than `limit` of these messages are in the last 24 hours."""
    place = _place(past, limit, older)
    return _ALWAYS if place is None else place + DAY


def _place(past: _Past, place: int, older: _Older) -> datetime | None:
    """Return the charge in this place, 1 for the newest, if there are so many."""
    return past[-place] if place <= len(past) else older.get(place)


def _ramp(warmup: Warmup, daily: int, day: int) -> int:
    """Return the limit of the warm-up's n-th day, counted from 0; before it, that of the first."""
    grown = (daily - warmup.first) * max(day, 0) // warmup.days
    return max(1, warmup.first + grown) if day < warmup.days else daily


def _share(limits: Limits, past: _Past, start: datetime) -> float:
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
