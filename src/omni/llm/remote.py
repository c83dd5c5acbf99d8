"""What the judges with a server have in common: their bounds, and how they say what went wrong."""

from __future__ import annotations

MAX_ANSWER_CHARS = 64_000
"""What is longer cannot be a verdict: it is cut off, and reading stops."""

CONNECT_S = 10.0
HEALTH_S = 10.0
_PASSING_STATUS = frozenset({408, 409, 425, 429})


def is_refusal(status: int) -> bool:
    """Tell whether an HTTP status says no for good, so that asking again cannot help."""
    return 400 <= status < 500 and status not in _PASSING_STATUS


def one_line(said: object) -> str:
    """Return what a server or a package said, as one short line."""
    return " ".join(str(said).split())[:200]
