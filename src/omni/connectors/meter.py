"""Counts what the HTTP requests of a piece of work cost, wherever in it they are made.

    with meter() as spent:
        await crawl_something()
    spent.requests, spent.bytes_in

A meter holds for everything that runs inside the block, the tasks that begin in it included, by a
context variable; meters may be nested, and then each counts.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Meter:
    """What was spent so far.

    Attributes:
        requests: Requests that went out, repeated ones and those after a redirect included.
        failures: Of these, the ones that failed and might do better later.
        bytes_in: Bytes of answers' bodies, unpacked, of those cut off too.
        waited_s: Seconds of waiting for a place, for a pause and between tries, summed over all
            requests.
    """

    requests: int = 0
    failures: int = 0
    bytes_in: int = 0
    waited_s: float = 0.0


_METERS: ContextVar[tuple[Meter, ...]] = ContextVar("omni_http_meters", default=())


@contextmanager
def meter() -> Generator[Meter]:
    """Count the HTTP requests that are made inside the block."""
    outer = _METERS.get()
    spent = Meter()
    _METERS.set((*outer, spent))
    try:
        yield spent
    finally:
        # Not by the token: a generator's block may end in another context than it began in.
        _METERS.set(tuple(kept for kept in _METERS.get() if kept is not spent))


def count_request(bytes_in: int, *, failed: bool) -> None:
    """Note a request that went out."""
    for spent in _METERS.get():
        spent.requests += 1
        spent.failures += failed
        spent.bytes_in += bytes_in


def count_wait(seconds: float) -> None:
    """Note that a request waited."""
    for spent in _METERS.get():
        spent.waited_s += seconds
