"""What to do after a try over HTTP: pure decisions from values; time and chance are given."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from omni.connectors.exchange import Fault

Verdict = Literal["fine", "redirect", "final", "passing"]

_PASSING_STATUS = frozenset({408, 425, 429})
_NOT_TAKEN_STATUS = frozenset({425, 429})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long one request is tried; all times in seconds.

    Attributes:
        tries: The most tries, the first included.
        base_s: Upper bound of the first backoff; it doubles with each try.
        backoff_cap_s: Upper bound of any backoff.
        wait_cap_s: The longest wait that a server may ask for and get by sleeping; a longer one
            is handed to the caller as `Transient(retry_after=…)`.
        total_s: No try begins later than this after the first.
    """

    tries: int = 4
    base_s: float = 0.5
    backoff_cap_s: float = 8.0
    wait_cap_s: float = 20.0
    total_s: float = 90.0


def judge_status(status: int, *, conditional: bool = False) -> Verdict:
    """Tell what a status means for the request that got it.

    Args:
        status: The HTTP status.
        conditional: Whether the request takes "not modified" for an answer.
    """
    if 200 <= status < 300 or (conditional and status == 304):
        return "fine"
    if status in _REDIRECTS:
        return "redirect"
    return "passing" if status >= 500 or status in _PASSING_STATUS else "final"


def surely_not_taken(fault: Fault) -> bool:
    """Tell whether a request that failed so cannot have had an effect at the server."""
    return not fault.sent or fault.status in _NOT_TAKEN_STATUS


def next_wait(
    policy: RetryPolicy, *, attempt: int, elapsed_s: float, asked_s: float | None, rng: Random
) -> float | None:
    """Decide how long to wait before the next try.

    A wait that the server asked for is kept in full, with a little chance added so that waiting
    requests do not return as one; otherwise it is exponential backoff with full jitter.

    Args:
        policy: The bounds.
        attempt: Tries made so far; 0 only while the host is paused by what others were told.
        elapsed_s: Seconds since the first try began.
        asked_s: What the server asked for, if it did.
        rng: The source of chance.

    Returns:
        Seconds to sleep; None to give up.
    """
    if attempt >= policy.tries:
        return None
    if asked_s:
        if asked_s > policy.wait_cap_s:
            return None
        wait = asked_s + rng.uniform(0, min(1.0, asked_s / 10))
    else:
        wait = rng.uniform(0, min(policy.backoff_cap_s, policy.base_s * 2 ** (attempt - 1)))
    return wait if elapsed_s + wait <= policy.total_s else None
