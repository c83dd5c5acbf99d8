"""Outgoing webhooks: endpoints, and what became of calls."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from omni.webhooks.types import EVENT_KINDS, DeliveryState, EndpointStatus, EventKind


class EndpointIn(BaseModel):
    """An address that is to be told what happens."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
    kinds: list[EventKind] = Field(
        default_factory=lambda: list(EVENT_KINDS), min_length=1, max_length=len(EVENT_KINDS)
    )


class EndpointOut(BaseModel):
    """An endpoint, without its secret.

    `failing_since` is when calls began to fail without one that was taken; after three days the
    endpoint is `disabled`, until a person enables it.
    """

    model_config = ConfigDict(from_attributes=True)

    id: int
    url: str
    kinds: list[EventKind]
    status: EndpointStatus
    disabled_because: str | None
    failing_since: datetime | None
    last_ok_at: datetime | None
    last_error: str | None
    created_at: datetime


class EndpointMade(EndpointOut):
    """A new endpoint; its secret is shown here and never again."""

    secret: str | None = Field(
        description="In the first answer alone; null where an Idempotency-Key gives it again"
    )


class ReplayIn(BaseModel):
    """A stretch of time: what happened from `since` on, and before `until` (now, if none)."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime
    until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until is not None and self.until <= self.since:
            raise ValueError("must be after since")
        return self


class Replayed(BaseModel):
    """How many events are told again; at most 100,000 a call, the oldest first."""

    events: int


class DeliveryOut(BaseModel):
    """What became of one event at one endpoint."""

    model_config = ConfigDict(from_attributes=True)

    event_id: str
    kind: EventKind
    occurred_at: datetime
    state: DeliveryState
    attempts: int
    next_at: datetime
    error: str | None
    ended_at: datetime | None
