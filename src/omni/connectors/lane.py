"""All that is known of one host: its places, its pace, its circuit, and what was counted."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from math import inf

from omni.connectors.breaker import Breaker
from omni.connectors.exchange import Fault
from omni.connectors.gate import Gate
from omni.connectors.pace import Pace
from omni.connectors.types import HostMetrics, HostState

_LATENCIES = 256
_HOST_FAILURES = frozenset({"unreachable", "timeout", "reset"})
_OTHERS_FAULTS = frozenset({"proxy", "paused", "open"})


class Lane:
    """The way to one host; times are seconds of the event loop's clock.

    Args:
        name: The host, with its port.
        places: The most requests at a time.
    """

    __slots__ = (
        "_latencies", "answers", "breaker", "bytes_in", "errors", "gate", "last_error", "limited",
        "name", "pace", "requests", "until",
    )  # fmt: skip

    def __init__(self, name: str, places: int) -> None:
        self.name = name
        self.gate = Gate(places)
        self.pace = Pace(places)
        self.breaker = Breaker()
        self.requests = 0
        self.limited = 0
        self.bytes_in = 0
        self.errors: Counter[str] = Counter()
        self.last_error: str | None = None
        self.until = 0.0
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)

    @property
    def is_idle(self) -> bool:
        """Whether nobody is in it or waits for it."""
        return not self.gate.held and not self.gate.waiting

    def check(self, now: float) -> None:
        """Return if a request may go as far as the circuit is concerned.

        Raises:
            Fault: `open`, with the seconds to wait.
        """
        if wait := self.breaker.wait_s(now):
            raise self._open(wait)

    async def enter(self) -> None:
        """Take a place and wait for the pace; `leave` gives it back.

        Raises:
            Fault: `open`: the circuit opened meanwhile.
        """
        loop = asyncio.get_running_loop()
        await self.gate.enter()
        try:
            if self.pace.rate < inf and (delay := self.pace.delay(loop.time())) > 0:
                await asyncio.sleep(delay)
            if not self.breaker.admit(loop.time()):
                raise self._open(self.breaker.wait_s(loop.time()))
        except BaseException:
            self.gate.leave()
            raise

    def leave(self) -> None:
        """Give the place back."""
        self.gate.leave()

    def answered(self, status: int, began: float, now: float, size: int) -> None:
        """Note an answer, whatever it says."""
        self.requests += 1
        self.bytes_in += size
        self._latencies.append(now - began)
        if status == 429:
            self.limited += 1
            self.pace.refused(began, now)
            self.breaker.worked()
        elif status >= 500:
            self._failed(f"status {status}", began, now)
        else:
            self.pace.answered(began, now)
            self.breaker.worked()
        self.gate.places = self.pace.concurrency

    def failed(self, fault: Fault, began: float, now: float, size: int) -> None:
        """Note that there was no answer, or none that could be taken."""
        self.requests += 1
        self.bytes_in += size
        if fault.kind in _HOST_FAILURES:
            self._failed(fault.kind, began, now)
            self.gate.places = self.pace.concurrency
            return
        if fault.kind not in _OTHERS_FAULTS:
            self.breaker.worked()
        self.errors[fault.kind] += 1
        self.last_error = fault.kind
        self.breaker.given_up()

    def ended_early(self) -> None:
        """Note that an admitted request was given up before anything could be told."""
        self.breaker.given_up()

    def metrics(self, now: float, paused_s: float) -> HostMetrics:
        """Return what was counted and how the lane stands."""
        ordered = sorted(self._latencies)
        wait_s = max(paused_s, self.breaker.wait_s(now))
        return HostMetrics(
            host=self.name,
            state=self._state(now, paused_s),
            requests=self.requests,
            limited=self.limited,
            bytes_in=self.bytes_in,
            errors=dict(self.errors),
            last_error=self.last_error,
            p50_ms=_percentile(ordered, 50),
            p95_ms=_percentile(ordered, 95),
            in_flight=self.gate.held,
            waiting=self.gate.waiting,
            concurrency=self.gate.places,
            rate_limit=None if self.pace.rate == inf else self.pace.rate,
            rate=self.pace.flow(now),
            next_try_s=wait_s,
        )

    def _state(self, now: float, paused_s: float) -> HostState:
        circuit = self.breaker.state(now)
        if circuit != "closed":
            return circuit
        if paused_s:
            return "paused"
        return "slowed" if self.pace.is_slowed else "ok"

    def _failed(self, kind: str, began: float, now: float) -> None:
        self.errors[kind] += 1
        self.last_error = kind
        self.pace.failed(began, now)
        self.breaker.failed(now)

    def _open(self, wait_s: float) -> Fault:
        message = f"{self.name} failed too often and rests for {wait_s:.0f} s"
        return Fault("open", message, asked_s=wait_s or None, sent=False)


def _percentile(ordered: list[float], percent: int) -> float | None:
    """Return a percentile in milliseconds."""
    if not ordered:
        return None
    return 1_000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
