"""How many requests at a time, and how many a second, one host gets. Pure.

Additive increase, multiplicative decrease, as in TCP's congestion control (Chiu and Jain 1989;
RFC 5681), with growing latency as a sign of its own (as in TCP Vegas, Brakmo 1994): what the host
cannot take cuts the pace at once, and it comes back little by little. The requests that were under
way when it was cut do not cut it again. Time is an argument: seconds of a clock that never goes
back.
"""

from __future__ import annotations

from math import exp, inf

TOO_MANY_CUT = 0.5
FAILURE_CUT = 0.7
SLOWNESS_CUT = 0.85
RATE_CUT = 0.7
LEAST_RATE = 0.2
"""Requests a second that every host gets, whatever it says (a pause that it asks for is kept)."""

_GROWTH = 0.1  # of one place, for each round of answers to all places
_RATE_GROWTH = 0.03  # of the rate, for each second; faster below what the host took before
_RATE_REGROWTH = 0.3
_RATE_FORGOTTEN = 4.0  # a rate that has grown so often beyond its cut no longer binds
_FLOW_S = 2.0
_KNOWN_FLOW = 10  # answers from which on the flow says something
_SLOW_FACTOR = 2.0
_SLOW_SLACK_S = 0.05
_SLOWEST_SHARE = 0.25  # of the places: slowness alone takes no more than the rest
_RECENT = 0.2
_USUAL = 0.01


class Pace:
    """The pace at which one host is asked.

    Args:
        most: The most requests at a time, at which it begins.
    """

    __slots__ = (
        "_answers", "_cut_at", "_cut_rate", "_first_at", "_flow", "_flow_at", "_most", "_next_at",
        "_rate_at", "_recent_s", "_usual_s", "places", "rate",
    )  # fmt: skip

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self.places = float(most)
        self.rate = inf
        self._cut_at = -inf
        self._cut_rate = inf
        self._rate_at = 0.0
        self._next_at = -inf
        self._answers = 0
        self._usual_s = 0.0
        self._recent_s = 0.0
        self._first_at = -inf
        self._flow = 0.0
        self._flow_at = -inf

    @property
    def concurrency(self) -> int:
        """The most requests at a time, at least 1."""
        return max(1, int(self.places))

    @property
    def is_slowed(self) -> bool:
        """Whether the host gets less than it could have."""
        return self.places < self._most or self.rate < inf

    def delay(self, now: float) -> float:
        """Take the next place in the rate; return the seconds until it comes."""
        if self.rate == inf:
            return 0.0
        begin = max(now, self._next_at)
        self._next_at = begin + 1 / self.rate
        return begin - now

    def answered(self, began: float, now: float) -> None:
        """Note a good answer to a request that began at `began`."""
        self._count(now)
        if self.rate < inf:
            self._quicken(now)
        if self._is_slow(now - began):
            if self.places > self._most * _SLOWEST_SHARE:
                self._cut(began, now, SLOWNESS_CUT)
        elif self.places < self._most:
            self.places = min(self._most, self.places + _GROWTH / self.places)

    def refused(self, began: float, now: float) -> None:
        """Note that the host said "too many": fewer at a time, and fewer a second than it took."""
        alone = self.concurrency == 1
        if not self._cut(began, now, TOO_MANY_CUT):
            return
        if self._answers < _KNOWN_FLOW and not alone:
            return  # perhaps it is only too many at a time
        self._cut_rate = min(self.flow(now) or 1.0, self.rate)
        self.rate = max(LEAST_RATE, self._cut_rate * RATE_CUT)
        self._rate_at = self._next_at = now

    def failed(self, began: float, now: float) -> None:
        """Note that the host failed: 5xx, no answer in time, or the connection broke."""
        self._cut(began, now, FAILURE_CUT)

    def flow(self, now: float) -> float:
        """Return the good answers a second, of about the last two seconds."""
        if self._flow_at == -inf:
            return 0.0
        # Without the divisor a young average would read as a slow host.
        seen = 1 - exp(-max(now - self._first_at, 0.05) / _FLOW_S)
        return self._flow * exp(-(now - self._flow_at) / _FLOW_S) / seen

    def _count(self, now: float) -> None:
        if self._flow_at == -inf:
            self._first_at = now
            self._flow = 1 / _FLOW_S
        else:
            self._flow = self._flow * exp((self._flow_at - now) / _FLOW_S) + 1 / _FLOW_S
        self._flow_at = now

    def _quicken(self, now: float) -> None:
        growth = _RATE_GROWTH if self.rate > self._cut_rate * 0.9 else _RATE_REGROWTH
        self.rate *= 1 + growth * min(now - self._rate_at, 1.0)
        self._rate_at = now
        if self.rate > self._cut_rate * _RATE_FORGOTTEN:
            self.rate = self._cut_rate = inf

    def _is_slow(self, took_s: float) -> bool:
        """Tell whether answers take clearly longer than they usually do.

        Both averages see the same mix of quick and slow paths; the usual one follows a lasting
        change after some hundred answers, so that a host that became slower for good is not held
        down.
        """
        self._answers += 1
        recently, usually = self._recent_s, self._usual_s
        recently += max(_RECENT, 1 / self._answers) * (took_s - recently)
        usually += max(_USUAL, 1 / self._answers) * (took_s - usually)
        self._recent_s, self._usual_s = recently, usually
        return recently > usually * _SLOW_FACTOR + _SLOW_SLACK_S

    def _cut(self, began: float, now: float, factor: float) -> bool:
        """Cut the places, unless the request is older than the last cut."""
        if began < self._cut_at:
            return False
        self._cut_at = now
        self.places = max(1.0, self.places * factor)
        return True
