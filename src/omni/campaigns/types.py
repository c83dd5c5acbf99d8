"""A campaign: whom it looks for, and how it weighs what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypedDict

from omni.predicate.types import Compiled

CampaignStatus = Literal["active", "paused", "archived"]
MessageWriter = Literal["template", "model"]
"""Who writes a campaign's messages: its template as it stands, or a model that follows it."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A message that follows another one, if nobody has replied.

    Attributes:
        delay_hours: How long after the message before it was sent.
        template: As a campaign's `message_template`.
    """

    delay_hours: int
    template: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign with its current weights.

    Attributes:
        brief: In the user's words, whom they look for and why; the judge reads it.
        criteria: Canonical JSON.
        threshold: The least verdict score (0 to 1) that makes a lead.
        weights: One for each of `omni.profiles.types.SIGNALS`.
        weights_version: 0 until the first nightly update.
        daily_call_limit: The most calls of a model in a day of UTC; None: no limit.
        daily_cost_limit_micros: The most that they may cost in a day, in millionths of the
            currency of the prices; None: no limit.
        judge_share: The share of a shortlist that is judged, drawn by chance, 0 to 1; at 0 no
            model is called, and the rest of the pipeline goes on.
        follow_ups: What is written after the first message, in order: step 1, 2, …
        autopilot_cap: The most messages that may go without a person's approval in any 24 hours;
            None: each needs one.
        autopilot_since: When a person set that.
    """

    id: int
    name: str
    brief: str
    criteria: dict[str, Any]
    criteria_hash: str
    status: CampaignStatus
    threshold: float
    shortlist_size: int
    message_template: str
    weights: tuple[float, ...]
    weights_version: int
    created_at: datetime
    updated_at: datetime
    daily_call_limit: int | None = None
    daily_cost_limit_micros: int | None = None
    judge_share: float = 1.0
    writer: MessageWriter = "template"
    follow_ups: tuple[FollowUp, ...] = ()
    autopilot_cap: int | None = None
    autopilot_since: datetime | None = None
    autopilot_off_because: str | None = None
    autopilot_off_at: datetime | None = None

    def template_of(self, step: int) -> str:
        """Return the template of a step; empty where there is none."""
        if step == 0:
            return self.message_template
        return self.follow_ups[step - 1].template if step <= len(self.follow_ups) else ""


class Version(NamedTuple):
    """Which criteria and weights a campaign has; it changes exactly when they do."""

    campaign_id: int
    criteria_hash: str
    weights_version: int


class Changes(TypedDict, total=False):
    """What may be changed of a campaign; what is left out stays."""

    name: str
    brief: str
    compiled: Compiled
    status: CampaignStatus
    threshold: float
    shortlist_size: int
    message_template: str
    daily_call_limit: int | None
    daily_cost_limit_micros: int | None
    judge_share: float
    writer: MessageWriter
    follow_ups: tuple[FollowUp, ...]
