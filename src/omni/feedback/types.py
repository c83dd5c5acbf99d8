"""What came back, matched to whom it concerns, and what must follow from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from omni.connectors.types import EventKind

ClassedBy = Literal["platform", "rules", "model", "person"]
"""Who said what a reply means."""

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
    classed_by: ClassedBy = "rules"


@dataclass(frozen=True, slots=True)
class Suppress:
    """A person who must not be written to again, by anybody."""

    platform: str
    platform_id: str
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """A person whose waiting messages, in all campaigns, must not go out.

    Attributes:
        replied: They have written back: no further step goes to them, whoever's it is.
        for_good: Also what a person of ours has written to them by hand does not go out.
    """

    platform: str
    platform_id: str
    reason: str
    replied: bool = True
    for_good: bool = False


@dataclass(frozen=True, slots=True)
class Consequences:
    """What must be written in the transaction that records the events."""

    replied_leads: tuple[int, ...]
    suppress: tuple[Suppress, ...]
    cancel: tuple[Cancel, ...]


@dataclass(frozen=True, slots=True)
class Doors:
    """What other rooms write for an event, handed in by whoever opens the transaction.

    Attributes:
        mark_replied: `(tx, lead_ids, now)` of the leads.
        suppress: `(tx, platform=, platform_id=, reason=, source=, now=)` of the leads.
        cancel: `(tx, platform=, platform_id=, reason=, replied=, for_good=, now=)` of dispatch.
        note_answer: `(tx, platform=, platform_id=, kind=, at=, now=)` of dispatch: how the account
            does, which pauses where it does harm.
    """

    mark_replied: Callable[..., Awaitable[object]]
    suppress: Callable[..., Awaitable[object]]
    cancel: Callable[..., Awaitable[object]]
    note_answer: Callable[..., Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Thread:
    """A person who wrote back to one of our accounts.

    Attributes:
        kind: What the newest event says.
        last_text: Its words, cut to a bound.
        suppressed: Nobody may write to them.
        waiting: The state of a message to them that has not gone out yet; None: there is none.
    """

    id: int
    platform: str
    platform_id: str
    account_id: int
    account: str
    username: str
    campaign_id: int | None
    lead_id: int | None
    profile_id: int | None
    kind: EventKind
    last_event_id: int
    last_at: datetime
    unread: bool
    last_text: str | None
    classed_by: ClassedBy
    suppressed: bool
    waiting: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """One entry of a conversation.

    Attributes:
        ours: A message of ours; else something that came back.
        id: Of the message, or of the event.
        kind: A message's state, or what an event says.
        text: The words; None where there are none.
        classed_by: Of an event: who said what it means.
    """

    ours: bool
    id: int
    kind: str
    text: str | None
    at: datetime
    campaign_id: int | None
    step: int | None
    classed_by: ClassedBy | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ClassChange:
    """A reply was taken for something else."""

    event_id: int
    old_kind: EventKind
    new_kind: EventKind
    classed_by: ClassedBy
    note: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Unclear:
    """A reply to a campaign of which the rules say no more than that it is one."""

    id: int
    campaign_id: int
    profile_id: int | None
    body: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked: the task, the data, and the JSON Schema of the answer."""

    system: str
    user: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WebhookSource:
    """Who may hand in events for an account; its secret is never here."""

    id: int
    name: str
    account_id: int
    platform: str
    handle: str
    created_at: datetime
    last_taken_at: datetime | None
    last_refused_at: datetime | None
    last_refusal: str | None
