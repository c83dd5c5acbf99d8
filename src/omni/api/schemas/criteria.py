"""Criteria looked at before and after: previews of what they would do, explanations of what did."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from omni.api.schemas.costs import EstimateOut
from omni.api.schemas.requests import EXAMPLE_CRITERIA, MAX_ID
from omni.api.schemas.responses import NoteOut

Verdict = Literal["true", "false", "unknown"]


class PreviewIn(BaseModel):
    """Criteria, or a campaign, or a campaign with the criteria that it shall have."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"criteria": EXAMPLE_CRITERIA}]}
    )

    criteria: dict[str, Any] | None = Field(
        default=None, description="The campaign's own if left out"
    )
    campaign_id: int | None = Field(
        default=None, ge=1, le=MAX_ID, description="Says what the criteria would change there"
    )

    brief: str | None = Field(
        default=None, max_length=8_000, description="The campaign's own if left out"
    )

    @model_validator(mode="after")
    def _something(self) -> PreviewIn:
        if self.criteria is None and self.campaign_id is None:
            raise ValueError("send criteria, or a campaign_id, or both")
        return self


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class CountOut(_Out):
    """How many: exactly, or as a sample has it, with the bounds that hold 19 times out of 20."""

    value: int
    exact: bool
    low: int
    high: int


class ClauseShare(_Out):
    """What one clause alone does: shares (0 to 1) of the profiles that were looked at."""

    path: str
    field: str
    english: str
    fits: float
    unknown: float


class MatchOut(_Out):
    """Someone who fits, as an example."""

    profile_id: int
    platform: str
    username: str
    display_name: str | None
    bio: str | None
    followers: int | None


class EditOut(_Out):
    """What an edit of a campaign's criteria would do.

    Verdicts are kept by criteria and brief: another brief asks about everybody anew, other criteria
    about those whose verdict they can change; `kept` are the verdicts that they cannot. So
    `calls_next_run` is what the next qualification would pay (never more than the shortlist, and
    nothing while the campaign is paused), and `calls_in_all` what it takes until all who fit are
    judged; `estimate` says what that takes. Not paid are verdicts that these criteria had before,
    as long as the view of the person is the same, and people whose answers were refused too often:
    `judged_already`, of any model.
    """

    changes: bool
    enters: CountOut
    leaves: CountOut
    judged_already: int
    kept: int = 0
    calls_next_run: int
    calls_in_all: CountOut
    estimate: EstimateOut | None = None


class PreviewOut(_Out):
    """What criteria mean, and whom they would concern.

    `sql` is over `profile_features pf`, and `params` are bound, never written into it; `estimate`
    is the planner's, `fits` what was counted in `looked_at` of about `profiles` profiles; null
    where even that took too long.
    """

    english: str
    criteria: dict[str, Any]
    criteria_hash: str
    sql: str
    params: dict[str, Any]
    notes: list[NoteOut]
    profiles: int
    estimate: int | None
    looked_at: int
    fits: CountOut | None
    clauses: list[ClauseShare]
    matches: list[MatchOut]
    edit: EditOut | None
    took_ms: float


class StepOut(_Out):
    """A part of the criteria, and what it says of one person; `decided` tells the whole."""

    path: str
    kind: Literal["clause", "all", "any", "not"]
    english: str
    verdict: Verdict
    decided: bool
    field: str | None = None
    value: bool | int | float | datetime | str | list[str] | None = Field(
        default=None, description="Of the feature, cut; null is unknown"
    )
    parts: list[StepOut] = Field(default_factory=list["StepOut"])


class ShareOut(_Out):
    """What one signal adds to the cheap score: `share` is `value` times `weight`."""

    signal: str
    value: float
    weight: float
    share: float


class ExplainOut(_Out):
    """Why a person is, or is not, a candidate of a campaign.

    `fits` is what the present criteria say of the present features, `is_candidate` what is held;
    the two differ only while work is on its way.
    """

    campaign_id: int
    profile_id: int
    platform: str
    username: str
    fits: bool
    is_candidate: bool
    because: str
    tree: StepOut
    cheap_score: float
    stored_score: float | None
    signals: list[ShareOut]
