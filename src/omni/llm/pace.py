"""How many calls a server takes at a time, and when to leave it alone: decided from values.

The limit follows the gradient of the latency, as in Netflix' concurrency-limits (Gradient2): as
long as answers take about as long as the fastest of late, there is room for more; when they queue,
their latency grows and the limit shrinks; a fault halves it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from random import Random

TOLERANCE = 1.5
"""So many times the fastest latency of late is still taken for an answer that did not queue."""
_SMOOTHING = 0.4
_FORGETTING = 1.0002
_LEAST_GRADIENT = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """How many calls may be under way.

    Attributes:
        limit: Its whole part counts; between 1 and what the settings allow.
        fastest_s: Seconds of the fastest answer of late; None before the first.
    """

    limit: float
    fastest_s: float | None = None


def after_answer(pace: Pace, seconds: float, in_flight: int, most: int) -> Pace:
    """Return the pace after an answer.

    Args:
        pace: The pace until then.
        seconds: How long the answer took.
        in_flight: Calls that were under way, this one included.
        most: The most that the settings allow.
    """
    known = seconds if pace.fastest_s is None else pace.fastest_s * _FORGETTING
    fastest = max(min(known, seconds), 1e-6)
    gradient = max(_LEAST_GRADIENT, min(1.0, TOLERANCE * fastest / max(seconds, 1e-6)))
    aim = pace.limit * gradient + sqrt(pace.limit) / 2
    limit = pace.limit + _SMOOTHING * (aim - pace.limit)
    if limit > pace.limit and in_flight < int(pace.limit):
        limit = pace.limit  # nobody has tried what it may take already
    return Pace(min(max(limit, 1.0), float(most)), fastest)


def after_fault(pace: Pace) -> Pace:
    """Return the pace after a call that failed."""
    return replace(pace, limit=max(1.0, pace.limit / 2))


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether a server is left alone.

    Attributes:
        in_a_row: Faults since the last answer.
        open_until: Before this moment of the monotonic clock nothing is asked; 0 while closed.
        probing: One call is under way to find out whether the server is back.
    """

    in_a_row: int = 0
    open_until: float = 0.0
    probing: bool = False


OPENS_AFTER = 5
"""So many faults in a row open the breaker."""
_FIRST_REST_S = 5.0
_LONGEST_REST_S = 60.0


def rest_left(breaker: Breaker, now: float) -> float:
    """Return the seconds for which the server is still to be left alone; 0 where it may be asked.

    After its rest one call goes first, and the others wait for how that ends.
    """
    if not breaker.open_until:
        return 0.0
    left = breaker.open_until - now
    return max(left, 1.0 if breaker.probing else 0.0)


def begun(breaker: Breaker) -> Breaker:
    """Return the breaker after a call was begun."""
    return replace(breaker, probing=bool(breaker.open_until))


def closed(breaker: Breaker) -> Breaker:
    """Return the breaker after an answer."""
    return Breaker()


def struck(breaker: Breaker, now: float, *, asked_s: float | None = None) -> Breaker:
    """Return the breaker after a fault.

    Args:
        breaker: The breaker until then.
        now: Moment of the monotonic clock.
        asked_s: Seconds for which the server asked to be left alone, if it did.
    """
    in_a_row = breaker.in_a_row + 1
    if in_a_row < OPENS_AFTER:
        return Breaker(in_a_row)
    doublings = min(in_a_row - OPENS_AFTER, 6)
    rest = min(_LONGEST_REST_S, max(asked_s or 0.0, _FIRST_REST_S * 2**doublings))
    return Breaker(in_a_row, now + rest)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a passing fault is tried again.

    Attributes:
        attempts: Calls in all, the first included.
        base_s: Seconds before the second attempt; doubled each time, then scattered by half.
        longest_s: The most seconds between two attempts.
    """

    attempts: int = 3
    base_s: float = 0.5
    longest_s: float = 8.0

    def pause(self, attempt: int, rng: Random, *, asked_s: float | None = None) -> float | None:
        """Return the seconds to wait after attempt number `attempt` (1 is the first).

        Returns:
            None to give up: the attempts are spent, or the server asks for a longer wait.
        """
        if attempt >= self.attempts or (asked_s or 0.0) > self.longest_s:
            return None
        scattered = min(self.longest_s, self.base_s * 2 ** (attempt - 1)) * rng.uniform(0.5, 1.5)
        return max(scattered, asked_s or 0.0)
