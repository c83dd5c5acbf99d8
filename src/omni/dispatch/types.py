"""Accounts, messages, and the gates that may hold a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from omni.connectors.types import Receipt

AccountStatus = Literal["active", "paused"]
PausedBy = Literal["person", "harm", "credentials"]
MessageState = Literal[
    "pending", "approved", "claimed", "sending", "sent", "failed", "ambiguous", "cancelled"
]

LEAD_REJECTED: Final = "lead rejected"
"""Why a message was cancelled that comes back when its lead is accepted after all."""


class Gate(StrEnum):
    """What holds a message, in the words that a person reads."""

    APPROVAL = "approval"
    DOUBT = "perhaps sent"
    SUPPRESSED = "suppressed"
    RECIPIENT = "recipient"
    LEAD = "lead withdrawn or rejected"
    CONVERSATION = "already in conversation"
    CAMPAIGN = "campaign not active"
    NO_SENDER = "no sender"
    NO_ACCOUNT = "no account"
    ACCOUNT = "account paused"
    CREDENTIALS = "account credentials"
    HARM = "account paused for harm"
    SENDER = "another account writes to them"
    COOLDOWN = "written to recently"
    CLOCK = "clock set back"
    QUIET = "quiet hours"
    RECIPIENT_QUIET = "quiet hours where they are"
    NO_HOUR = "no hour suits both"
    GAP = "gap between messages"
    HOURLY = "hourly limit"
    DAILY = "daily limit"
    WEEKLY = "weekly limit"
    WARMUP = "warm-up"
    JITTER = "random delay"
    NEXT_RUN = "next run"
    PLATFORM = "platform unavailable"
    PERSON = "a person"


StandstillKind = Literal["campaign", "template", "no model", "model down", "budget"]
"""Why nobody is drafted for."""


@dataclass(frozen=True, slots=True)
class Account:
    """A sending identity. Its secret is never here: `credentials` decrypts it for one use.

    Attributes:
        hourly_limit: The most messages in any 60 minutes; `daily_limit` in any 24 hours, and
            `weekly_limit` in any 7 days.
        gap_s: The least seconds between two messages; `jitter_s` the most that are added to any
            wait.
        warmup_from: When its warm-up began; None: it has none.
        quiet_from: Minutes after midnight in its `zone`, until `quiet_to`.
        quiet_days: 1 for Monday to 7 for Sunday.
        platform_id: Who it is, as the platform said when it was verified.
        pause_reason: Why it is paused, in words; `paused_by` is who did it.
        resumed_at: When a person last let it send on: what went wrong before no longer counts.
        last_error: What the platform, or this program, last had to say against it.
    """

    id: int
    platform: str
    handle: str
    hourly_limit: int
    daily_limit: int
    weekly_limit: int
    gap_s: int
    jitter_s: int
    warmup_from: datetime | None
    warmup_first: int
    warmup_days: int
    zone: str
    quiet_from: int
    quiet_to: int
    quiet_days: tuple[int, ...]
    platform_id: str | None
    verified_at: datetime | None
    status: AccountStatus
    pause_reason: str | None
    paused_by: PausedBy | None
    paused_at: datetime | None
    resumed_at: datetime | None
    last_ok_at: datetime | None
    last_error_at: datetime | None
    last_error: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Pacing:
    """The limits of an account as a person sets them; see `Account` for what each of them means."""

    hourly_limit: int = 10
    daily_limit: int = 50
    weekly_limit: int | None = None
    gap_s: int = 0
    jitter_s: int = 0
    warmup_from: datetime | None = None
    warmup_first: int = 5
    warmup_days: int = 14
    zone: str = "UTC"
    quiet_from: int = 0
    quiet_to: int = 0
    quiet_days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the ledger of messages: one for each person, campaign and step.

    Attributes:
        platform_id: The person, immutable; `username` is what people read.
        body_hash: SHA-256 of recipient and text: what an approval is bound to.
        held_by: The one gate that holds it, in words.
        eligible_at: An approved message is not tried before this moment.
        error: Why it failed, is ambiguous or was cancelled.
        writer: Who wrote the text: `template`, `model` or `person`.
        claims: What a model's text says of the person: `{"claim", "quote"}` each, and the quote
            stands in the profile.
        approved_by: `person` or `autopilot`.
        edited_at: When a person changed the text.
        bound_account_id: The account that wrote to this person first: only it may send this.
    """

    id: int
    campaign_id: int
    lead_id: int | None
    profile_id: int | None
    platform: str
    platform_id: str
    username: str
    step: int
    body: str
    body_hash: str
    approved_hash: str | None
    state: MessageState
    held_by: str | None
    eligible_at: datetime | None
    account_id: int | None
    platform_message_id: str | None
    error: str | None
    created_at: datetime
    approved_at: datetime | None
    claimed_at: datetime | None
    sending_at: datetime | None
    sent_at: datetime | None
    writer: str = "template"
    claims: Sequence[Mapping[str, Any]] = ()
    approved_by: str | None = None
    edited_at: datetime | None = None
    bound_account_id: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gates ask about one message, read in one statement.

    Attributes:
        lead_closed: Its lead was withdrawn or rejected: the campaign no longer wants this person.
        in_conversation: They have written to us, or another campaign has written to them.
        other_sender: The account that wrote to them first, if it is not the one that asks.
        written_at: When they were last written to, by any account and campaign.
        country: Where they say that they are, as ISO 3166-1 has it; `place` is a city or region.
    """

    suppressed: bool
    refuses: bool
    lead_closed: bool
    in_conversation: bool
    campaign_active: bool
    account_active: bool
    other_sender: int | None = None
    written_at: datetime | None = None
    country: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """When an account may send next.

    Attributes:
        at: The first moment; None is never (a limit of 0).
        gate: What makes it wait; None if it may send now.
    """

    at: datetime | None
    gate: Gate | None


@dataclass(frozen=True, slots=True)
class Charge:
    """One use of an account's allowance.

    Attributes:
        at: When it was recorded: at the wire or later.
        in_flight: Not recorded yet: it may reach the wire at any moment from now on.
    """

    at: datetime
    in_flight: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call of a platform means for the message.

    Attributes:
        state: `approved` if the platform surely took nothing for a reason that passes.
        error: Why it is not `sent`, in words.
        gate: With `approved`: what holds it now.
        eligible_at: With `approved`: when this message is tried again.
        lane_resumes_at: With `approved`: when this account may try another one; None: not by time.
    """

    state: Literal["sent", "failed", "ambiguous", "approved"]
    error: str | None = None
    platform_message_id: str | None = None
    gate: Gate | None = None
    eligible_at: datetime | None = None
    lane_resumes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lookback:
    """What one look for an ambiguous message in its thread means.

    Attributes:
        end: It was `sent`, is looked for again `later`, or a `person` has to say.
        receipt: With `sent`: what the thread showed.
        look_at: With `later`: when.
        counts: With `later`: whether the thread was read; else this was no look.
        note: With `person`: what was tried, in words.
    """

    end: Literal["sent", "later", "person"]
    receipt: Receipt | None = None
    sent_at: datetime | None = None
    look_at: datetime | None = None
    counts: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What one run of reconciling did.

    Attributes:
        found: Messages that their threads show: they were sent.
        later: Messages that are looked for again.
        to_person: Messages that a person has to decide on.
    """

    found: int
    later: int
    to_person: int


@dataclass(frozen=True, slots=True)
class LaneEnd:
    """Why an account can do no more in this run.

    Attributes:
        gate: What stops it; None if nothing was due, or the run came to its bound.
        at: When it may go on; None if time alone does not help, or nothing was due.
    """

    platform: str
    gate: Gate | None
    at: datetime | None
    account_id: int = 0


@dataclass(frozen=True, slots=True)
class DispatchReport:
    """What one run of dispatch did.

    Attributes:
        recovered: Messages that a lost run had left: claims given back, sendings now ambiguous.
        held: Approved messages that did not go, and pending ones, by gate; counted up to a bound.
        next_eligible: When an account may send on; None if no due message waits for an account.
        contacted_lead_ids: Leads that were written to and are not marked as contacted yet.
    """

    sent: int
    failed: int
    ambiguous: int
    recovered: int
    held: Mapping[str, int]
    next_eligible: datetime | None
    contacted_lead_ids: tuple[int, ...]
