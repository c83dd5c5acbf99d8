"""Quiet hours and days by the clock on the wall, also on the days on which clocks are changed.

An account is quiet at a moment if the clock on the wall of its zone says so. That is all: where the
clock is put back, an hour is read twice and is quiet twice; where it is put forward, quiet hours
that fall into the lost hour end with it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from omni.dispatch.pacing_types import Quiet

Span = tuple[datetime, datetime]
"""From the first moment that is open to the first that is not."""

ALWAYS: Span = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_AROUND_DAYS = 9
_NO_PLACES = {"Factory", "localtime", "posixrules"}
"""In the database of zones, but no zone: `localtime` is another one on each machine."""


def is_zone(name: str) -> bool:
    """Tell whether this is the IANA name of a time zone."""
    return name in _zones()


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_PLACES


def is_quiet(quiet: Quiet, moment: datetime) -> bool:
    """Tell whether the clock on the wall says that nothing is sent now."""
    local = moment.astimezone(ZoneInfo(quiet.zone))
    if local.isoweekday() in quiet.days:
        return True
    minute = local.hour * 60 + local.minute
    if quiet.starts <= quiet.ends:
        return quiet.starts <= minute < quiet.ends
    return minute >= quiet.starts or minute < quiet.ends


def open_span(quiet: Quiet, moment: datetime) -> Span:
    """Return the open time around `moment`, or the next one if it is quiet then.

    Raises:
        ValueError: There is none: every day is quiet.
    """
    if quiet.starts == quiet.ends and not quiet.days:
        return ALWAYS
    day = moment.astimezone(ZoneInfo(quiet.zone)).date()
    for span in _spans_around(quiet, day):
        if moment < span[1]:
            return span
    raise ValueError("every day is quiet")


@lru_cache(maxsize=1_024)
def _spans_around(quiet: Quiet, day: date) -> tuple[Span, ...]:
    """Return the open times of the days around `day`, those that touch each other as one.

    Quiet or not can only change where a day, or quiet hours, begin or end, and where the clock is
    changed.
    """
    zone = ZoneInfo(quiet.zone)
    days = [day + timedelta(days=n) for n in range(-_AROUND_DAYS, _AROUND_DAYS + 1)]
    walls = {time(minute // 60, minute % 60) for minute in (0, quiet.starts, quiet.ends)}
    changes = {
        moment
        for each in days
        for wall in walls
        for moment in _instants(datetime.combine(each, wall, zone))
    }
    noons = [datetime.combine(each, time(12), zone).astimezone(UTC) for each in days]
    for before, after in pairwise(noons):
        if _offset(before, zone) != _offset(after, zone):
            changes.add(_change(before, after, zone))
    spans: list[Span] = []
    for start, end in pairwise(sorted(changes)):
        if is_quiet(quiet, start):
            continue
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(spans)


def _instants(local: datetime) -> tuple[datetime, ...]:
    """Return when the clock shows `local`: once, twice, or (if it skips it) when it jumps over."""
    first = local.replace(fold=0).astimezone(UTC)
    second = local.replace(fold=1).astimezone(UTC)
    if first <= second:
        return (first,) if first == second else (first, second)
    assert local.tzinfo is not None
    return (_change(second, first, local.tzinfo),)


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Return the second at which the zone's offset stops being what it was `before`."""
    old = _offset(before, zone)
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(before + timedelta(seconds=middle), zone) == old:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


def _offset(moment: datetime, zone: tzinfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
