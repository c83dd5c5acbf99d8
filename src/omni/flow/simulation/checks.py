"""What must hold, checked against what reached the wire, by means that the plans do not share."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from omni.dispatch.pacing import most_sends
from omni.dispatch.pacing_types import Limits
from omni.dispatch.plan import CONVERSATION, COOLDOWN, LOST_AFTER
from omni.dispatch.types import Message
from omni.flow.simulation.types import Call, Check, Person, Sender, Simulated

MOST_TOLD = 5
"""So many breaches of one invariant are told; more would say no more."""

_NEVER = 2**62
_SETTLED = ("sent", "failed", "ambiguous", "cancelled")
_VISITED_WITHIN = timedelta(hours=2) + LOST_AFTER


def check_all(simulated: Simulated) -> tuple[Check, ...]:
    """Return every invariant, with what broke it."""
    return tuple(_checked(name, find(simulated)) for name, find in _INVARIANTS.items())


def _checked(name: str, found: Iterator[str | None]) -> Check:
    looked_at, broken_by = 0, list[str]()
    for breach in found:
        looked_at += 1
        if breach is not None and len(broken_by) < MOST_TOLD:
            broken_by.append(breach)
    return Check(name, looked_at, tuple(broken_by))


def accepted(simulated: Simulated) -> list[Call]:
    """Return the calls that the platform took, or perhaps took, as they went out."""
    return sorted(
        (call for call in simulated.trace.calls if call.taken != "no"), key=lambda c: c.wire_at
    )


def windows_of(limits: Limits) -> list[tuple[str, timedelta, int]]:
    """Return an account's limits: the name, the window, and the most in any such window."""
    gap = [("gap", limits.gap, 1)] if limits.gap else []
    return [
        *gap,
        ("hour", timedelta(hours=1), limits.hourly),
        ("day", timedelta(hours=24), limits.daily),
        ("week", timedelta(days=7), limits.weekly),
    ]


def most_in_any(window: timedelta, moments: Sequence[datetime]) -> int:
    """Return the most moments in any window (t - window, t]."""
    ordered = sorted(moments)
    most = first = 0
    for last, end in enumerate(ordered):
        while ordered[first] <= end - window:
            first += 1
        most = max(most, last - first + 1)
    return most


def _windows(simulated: Simulated) -> Iterator[str | None]:
    """By true time at the wire, and by what the workers' clocks showed at the gate."""
    readings: tuple[tuple[str, Callable[[Call], datetime]], ...] = (
        ("at the wire", lambda call: call.wire_at),
        ("by the clock", lambda call: call.read_at),
    )
    for sender, own in by_sender(simulated):
        for name, window, limit in windows_of(sender.limits):
            for where, moment in readings:
                most = most_in_any(window, [moment(call) for call in own])
                breach = f"{sender.account.handle}: {most} in a {name} {where}, allowed are {limit}"
                yield breach if most > limit else None


def by_sender(simulated: Simulated) -> Iterator[tuple[Sender, list[Call]]]:
    """Yield each account with what it sent, as it went out."""
    calls = accepted(simulated)
    for sender in simulated.scenario.senders:
        yield sender, [call for call in calls if call.account_id == sender.account.id]


def _warming_up(simulated: Simulated) -> Iterator[str | None]:
    """By the n-th day of a warm-up, the n-th part of the way to the full limit is allowed."""
    for sender, own in by_sender(simulated):
        warmup, moments = sender.limits.warmup, [call.wire_at for call in own]
        if warmup is None:
            continue
        for place, call in enumerate(own):
            day = (call.read_at - warmup.begins).days
            most = warmup.first + (sender.limits.daily - warmup.first) * day / warmup.days
            within = place + 1 - bisect_right(moments, call.wire_at - timedelta(hours=24))
            early = day < warmup.days and within > most
            yield f"{sender.account.handle}: {within} by day {day}" if early else None


def _quiet(simulated: Simulated) -> Iterator[str | None]:
    """By the clock on the wall, also on the days on which it is changed."""
    for sender, own in by_sender(simulated):
        quiet = sender.limits.quiet
        zone, silent = ZoneInfo(quiet.zone), set(_minutes(quiet.starts, quiet.ends))
        for call in own:
            wall = call.read_at.astimezone(zone)
            breach = wall.isoweekday() in quiet.days or wall.hour * 60 + wall.minute in silent
            yield f"{sender.account.handle} sent at {wall}" if breach else None


def _asleep(simulated: Simulated) -> Iterator[str | None]:
    """By clocks where the person may be; the account's quiet hours are meant for them, too."""
    for sender, own in by_sender(simulated):
        quiet = sender.limits.quiet
        silent = set(_minutes(quiet.starts, quiet.ends))
        for call in own:
            country = simulated.scenario.country_of(call.person)
            walls = [call.read_at.astimezone(ZoneInfo(z)) for z in _CLOCKS.get(country or "", ())]
            breach = any(
                wall.isoweekday() in quiet.days or wall.hour * 60 + wall.minute in silent
                for wall in walls
            )
            yield f"{call.person} of {country} at {call.read_at}" if breach else None


_CLOCKS = {
    "BR": ("America/Noronha", "America/Sao_Paulo", "America/Manaus", "America/Rio_Branco"),
    "DE": ("Europe/Berlin",),
    "IN": ("Asia/Kolkata",),
    "JP": ("Asia/Tokyo",),
    "US": ("America/New_York", "America/Denver", "America/Phoenix", "Pacific/Honolulu"),
}
"""Clocks of countries that scenarios know, written down apart from the plans' own table."""


