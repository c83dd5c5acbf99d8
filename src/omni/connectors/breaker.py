"""A circuit breaker: a host that only fails is left alone for a while, then asked once. Pure.

Time is an argument: seconds of a clock that never goes back.
"""

from __future__ import annotations

from typing import Literal

Circuit = Literal["closed", "open", "half_open"]

FAILURES_TO_OPEN = 10
FIRST_REST_S = 5.0
LONGEST_REST_S = 600.0
PROBE_WAIT_S = 1.0
"""How long those wait who come while one request tries whether the host is back."""


class Breaker:
    """The circuit to one host.

    It opens after `FAILURES_TO_OPEN` failures in a row, rests for `FIRST_REST_S`, then lets one
    request through: if that works it closes, if not it rests twice as long, to `LONGEST_REST_S`.
    """

    __slots__ = ("_failures", "_open_until", "_probing", "_rest_s")

    def __init__(self) -> None:
        self._failures = 0
        self._rest_s = 0.0
        self._open_until = 0.0
        self._probing = False

    def state(self, now: float) -> Circuit:
        """Return how the circuit stands."""
        if not self._rest_s:
            return "closed"
        return "open" if now < self._open_until else "half_open"

    def wait_s(self, now: float) -> float:
        """Return the seconds to wait before the next request may go, 0 if it may go now."""
        if not self._rest_s:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        return PROBE_WAIT_S if self._probing else 0.0

    def admit(self, now: float) -> bool:
        """Tell whether a request may go now; where the circuit is half open, it is the probe."""
        if not self._rest_s:
            return True
        if self.wait_s(now):
            return False
        self._probing = True
        return True

    def worked(self) -> None:
        """Note that the host answered as a working host does."""
        self._failures = 0
        if self._rest_s:
            self._rest_s, self._probing = 0.0, False

    def failed(self, now: float) -> None:
        """Note that the host could not be reached, broke off, or failed by its own words."""
        self._failures += 1
        if self._probing or (not self._rest_s and self._failures >= FAILURES_TO_OPEN):
            self._rest_s = min(self._rest_s * 2 or FIRST_REST_S, LONGEST_REST_S)
            self._open_until = now + self._rest_s
        self._probing = False

    def given_up(self) -> None:
        """Note that an admitted request ended without telling anything: it was cancelled."""
        self._probing = False
