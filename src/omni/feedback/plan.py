"""What an event from a platform is, as it may be stored: decided from values alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from omni.base.hashing import digest_bytes
from omni.connectors.types import InboxEvent
from omni.feedback.meaning import consequences as consequences
from omni.feedback.meaning import next_step as next_step
from omni.feedback.meaning import what_follows as what_follows
from omni.feedback.rules import classify as classify
from omni.feedback.signing import check_delivery as check_delivery
from omni.feedback.signing import written as written

MAX_BODY: Final = 10_000
"""The most characters of a reply that are kept."""

BEFORE: Final = timedelta(hours=1)
"""By so much a platform's clock may be behind ours, and an answer older than the account."""

_MAX_ID = 500


def read(event: InboxEvent, now: datetime) -> InboxEvent:
    """Return an event from a platform as it may be stored, its reply classed by the rules.

    A class that the platform itself gives stands. A moment in the future is the platform's error.
    """
    text = None if event.text is None else _storable(event.text)[:MAX_BODY]
    at = event.occurred_at if event.occurred_at.tzinfo else event.occurred_at.replace(tzinfo=UTC)
    return replace(
        event,
        event_id=_short_id(event.event_id),
        kind=classify(text) if event.kind == "replied" and text else event.kind,
        platform_id=_storable(event.platform_id),
        text=text,
        occurred_at=min(at, now),
        in_reply_to=event.in_reply_to and _storable(event.in_reply_to),
    )


def without_private(event: InboxEvent, since: datetime) -> InboxEvent:
    """Return an event without its words where it is older than the account is with us.

    Who wrote, and whether they asked not to be written to, counts all the same; what they said to
    the account's owner before is nobody's business here.
    """
    return event if event.occurred_at >= since - BEFORE else replace(event, text=None)


def _storable(text: str) -> str:
    """Return `text` without what Postgres or UTF-8 cannot hold."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


def _short_id(event_id: str) -> str:
    """Return the id; where it is too long to index or not storable, its digest stands for it."""
    if len(event_id) <= _MAX_ID and _storable(event_id) == event_id:
        return event_id
    return digest_bytes(event_id.encode("utf-8", "surrogatepass"))
