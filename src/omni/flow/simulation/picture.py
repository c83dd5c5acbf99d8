"""A picture in letters: each account's sends by hour, in its own time, under its limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from zoneinfo import ZoneInfo

from omni.dispatch.pacing_types import Limits
from omni.dispatch.quiet import is_quiet
from omni.flow.simulation.checks import by_sender
from omni.flow.simulation.types import Call, Sender, Simulated

_HOURS = range(24)
_BARS = "▁▂▃▄▅▆▇█"
_GRID = 44
_BESIDE = 2

LEGEND = (
    "Each row is a day and each column an hour of the account's own time: ▁ few … █ as many as the "
    "hour allows, · none, blank is quiet. At the right: the most in any 24 hours of that day."
)


def picture(simulated: Simulated) -> Iterator[str]:
    """Yield the lines of the picture, two accounts beside each other."""
    panels = [list(_panel(simulated, sender, own)) for sender, own in by_sender(simulated)]
    for first in range(0, len(panels), _BESIDE):
        for lines in zip_longest(*panels[first : first + _BESIDE], fillvalue=""):
            yield "   ".join(line.ljust(_GRID) for line in lines).rstrip()
        yield ""
    yield LEGEND


def words_of(limits: Limits) -> Iterator[str]:
    """Yield an account's limits, in words."""
    yield f"{limits.hourly}/hour {limits.daily}/day {limits.weekly}/week"
    quiet, warmup = limits.quiet, limits.warmup
    further = [
        f"gap {limits.gap}" if limits.gap else "",
        f"jitter {limits.jitter}" if limits.jitter else "",
        f"warm-up {warmup.first}/day, {warmup.days} days" if warmup else "",
    ]
    yield ", ".join(word for word in further if word)
    silent = (
        "" if quiet.starts == quiet.ends else f"quiet {clock(quiet.starts)}-{clock(quiet.ends)}"
    )
    days = "".join(str(day) for day in sorted(quiet.days))
    yield " ".join(word for word in (quiet.zone, silent, days and f"days {days}") if word)


def clock(minutes: int) -> str:
    """Return minutes after midnight as a clock shows them."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _panel(simulated: Simulated, sender: Sender, own: Sequence[Call]) -> Iterator[str]:
    zone = ZoneInfo(sender.limits.quiet.zone)
    walls = [call.wire_at.astimezone(zone) for call in own]
    sent = Counter((wall.date(), wall.hour) for wall in walls)
    fullest = _fullest_by_day(walls)
    yield f"{sender.account.handle} ({sender.account.platform}): {len(own)} sent"
    yield from words_of(sender.limits)
    first = simulated.scenario.start.astimezone(zone).date()
    last = (simulated.ended_at - timedelta(microseconds=1)).astimezone(zone).date()
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        row = "".join(_sign(sender, day, hour, sent[day, hour]) for hour in _HOURS)
        yield f"{day:%a %m-%d} {row} {fullest[day]:>3}/{sender.limits.daily}"


def _fullest_by_day(walls: Sequence[datetime]) -> Counter[date]:
    """Return, by day, the most messages in any 24 hours that end with one of that day."""
    fullest = Counter[date]()
    first = 0
    for last, wall in enumerate(walls):
        while walls[first].timestamp() <= wall.timestamp() - 86_400:
            first += 1
        fullest[wall.date()] = max(fullest[wall.date()], last - first + 1)
    return fullest


def _sign(sender: Sender, day: date, hour: int, count: int) -> str:
    if count:
        return _BARS[min(count * len(_BARS) // max(sender.limits.hourly, 1), len(_BARS)) - 1]
    wall = datetime.combine(day, time(hour, 30), ZoneInfo(sender.limits.quiet.zone))
    return " " if is_quiet(sender.limits.quiet, wall) else "·"
