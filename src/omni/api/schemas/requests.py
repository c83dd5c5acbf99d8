"""What callers send: every body refuses unknown fields, and says how each field must be."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)
from pydantic.config import JsonDict

from omni.campaigns.types import CampaignStatus, MessageWriter
from omni.crawl.plan import MAXIMA, MINIMA
from omni.jobs.types import CrawlConfig
from omni.leads.types import Scope

MAX_ID = 2**63 - 1
USUAL = CrawlConfig()
Decision = Literal["accepted", "rejected"]
TimetableKind = Literal[
    "crawl.refresh",
    "dispatch.dm",
    "dispatch.follow_up",
    "dispatch.reconcile",
    "feedback.sweep",
    "weights.update",
]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def printable(text: str) -> str:
    """Refuse text with control characters."""
    if _CONTROL.search(text):
        raise ValueError("has control characters: remove them")
    return text


def _one_line(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise ValueError("has line breaks: write it in one line")
    return printable(text)


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(_one_line),
]
"""One line of text, 1 to 300 characters."""

Prose = Annotated[str, StringConstraints(max_length=8_000), AfterValidator(printable)]
"""Text of at most 8,000 characters; line breaks are welcome."""

EXAMPLE_CRITERIA: JsonDict = {
    "all": [
        {"field": "followers", "op": "between", "value": [200, 50_000]},
        {"field": "hashtags", "op": "contains any", "value": ["opensource", "python"]},
        {"not": {"field": "is_bot", "op": "=", "value": True}},
    ]
}
EXAMPLE_CAMPAIGN: JsonDict = {
    "name": "Maintainers of open source",
    "brief": "People who maintain open-source Python tools and talk about it.",
    "criteria": EXAMPLE_CRITERIA,
    "threshold": 0.6,
    "shortlist_size": 50,
    "message_template": "Hi {{ name }}, your work on open source caught my eye.",
}


class _In(BaseModel):
    """A request body: unknown fields are refused, so that a typing error is never silent."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


CallLimit = Annotated[
    int | None,
    Field(ge=0, le=10_000_000, description="The most calls of a model in a day of UTC; null: any"),
]
CostLimit = Annotated[
    float | None,
    Field(
        ge=0,
        le=1_000_000,
        description="The most that a day's calls may cost, in the currency of OMNI_LLM_PRICES; "
        "null: any",
    ),
]

JudgeShare = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        description="The share of a shortlist that is judged, drawn by chance; 0: no model is "
        "called for the campaign, and the rest goes on",
    ),
]


class FollowUpModel(_In):
    """A message that follows the one before it, if nobody has replied."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    delay_hours: int = Field(ge=1, le=24 * 90, description="After the one before was sent")
    template: Prose = Field(min_length=1, description="As message_template")


FollowUps = Annotated[list[FollowUpModel], Field(max_length=5)]


class CampaignIn(_In):
    """A new campaign: whom to look for, and what to write to them."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_CAMPAIGN]})

    name: Line
    brief: Prose = Field(default="", description="In your words, whom you look for; judges read it")
    criteria: dict[str, Any] = Field(
        description="`all`, `any`, `not` and `{field, op, value}`; GET /criteria/fields has the "
        "fields and their operators"
    )
    threshold: float = Field(
        default=0.6, ge=0, le=1, description="The least verdict score that makes a lead"
    )
    shortlist_size: int = Field(
        default=50, ge=1, le=10_000, description="The most people that one qualification judges"
    )
    message_template: Prose = Field(default="", description="Jinja2; see the README for its names")
    writer: MessageWriter = Field(
        default="template",
        description="`model`: a model writes along the template, and only what the verdict quotes",
    )
    follow_ups: FollowUps = Field(default_factory=list[FollowUpModel])
    daily_call_limit: CallLimit = None
    daily_cost_limit: CostLimit = None
    judge_share: JudgeShare = 1.0


