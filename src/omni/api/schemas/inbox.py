"""Models of the inbox: conversations, what replies mean, and events by signed webhook."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from omni.api.schemas.requests import Line, Prose
from omni.api.schemas.responses import MessageOut
from omni.connectors.types import EventKind
from omni.feedback.types import ClassedBy
from omni.leads.types import Scope

PersonId = Annotated[
    str, StringConstraints(min_length=1, max_length=600, pattern=r"^[^\x00-\x1f\x7f]+$")
]
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,49}$")]
ReplyClass = Literal[
    "replied", "interested", "not_interested", "out_of_office", "opt_out", "blocked", "bounced",
    "converted",
]  # fmt: skip
"""What a person may say that a reply is."""


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class ThreadOut(_Out):
    """A person who wrote back to one of our accounts.

    `kind` is what the newest event says, `next_step` what a person would best do now.
    """

    id: int
    platform: str
    platform_id: str
    username: str
    account_id: int
    account: str
    campaign_id: int | None
    lead_id: int | None
    profile_id: int | None
    kind: EventKind
    classed_by: ClassedBy
    last_event_id: int
    last_at: datetime
    last_text: str | None
    unread: bool
    suppressed: bool
    waiting: str | None = Field(description="The state of a message that has not gone out yet.")
    next_step: str


class UnreadOut(_Out):
    """How many conversations wait to be looked at."""

    unread: int


class SaidOut(_Out):
    """One entry of a conversation: a message of `ours`, or an event that came back."""

    ours: bool
    id: int
    kind: str = Field(description="A message's state, or what an event says.")
    text: str | None
    at: datetime
    campaign_id: int | None
    step: int | None
    classed_by: ClassedBy | None
    error: str | None


class ClassChangeOut(_Out):
    """An event was taken for something else."""

    event_id: int
    old_kind: EventKind
    new_kind: EventKind
    classed_by: ClassedBy
    note: str | None
    changed_at: datetime


class StandingOut(_Out):
    """A suppression that concerns a person."""

    id: int
    scope: Scope
    platform: str
    platform_id: str
    reason: str
    source: str
    created_at: datetime


class ConversationOut(_Out):
    """A conversation in full, the oldest entry first, of the newest 500.

    `follows` says in sentences what the program does next for this person, `open` has the messages
    that may go out to them yet, whichever campaign or account they are of.
    """

    thread: ThreadOut
    said: list[SaidOut]
    classes: list[ClassChangeOut]
    suppressions: list[StandingOut]
    open: list[MessageOut]
    follows: list[str]


class ReplyIn(_In):
    """What a person of ours answers; it waits for approval like every message."""

    body: Prose


class ClassIn(_In):
    """What an event is, says a person."""

    kind: ReplyClass
    note: Line | None = None


class EventOut(_Out):
    """Something that came back."""

    id: int
    kind: EventKind
    classed_by: ClassedBy
    platform: str
    platform_id: str
    campaign_id: int | None
    lead_id: int | None
    message_id: int | None
    occurred_at: datetime


class WebhookEventIn(_In):
    """Something that came back to the user's own sender."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(
        description="Stable: handing it in again is a no-op."
    )
    kind: EventKind
    platform_id: PersonId
    text: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    occurred_at: datetime | None = None
    in_reply_to: Annotated[str, StringConstraints(max_length=500)] | None = Field(
        default=None, description="The receipt's id of the message that it answers."
    )


class DeliveryIn(_In):
    """Events, as one signed delivery has them."""

    events: Annotated[list[WebhookEventIn], Field(min_length=1, max_length=500)]


class DeliveryOut(_Out):
    """What a delivery brought: events that are new, and those that were known."""

    recorded: int
    known: int


class WebhookSourceIn(_In):
    """Somebody who may hand in events for an account."""

    name: SourceName
    account_id: int = Field(ge=1)


class WebhookSourceOut(_Out):
    """A source of signed events; its secret is shown once, when it is made."""

    id: int
    name: str
    account_id: int
    platform: str
    handle: str
    created_at: datetime
    last_taken_at: datetime | None
    last_refused_at: datetime | None
    last_refusal: str | None


class WebhookSourceMade(WebhookSourceOut):
    """A new source, with the secret that it signs with."""

    secret: str | None = Field(
        description="In the first answer alone; null where an Idempotency-Key gives it again"
    )


class LiftIn(_In):
    """Why a suppression is taken back."""

    because: Line


class LiftOut(_Out):
    """A suppression that a person took back."""

    platform: str
    platform_id: str
    reason: str
    source: str
    suppressed_at: datetime
    lifted_because: str
    lifted_at: datetime


class BadLine(_Out):
    """A line that was not taken, and why."""

    line: int
    what: str


class SuppressionFileOut(_Out):
    """What a file of suppressions brought. Sending it again goes on: what stands is a no-op."""

    lines: int
    added: int
    known: int
    bad: int
    problems: list[BadLine] = Field(description="The first 100 lines that were not taken.")
    cancelled_messages: int


class ConcernedOut(_Out):
    """How many messages wait for those whom a suppression would concern."""

    messages: int = Field(description="Approved, or waiting to be approved")
    more: bool = Field(description="More wait than the 10,000 of each kind that were looked at")
