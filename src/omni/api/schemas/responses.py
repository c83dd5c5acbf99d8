"""What callers get.

Times are UTC in ISO 8601; scores and confidences are between 0 and 1; ids are positive integers,
those of jobs are UUIDs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from omni.api.schemas.requests import FollowUpModel
from omni.campaigns.types import CampaignStatus, MessageWriter
from omni.jobs.types import JobState
from omni.leads.types import Scope

LeadState = Literal["new", "accepted", "rejected", "contacted", "replied", "withdrawn"]
MessageState = Literal[
    "pending", "approved", "claimed", "sending", "sent", "failed", "ambiguous", "cancelled"
]
Item = TypeVar("Item")


class _Out(BaseModel):
    """A response body."""

    model_config = ConfigDict(from_attributes=True)


class FieldError(_Out):
    """One mistake in a request: `field` is its place, such as `criteria.all[2].value`."""

    field: str
    detail: str


class Problem(_Out):
    """An error, as RFC 9457 has it (`application/problem+json`)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    field: str | None = None
    errors: list[FieldError] = Field(default_factory=list[FieldError])


class Page(_Out, Generic[Item]):
    """One page of a list; ask again with `cursor=next_cursor` until that is null."""

    items: list[Item]
    next_cursor: str | None


class NoteOut(_Out):
    """Something that is no mistake in form, but hardly meant."""

    path: str
    kind: Literal["contradiction", "tautology", "doubt"]
    text: str


class CampaignOut(_Out):
    """A campaign; `criteria` is canonical, `english` says it in words, `weights` are by signal.

    `notes` tell what of the criteria is hardly meant, such as what nobody can fulfil.
    """

    id: int
    name: str
    brief: str
    criteria: dict[str, Any]
    criteria_hash: str
    english: str
    notes: list[NoteOut] = Field(default_factory=list[NoteOut])
    status: CampaignStatus
    threshold: float
    shortlist_size: int
    message_template: str
    writer: MessageWriter = "template"
    follow_ups: list[FollowUpModel] = Field(default_factory=list[FollowUpModel])
    autopilot_cap: int | None = None
    autopilot_since: datetime | None = None
    autopilot_off_because: str | None = Field(
        default=None, description="Why it went off by itself; a person who sets it clears it"
    )
    autopilot_off_at: datetime | None = None
    daily_call_limit: int | None = None
    daily_cost_limit: float | None = None
    judge_share: float = 1.0
    weights: dict[str, float]
    weights_version: int
    created_at: datetime
    updated_at: datetime


class JobAccepted(_Out):
    """Work that was written down; `status_url` follows it."""

    job_id: UUID
    kind: str
    queue: str
    campaign_id: int | None
    status_url: str


class JobOut(_Out):
    """A row of the job ledger."""

    id: UUID
    kind: str
    queue: str
    args: dict[str, Any]
    campaign_id: int | None
    state: JobState
    run_at: datetime
    attempts: int
    max_attempts: int
    cancel_requested: bool
    progress: dict[str, Any] | None
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ReasonOut(_Out):
    """A criterion, and the words of the profile that speak for or against it."""

    criterion: str
    evidence: str


class LeadOut(_Out):
    """A person whom a campaign qualified, and why.

    `platform_id` is immutable; `profile_url` is where people look at the profile, and null where
    the platform has no such page. `later_score` and `later_qualified` are of a verdict that came
    after a person's decision: it changes nothing by itself.
    """

    id: int
    campaign_id: int
    profile_id: int
    platform: str
    platform_id: str
    profile_url: str | None
    username: str
    display_name: str | None
    score: float
    confidence: float | None
    reasons: list[ReasonOut]
    state: LeadState
    decided_at: datetime | None
    created_at: datetime
    updated_at: datetime
    later_score: float | None = None
    later_qualified: bool | None = None


class LeadChangeOut(_Out):
    """Something that became of a lead; `later` is a verdict that came after a person's decision."""

    cause: str
    old_state: LeadState | None
    new_state: LeadState
    old_score: float | None
    new_score: float
    changed_at: datetime


class Funnel(_Out):
    """How many people got how far; each number is a count of rows, taken at one moment.

    `judged` and `qualified` say what holds now; the later ones also what was. Changed criteria, a
    changed brief or profile take people out of `judged` until they are judged again, while leads
    stay until a verdict says otherwise, and those decided on, or written to, stay for good.
    So `leads` may be more than `qualified`.
    """

    discovered: int = Field(description="People whom the campaign's crawls found")
    candidates: int = Field(description="People who fulfil the criteria now")
    judged: int = Field(
        description="Candidates with a verdict under the present criteria, brief and prompt, on "
        "their profile as it is now"
    )
    qualified: int = Field(
        description="Those whose newest such verdict says yes, at or above the threshold"
    )
    leads: int = Field(description="New, accepted, rejected, contacted and replied leads")
    contacted: int = Field(description="People who were written to, however often")
    replied: int = Field(description="Leads that have written back")


class StatusOut(_Out):
    """Where a campaign stands."""

    campaign_id: int
    status: CampaignStatus
    funnel: Funnel
    leads: dict[str, int]
    messages: dict[str, int]
    open_jobs: dict[str, int]


class MessageOut(_Out):
    """A message to one person.

    `held_by` names the one gate that holds it, and an approved one is not tried before
    `eligible_at`. In a list, `held_by` is the gate at this moment, and `next_eligible` when it
    opens, null where time alone does not help. `body_hash` covers recipient and text, and is what
    an approval is bound to. `claims` are what a model's text says of the person, each with the
    words of the profile.
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
    state: MessageState
    held_by: str | None
    eligible_at: datetime | None
    account_id: int | None
    error: str | None
    created_at: datetime
    approved_at: datetime | None
    sent_at: datetime | None
    writer: str = "template"
    claims: list[dict[str, str]] = Field(default_factory=list[dict[str, str]])
    approved_by: str | None = None
    edited_at: datetime | None = None
    next_eligible: datetime | None = None


class SuppressionOut(_Out):
    """Someone who must not be written to; `*` stands for any platform, or anybody of it."""

    id: int
    scope: Scope
    platform: str
    platform_id: str
    reason: str
    source: str
    created_at: datetime


class Suppressed(_Out):
    """What a suppression did: `added` is false where it stood already."""

    platform: str
    platform_id: str
    added: bool
    cancelled_messages: int


class SeedTypeOut(_Out):
    """A kind of seed: whom it leads to, what its value is, and such a value."""

    name: str
    about: str
    example: str


class PlatformOut(_Out):
    """A platform, and where a crawl may begin there: nowhere, if it is not crawled.

    `seeds` has what people are told of the seed types, the most useful first.
    """

    platform: str
    seed_types: list[str]
    seeds: list[SeedTypeOut]


class CriteriaField(_Out):
    """A feature that criteria may ask about."""

    name: str
    kind: Literal["number", "date", "boolean", "enumeration", "text", "array"]
    label: str
    doc: str
    operators: list[str]


class Health(_Out):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class Ready(_Out):
    """The process can do its work: what it needs answers."""

    status: Literal["ready"] = "ready"
    checks: dict[str, str]
