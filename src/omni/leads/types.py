"""Leads: people whom a verdict qualified, and those who must not be written to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

LeadState = Literal["new", "accepted", "rejected", "contacted", "replied", "withdrawn"]

LEAD_STATES: tuple[LeadState, ...] = (
    "new", "accepted", "rejected", "contacted", "replied", "withdrawn",
)  # fmt: skip

PROFILE_URLS = {
    "bluesky": "https://bsky.app/profile/",
    "mastodon": "",
    "matrix": "https://matrix.to/#/",
    "web": "",
}
"""Where people look at a profile: the immutable id follows, which may be the whole address itself.
Platforms without one are left out; so is an address that is none of HTTP."""


def profile_url(platform: str, platform_id: str) -> str | None:
    """Return where people look at a profile; None where there is no such page."""
    base = PROFILE_URLS.get(platform)
    url = None if base is None else base + platform_id
    return url if url and url.startswith(("https://", "http://")) else None


@dataclass(frozen=True, slots=True)
class Lead:
    """A person whom a campaign qualified.

    Attributes:
        platform_id: The immutable id: whom to write to.
        score_id: The verdict that it comes from.
        reasons: `{"criterion", "evidence"}` each; the evidence stands in the profile.
        state: `new` until a person decides or a message goes out; `withdrawn` when the person
            no longer fits before that.
        decided_at: When a person accepted or rejected it.
        later_score: Of a verdict that came after that; it changes nothing by itself.
        later_qualified: What that verdict says.
    """

    id: int
    campaign_id: int
    profile_id: int
    platform: str
    platform_id: str
    username: str
    display_name: str | None
    score_id: int
    score: float
    confidence: float | None
    reasons: list[dict[str, Any]]
    state: LeadState
    decided_at: datetime | None
    created_at: datetime
    updated_at: datetime
    later_score: float | None = None
    later_qualified: bool | None = None


@dataclass(frozen=True, slots=True)
class LeadChange:
    """Something that became of a lead.

    Attributes:
        cause: `verdict`, `withdrawal`, `decision`, `message`, `reply`, or `later`: a verdict that
            came after a person's decision and changed nothing.
        old_state: None where the person became a lead.
        new_score: Of `later` what the new verdict says.
    """

    cause: str
    old_state: LeadState | None
    new_state: LeadState
    old_score: float | None
    new_score: float
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class LeadPage:
    """A page of leads as the caller gets it.

    Attributes:
        items: A JSON array, built by Postgres and passed through unread.
        next_after: Score and id of its last lead, where the next page begins; None at the end.
    """

    items: bytes
    next_after: tuple[float, int] | None


@dataclass(frozen=True, slots=True)
class LeadReport:
    """What a promotion did.

    Attributes:
        new: People who became leads.
        updated: Leads that got another verdict, those that came back from `withdrawn` included.
        withdrawn: Leads whose person no longer fits.
        judged_later: Leads that a person decided before, and that were left as they are.
    """

    new: int = 0
    updated: int = 0
    withdrawn: int = 0
    judged_later: int = 0


Scope = Literal["person", "domain", "platform", "all"]


@dataclass(frozen=True, slots=True)
class Suppression:
    """Someone who must not be written to, by any campaign; only a person lifts it.

    Attributes:
        scope: Whom it concerns.
        platform: `*` of a domain and of all.
        platform_id: A person's immutable id or username; the domain; `*` of a platform and of all.
    """

    id: int
    scope: Scope
    platform: str
    platform_id: str
    reason: str
    source: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Lift:
    """A suppression that a person took back."""

    platform: str
    platform_id: str
    reason: str
    source: str
    suppressed_at: datetime
    lifted_because: str
    lifted_at: datetime
