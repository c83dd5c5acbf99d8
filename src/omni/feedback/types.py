"""What came back, matched to whom it concerns, and what must follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from omni.connectors.types import EventKind

REPLY_KINDS: frozenset[EventKind] = frozenset(
    {"replied", "interested", "not_interested", "opt_out"}
)
"""A person has written back. An automatic reply (`out_of_office`) is none of these."""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """A new row of `feedback_events`.

    Attributes:
        platform_id: Whom it is from, known even if no message matches.
        campaign_id: Of the message that it answers; None if we never wrote to this person.
    """

    id: int
    event_id: str
    kind: EventKind
    platform: str
    platform_id: str
    campaign_id: int | None
    lead_id: int | None
    profile_id: int | None
    message_id: int | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Suppress:
    """A person who must not be written to again, by anybody."""

    platform: str
    platform_id: str
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """A person whose waiting messages, in all campaigns, must not go out."""

    platform: str
    platform_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Consequences:
    """What must be written in the transaction that records the events."""

    replied_leads: tuple[int, ...]
    suppress: tuple[Suppress, ...]
    cancel: tuple[Cancel, ...]
