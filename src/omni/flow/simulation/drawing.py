"""A picture as SVG: each account's sends by hour, and its last 24 hours, under their limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from html import escape

from omni.dispatch.quiet import is_quiet
from omni.flow.simulation.checks import by_sender
from omni.flow.simulation.picture import words_of
from omni.flow.simulation.types import Call, Sender, Simulated

WIDTH = 1_000
_LEFT, _TOP, _HIGH, _APART = 60, 60, 80, 150
_HOUR = timedelta(hours=1)
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2933 } .small { font-size: 10px }
svg { background: #ffffff } .quiet { fill: #e4e7eb } .sent { fill: #2563eb }
.cap { stroke: #b91c1c; stroke-dasharray: 4 3 } .day { fill: none; stroke: #b45309 }
.ground { stroke: #9aa5b1 }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb } svg { background: #111827 } .quiet { fill: #27303f }
  .sent { fill: #60a5fa } .cap { stroke: #f87171 } .day { stroke: #fbbf24 }
  .ground { stroke: #52606d }
}
"""


def draw(simulated: Simulated) -> str:
    """Return the picture: bars for sends an hour, a line for the last 24 hours, dashes for caps."""
    senders = list(by_sender(simulated))
    height = _TOP + _APART * len(senders)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>Messages sent by hour, under the accounts' limits</title>",
            f"<style>{_STYLE}</style>",
            f'<text x="{_LEFT}" y="24">{_about(simulated)}</text>',
            *(
                line
                for place, (sender, own) in enumerate(senders)
                for line in _panel(simulated, sender, own, _TOP + _APART * place)
            ),
            "</svg>",
            "",
        )
    )


def _about(simulated: Simulated) -> str:
    start, end = simulated.scenario.start, simulated.ended_at
    return (
        f"{start:%Y-%m-%d} to {end:%Y-%m-%d} UTC. Bars: sends an hour; line: the last 24 hours; "
        "dashed: both limits; grey: quiet."
    )


def _panel(simulated: Simulated, sender: Sender, own: Sequence[Call], top: int) -> Iterator[str]:
    hours = simulated.scenario.days * 24
    wide = (WIDTH - _LEFT - 10) / hours
    start, ground = simulated.scenario.start, top + 20 + _HIGH
    told = "; ".join(word for word in words_of(sender.limits) if word)
    yield f'<text x="{_LEFT}" y="{top + 10}">{escape(sender.account.handle)}: {escape(told)}</text>'
    for first, last in _quiet_spans(simulated, sender):
        x, width = _LEFT + first * wide, (last - first) * wide
        yield _rect("quiet", x, ground - _HIGH, width, _HIGH)
    sent = Counter((call.wire_at - start) // _HOUR for call in own)
    for hour, count in sorted(sent.items()):
        high = _HIGH * count / max(sender.limits.hourly, 1)
        yield _rect("sent", _LEFT + hour * wide, ground - high, wide, high)
    points = " ".join(
        f"{_LEFT + hour * wide:.1f},{ground - _HIGH * count / max(sender.limits.daily, 1):.1f}"
        for hour, count in enumerate(_last_day(sent, hours))
    )
    yield f'<polyline class="day" points="{points}"/>'
    for name, y in (("cap", ground - _HIGH), ("ground", ground)):
        yield f'<line class="{name}" x1="{_LEFT}" x2="{WIDTH - 10}" y1="{y}" y2="{y}"/>'
    yield f'<text class="small" x="4" y="{ground - _HIGH + 4}">{sender.limits.hourly}/h</text>'
    yield f'<text class="small" x="4" y="{ground - _HIGH + 16}">{sender.limits.daily}/day</text>'
    for day in range(0, simulated.scenario.days, 5):
        at = start + timedelta(days=day)
        x = _LEFT + day * 24 * wide
        yield f'<text class="small" x="{x:.1f}" y="{ground + 14}">{at:%b %d}</text>'


def _rect(name: str, x: float, y: float, width: float, height: float) -> str:
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" height="{height:.1f}"'
    return f'<rect class="{name}" {size}/>'


def _last_day(sent: Counter[int], hours: int) -> Iterator[int]:
    """Yield, for each hour, how many went out in the 24 hours that end with it."""
    running = 0
    for hour in range(hours):
        running += sent[hour] - sent[hour - 24]
        yield running


def _quiet_spans(simulated: Simulated, sender: Sender) -> Iterator[tuple[int, int]]:
    """Yield the first and the last hour of each time in which the account is quiet."""
    begun: int | None = None
    hours = simulated.scenario.days * 24
    for hour in range(hours + 1):
        moment = simulated.scenario.start + hour * _HOUR + _HOUR / 2
        quiet = hour < hours and is_quiet(sender.limits.quiet, moment)
        if quiet and begun is None:
            begun = hour
        elif not quiet and begun is not None:
            yield begun, hour
            begun = None