class CampaignPatch(_In):
    """Changes to a campaign; what is left out, or null, stays as it is.

    Only a daily limit that is null is lifted.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"criteria": EXAMPLE_CRITERIA}]})

    name: Line | None = None
    brief: Prose | None = None
    criteria: dict[str, Any] | None = None
    status: CampaignStatus | None = None
    threshold: float | None = Field(default=None, ge=0, le=1)
    shortlist_size: int | None = Field(default=None, ge=1, le=10_000)
    message_template: Prose | None = None
    writer: MessageWriter | None = None
    follow_ups: FollowUps | None = None
    daily_call_limit: CallLimit = None
    daily_cost_limit: CostLimit = None
    judge_share: JudgeShare | None = None


class CrawlConfigIn(_In):
    """Bounds of one crawl: it stops at the first that it reaches. They hold over all its runs."""

    max_profiles: int = Field(
        default=USUAL.max_profiles,
        ge=MINIMA.max_profiles,
        le=MAXIMA.max_profiles,
        description="The most people that it looks at",
    )
    max_pages: int = Field(
        default=USUAL.max_pages,
        ge=MINIMA.max_pages,
        le=MAXIMA.max_pages,
        description="The most pages of people that it reads, all lists together",
    )
    max_depth: int = Field(
        default=USUAL.max_depth,
        ge=MINIMA.max_depth,
        le=MAXIMA.max_depth,
        description="0: the seed's own people; 1: also the followers of each; and so on",
    )
    max_breadth: int = Field(
        default=USUAL.max_breadth,
        ge=MINIMA.max_breadth,
        le=MAXIMA.max_breadth,
        description="The most people that it takes from the followers of each person",
    )
    max_bytes: int = Field(
        default=USUAL.max_bytes,
        ge=MINIMA.max_bytes,
        le=MAXIMA.max_bytes,
        description="Bytes of the platform's answers, unpacked, that it reads",
    )
    max_seconds: int = Field(
        default=USUAL.max_seconds,
        ge=MINIMA.max_seconds,
        le=MAXIMA.max_seconds,
        description="Seconds that it walks; waiting in the queue does not count",
    )


class DiscoverIn(_In):
    """Where to begin to look for people."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"platform": "synthetic", "seed_type": "search", "seed_value": "open source"}
            ]
        }
    )

    platform: Line
    seed_type: Line = Field(description="GET /platforms has the seed types of each platform")
    seed_value: Line
    crawl_config: CrawlConfigIn = CrawlConfigIn()


class CrawlJobIn(_In):
    """A crawl, asked of the crawler service itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "seed_type": "search",
                    "seed_value": "open source",
                    "crawl_config": {"max_profiles": 10},
                }
            ]
        }
    )

    seed_type: Line
    seed_value: Line
    crawl_config: CrawlConfigIn = CrawlConfigIn()
    platform: Line | None = Field(default=None, description="The service's own default if left out")
    campaign_id: int | None = Field(default=None, ge=1, le=MAX_ID)


class QualifyIn(_In):
    """How many people to judge now."""

    limit: int | None = Field(
        default=None, ge=1, le=10_000, description="The campaign's shortlist_size if left out"
    )


class JobIn(_In):
    """A job of the timetable that shall not wait for its time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "feedback.sweep"}]})

    kind: TimetableKind
    campaign_id: int | None = Field(
        default=None, ge=1, le=MAX_ID, description="For weights.update, and for it alone"
    )

    @model_validator(mode="after")
    def _campaign_where_it_counts(self) -> JobIn:
        if (self.kind == "weights.update") != (self.campaign_id is not None):
            raise ValueError("campaign_id goes with weights.update, and with nothing else")
        return self


class FeedbackIn(_In):
    """A person's decision on a lead."""

    kind: Decision


class ApproveIn(_In):
    """Approval of exactly the text that was read: `body_hash` as the message shows it."""

    body_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class SettleIn(_In):
    """What a person found out about a message that may or may not have arrived."""

    arrived: StrictBool = Field(description="Whether the platform shows it")


class MessagePatch(_In):
    """A new text; it voids an approval.

    `body_hash`, of the text that was read, keeps it from taking the place of another's.
    """

    body_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    body: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=8_000),
        AfterValidator(printable),
    ]


class PauseIn(_In):
    """Why an account is paused."""

    reason: Line = "paused by a person"


class SuppressionIn(_In):
    """Someone who must not be written to, by any campaign: a person unless `scope` says more."""

    scope: Scope = "person"
    platform: Line | None = Field(
        default=None, description="Of a person, unless their link says it, and of a platform"
    )
    platform_id: Line | None = Field(
        default=None,
        description="The immutable id (DID, account URL, mxid), the username, or a profile's link",
    )
    domain: Line | None = Field(default=None, description="It holds for all below it, too")
    reason: Line = "asked for by a person"
