"""What the planner of sending works with: limits, quiet hours, a warm-up, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Quiet:
    """When an account is silent, by the clock on the wall of its zone.

    Attributes:
        zone: An IANA name, such as `Europe/Paris`.
        starts: Minutes after midnight; quiet hours may go over midnight.
        ends: Minutes after midnight, the first that is open again; with `starts`: no quiet hours.
        days: Days that are quiet from midnight to midnight, 1 for Monday to 7 for Sunday.
    """

    zone: str = "UTC"
    starts: int = 0
    ends: int = 0
    days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Warmup:
    """A daily limit that grows: an account that is new must not begin with hundreds of messages.

    Attributes:
        begins: When the first of its days begins; each lasts 24 hours.
        first: The daily limit of the first day, at least 1.
        days: After so many days the account's own daily limit holds.
    """

    begins: datetime
    first: int
    days: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one account may send, and when; a limit of 0 sends nothing.

    Attributes:
        hourly: The most in any window of 60 minutes (t - 60 min, t]; so are the other windows.
        daily: The most in any window of 24 hours.
        weekly: The most in any window of 7 days.
        gap: The least time between two messages.
        jitter: Each message waits up to so much longer than the limits ask for.
        seed: What the jitter is drawn from, such as the account's name; the same seed and the same
            past give the same delay, in every worker.
    """

    hourly: int
    daily: int
    weekly: int
    gap: timedelta = timedelta()
    jitter: timedelta = timedelta()
    warmup: Warmup | None = None
    quiet: Quiet = Quiet()
    seed: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """When so many messages would be out under today's limits, if nothing else is sent.

    Attributes:
        first: When the first of them may go; None is never.
        finish: When the last of them may go; None is never, or later than the forecast looks.
        messages: How many of them go within what the forecast looks at.
    """

    first: datetime | None
    finish: datetime | None
    messages: int


@dataclass(frozen=True, slots=True)
class Tries:
    """What became of an account's last messages since a person last resumed it.

    Attributes:
        tried: Those that were brought to the wire and are settled, or in doubt.
        errors: Those that the platform refused, or that are in doubt.
        blocked: People who blocked the account; `opted_out` and `bounced` likewise.
        awaited: Sent so long ago that a platform that reports deliveries would have done so.
        delivered: Those of `awaited` that it reported.
    """

    tried: int
    errors: int
    sent: int
    blocked: int
    opted_out: int
    bounced: int
    awaited: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Uses:
    """How many messages count against an account's limits at a moment.

    Attributes:
        daily_cap: The daily limit that holds at that moment, the warm-up included.
    """

    in_hour: int
    in_day: int
    in_week: int
    daily_cap: int
