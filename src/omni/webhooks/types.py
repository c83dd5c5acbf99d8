"""Endpoints, deliveries, and what becomes of a call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

EventKind = Literal["lead.qualified", "message.sent", "reply.received"]
EVENT_KINDS: Final[tuple[EventKind, ...]] = ("lead.qualified", "message.sent", "reply.received")
EndpointStatus = Literal["active", "disabled"]
DeliveryState = Literal["pending", "delivered", "failed", "dropped"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Whom to tell. Its secret is never here.

    Attributes:
        disabled_because: Why nothing is sent there, in words.
        failing_since: Since when every call has failed; None while calls are taken.
        last_error: What the last failed call came to.
    """

    id: int
    url: str
    kinds: tuple[EventKind, ...]
    status: EndpointStatus
    disabled_because: str | None
    failing_since: datetime | None
    last_ok_at: datetime | None
    last_error: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint.

    Attributes:
        state: `dropped`: what it was about is gone, such as a person who was erased.
        next_at: A pending one is not tried before this moment.
    """

    endpoint_id: int
    event_id: str
    kind: EventKind
    occurred_at: datetime
    state: DeliveryState
    attempts: int
    next_at: datetime
    error: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Call:
    """A delivery that is to be made now.

    Attributes:
        attempt: 1 for the first.
        secret: Encrypted.
    """

    endpoint_id: int
    event_id: str
    kind: EventKind
    row_id: int
    occurred_at: datetime
    attempt: int
    url: str
    secret: bytes
    failing_since: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a delivery, and of its endpoint.

    Attributes:
        again_in: With `pending`: how long until the next try.
        disable: Why nothing more is to be sent to the endpoint, in words; None: go on.
    """

    state: DeliveryState
    error: str | None = None
    again_in: timedelta | None = None
    disable: str | None = None