def _minutes(starts: int, ends: int) -> Iterator[int]:
    """Yield the minutes of a day from one to before another, over midnight if need be."""
    while starts != ends:
        yield starts
        starts = (starts + 1) % 1_440


def _unwilling(simulated: Simulated) -> Iterator[str | None]:
    for call in simulated.trace.calls:
        told = f"{call.person} takes no messages"
        yield told if call.person in simulated.trace.unwilling else None


def _twice(simulated: Simulated) -> Iterator[str | None]:
    calls = Counter((c.person, c.campaign_id, c.step) for c in accepted(simulated))
    for (person, campaign_id, step), count in calls.items():
        where = f"step {step} of campaign {campaign_id}"
        yield f"{person} got {where} {count} times" if count > 1 else None


def _suppressed(simulated: Simulated) -> Iterator[str | None]:
    suppressed = simulated.trace.suppressed
    for call in simulated.trace.calls:
        late = call.order > suppressed.get(call.person, _NEVER)
        yield f"{call.person} was suppressed before {call.gate_at}" if late else None


def _stopped(simulated: Simulated) -> Iterator[str | None]:
    replied = simulated.trace.replied
    for call in simulated.trace.calls:
        late = call.order > replied.get(call.person, _NEVER)
        yield f"{call.person} had answered before {call.gate_at}" if late else None


def _one_sender(simulated: Simulated) -> Iterator[str | None]:
    first: dict[Person, int] = {}
    for call in accepted(simulated):
        another = first.setdefault(call.person, call.account_id) != call.account_id
        yield f"{call.person} was written to by two accounts" if another else None


def _cooled_down(simulated: Simulated) -> Iterator[str | None]:
    last: dict[Person, datetime] = {}
    for call in accepted(simulated):
        before = last.get(call.person)
        early = before is not None and call.wire_at - before < COOLDOWN
        yield f"{call.person} was written to twice within {COOLDOWN}" if early else None
        last[call.person] = call.wire_at


def _conversation(simulated: Simulated) -> Iterator[str | None]:
    last: dict[Person, Call] = {}
    for call in accepted(simulated):
        before = last.get(call.person)
        other = before is not None and before.campaign_id != call.campaign_id
        early = other and before is not None and call.wire_at - before.wire_at < CONVERSATION
        yield f"{call.person} was written to by two campaigns" if early else None
        last[call.person] = call


def _paused(simulated: Simulated) -> Iterator[str | None]:
    for pause in simulated.trace.pauses:
        end = _NEVER if pause.to_order is None else pause.to_order
        during = [
            call
            for call in simulated.trace.calls
            if pause.from_order < call.order < end
            and pause.id == (call.account_id if pause.kind == "account" else call.campaign_id)
        ]
        yield f"{pause.kind} {pause.id} sent while it was paused" if during else None


def _approved(simulated: Simulated) -> Iterator[str | None]:
    for call in simulated.trace.calls:
        right = simulated.trace.approved(call.message_id, call.order) == call.text_hash
        yield None if right else f"message {call.message_id} went out unapproved"


def _ended(simulated: Simulated) -> Iterator[str | None]:
    for message in simulated.messages:
        if message.approved_at is None:
            continue
        if message.state in _SETTLED or message.held_by:
            yield None
            continue
        touched = max(
            at for at in (message.approved_at, message.claimed_at, message.eligible_at) if at
        )
        forgotten = simulated.ended_at - touched > _VISITED_WITHIN
        name = f"message {message.id} is {message.state}, and no gate is named"
        yield name if forgotten else None


def _true(simulated: Simulated) -> Iterator[str | None]:
    """The ledger says `sent` of what was taken, and of nothing else."""
    taken: dict[int, list[str]] = defaultdict(list)
    for call in simulated.trace.calls:
        taken[call.message_id].append(call.taken)
    for message in simulated.messages:
        calls = taken[message.id]
        yield None if _tells(message, calls) else f"message {message.id}: {message.state}, {calls}"


def _tells(message: Message, calls: Sequence[str]) -> bool:
    match message.state:
        case "sent":
            return calls.count("yes") == 1
        case "ambiguous" | "sending":
            return True
        case _:
            return "yes" not in calls and "perhaps" not in calls


def utilisation(simulated: Simulated) -> dict[str, float]:
    """Return which share of what each account may send in this time it has sent."""
    start, end = simulated.scenario.start, simulated.ended_at
    return {
        sender.account.handle: len(own) / max(most_sends(sender.limits, (), start, end), 1)
        for sender, own in by_sender(simulated)
    }


_INVARIANTS: dict[str, Callable[[Simulated], Iterator[str | None]]] = {
    "no window of any account holds more than its limit": _windows,
    "no warm-up is hurried": _warming_up,
    "nothing goes out in quiet hours or on quiet days": _quiet,
    "nobody is written to in quiet hours where they are": _asleep,
    "nobody gets a step twice": _twice,
    "nobody who is suppressed is written to": _suppressed,
    "nobody who takes no messages is written to": _unwilling,
    "nobody who has answered gets another step": _stopped,
    "one account writes to a person, and no other one": _one_sender,
    "nobody is written to again before they had time to answer": _cooled_down,
    "no campaign takes over another one's conversation": _conversation,
    "what is paused sends nothing": _paused,
    "what goes out was approved, word by word": _approved,
    "what was approved has ended, or names the gate that holds it": _ended,
    "the ledger says sent of what was taken, and of nothing else": _true,
}
