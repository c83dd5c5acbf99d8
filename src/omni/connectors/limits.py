"""How long a server asks to be left alone, read from what it answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

MAX_ASKED_S = 86_400.0
"""The longest wait that is believed, in seconds: a reset in the year 2099 means "not today"."""

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_EPOCH_S = 1_000_000_000
_EPOCH_MS = 100_000_000_000
_RESETS = ("ratelimit-reset", "x-ratelimit-reset")
_MAX_BODY = 10_000
_REMAINING = ("ratelimit-remaining", "x-ratelimit-remaining")


class _Limited(msgspec.Struct):
    retry_after_ms: float | None = None


def asked_wait(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that an answer asks us to wait before the next request.

    `Retry-After` counts on every answer but success, where it means other things. A reset of the
    rate limit counts only where the limit stands in the way: on 429, or where nothing is left.

    Args:
        status: HTTP status of the answer.
        headers: Its headers, names in lower case.
        now: The present moment, aware.

    Returns:
        0 to `MAX_ASKED_S`; None where the server asks for nothing that can be understood.
    """
    asked = None if status < 300 else seconds_until(headers.get("retry-after"), now)
    if asked is None and (status == 429 or _nothing_remains(headers)):
        asked = next((s for s in (seconds_until(headers.get(n), now) for n in _RESETS) if s), None)
    return asked


def wait_in_body(status: int, body: bytes) -> float | None:
    """Return the seconds that the body of a 429 names.

    Matrix' way (`M_LIMIT_EXCEEDED`, in milliseconds): before version 1.10 of its specification
    there was no header for it.

    Returns:
        0 to `MAX_ASKED_S`; None where it names none.
    """
    if status != 429 or len(body) > _MAX_BODY:
        return None
    try:
        asked = msgspec.json.decode(body, type=_Limited).retry_after_ms
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if asked is None else _bounded(asked / 1000)


def seconds_until(value: str | None, now: datetime) -> float | None:
    """Read a delay in seconds, epoch seconds or milliseconds, an ISO 8601 or an HTTP date.

    Returns:
        Seconds from `now`, 0 to `MAX_ASKED_S` (a moment that has passed is 0); None if unreadable.
    """
    text = (value or "").strip()
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number < _EPOCH_S:
            return min(number, MAX_ASKED_S)
        seconds = number / 1000 if number >= _EPOCH_MS else number
        return _bounded(seconds - now.timestamp())
    moment = _read_date(text)
    return None if moment is None else _bounded((moment - now).total_seconds())


def _nothing_remains(headers: Mapping[str, str]) -> bool:
    return any(headers.get(name, "").strip() == "0" for name in _REMAINING)


def _read_date(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_ASKED_S)
