"""When an ambiguous message is looked for in its thread, and what is noted of it: from values."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from omni.connectors.types import Receipt
from omni.dispatch.template import clean
from omni.dispatch.types import Lookback, Message

LOOKS: Final = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""How long after it was on the wire a message is looked for: platforms show things late."""

GIVE_UP: Final = timedelta(hours=24)
"""A thread that could not be read for so long is left to a person."""

_AGAIN: Final = timedelta(minutes=15)
_MAX_NOTE = 500


def was_found(receipt: Receipt, now: datetime) -> Lookback:
    """The thread shows it: it was sent, when the platform says."""
    return Lookback("sent", receipt=receipt, sent_at=min(receipt.sent_at, now))


def was_missing(message: Message, looks: int, now: datetime) -> Lookback:
    """The thread does not show it: look again later, and in the end let a person decide.

    Args:
        message: What was looked for.
        looks: How often it had been looked for before.
        now: The present moment.
    """
    began = message.sending_at or now
    if looks + 1 < len(LOOKS):
        return Lookback("later", look_at=max(began + LOOKS[looks + 1], now + LOOKS[0]))
    return _to_a_person(f"looked for {looks + 1} times: the thread does not show it")


def cannot_be_found(reason: str) -> Lookback:
    """No look will ever tell."""
    return _to_a_person(reason)


def was_unreadable(message: Message, reason: str, now: datetime) -> Lookback:
    """The thread could not be read: that says nothing, so it is read later, for a day."""
    if now - (message.sending_at or now) < GIVE_UP:
        return Lookback("later", look_at=now + _AGAIN, counts=False)
    return _to_a_person(f"its thread could not be read for a day: {reason}")


def _to_a_person(why: str) -> Lookback:
    return Lookback("person", note=clean(f"{why}; say whether it arrived")[:_MAX_NOTE])
