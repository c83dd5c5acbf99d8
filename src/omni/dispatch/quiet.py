"""Quiet hours and days by the clock on the wall, also on the days on which clocks are changed.

An account is quiet at a moment if the clock on the wall of its zone says so. That is all: where the
clock is put back, an hour is read twice and is quiet twice; where it is put forward, quiet hours
that fall into the lost hour end with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache, lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from omni.dispatch.pacing_types import Quiet

Span = tuple[datetime, datetime]
"""From the first moment that is open to the first that is not."""

ALWAYS: Span = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_AROUND_DAYS = 9
_NO_PLACES = {"Factory", "localtime", "posixrules"}
"""In the database of zones, but no zone: `localtime` is another one on each machine."""

COMMON_WITHIN = timedelta(days=7)
"""So far ahead an hour is looked for that suits several clocks: their weeks repeat."""


def is_zone(name: str) -> bool:
    """Tell whether this is the IANA name of a time zone."""
    return name in _zones()


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_PLACES


@cache
def _zone(name: str) -> ZoneInfo:
    """Return a zone; the library itself keeps only the last few at hand."""
    return ZoneInfo(name)


def is_quiet(quiet: Quiet, moment: datetime) -> bool:
    """Tell whether the clock on the wall says that nothing is sent now."""
    local = moment.astimezone(_zone(quiet.zone))
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
    day = moment.astimezone(_zone(quiet.zone)).date()
    for span in _spans_around(quiet, day):
        if moment < span[1]:
            return span
    raise ValueError("every day is quiet")


def common_span(quiet: Quiet, zones: Collection[str], moment: datetime) -> Span | None:
    """Return the open time around `moment`, or the next one, by the clocks of all these zones.

    Each clock is asked by itself, and what is quiet by one of them is quiet; so it is right on the
    days on which only some of them are changed.

    Args:
        quiet: The quiet hours and days, and the first of the zones.
        zones: More zones.
        moment: Any moment, with a zone.

    Returns:
        None if there is no such time within `COMMON_WITHIN`.
    """
    if quiet.starts == quiet.ends and not quiet.days:
        return ALWAYS
    names = frozenset(zones) | {quiet.zone}
    for span in _common_around(quiet, names, moment.astimezone(UTC).date()):
        if moment < span[1]:
            return span if span[0] <= moment + COMMON_WITHIN else None
    return None


@lru_cache(maxsize=4_096)
def _common_around(quiet: Quiet, zones: frozenset[str], day: date) -> tuple[Span, ...]:
    """Return the times of the days around `day` that are open by the clocks of all these zones."""
    common: Sequence[Span] = (ALWAYS,)
    for zone in sorted(zones):
        common = list(_overlaps(common, _spans_around(replace(quiet, zone=zone), day)))
    return tuple(common)


def _overlaps(some: Sequence[Span], others: Sequence[Span]) -> Iterator[Span]:
    """Yield what lies in a span of both; the spans of each are in order, and touch no others."""
    at = 0
    for start, end in some:
        while at < len(others) and others[at][1] <= start:
            at += 1
        place = at
        while place < len(others) and others[place][0] < end:
            yield max(start, others[place][0]), min(end, others[place][1])
            place += 1


@lru_cache(maxsize=4_096)
def _spans_around(quiet: Quiet, day: date) -> tuple[Span, ...]:
    """Return the open times of the days around `day`, those that touch each other as one.

    Quiet or not can only change where a day, or quiet hours, begin or end, and where the clock is
    changed.
    """
    zone = _zone(quiet.zone)
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
