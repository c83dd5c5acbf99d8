"""Models of accounts: their limits, how they are doing, and why nothing is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from omni.api.schemas.requests import Line

_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
_Given = ConfigDict(extra="forbid")
_Answer = ConfigDict(from_attributes=True)


def _clock(minutes: object) -> object:
    return f"{minutes // 60:02}:{minutes % 60:02}" if isinstance(minutes, int) else minutes


WallTime = Annotated[str, BeforeValidator(_clock), Field(pattern=_CLOCK, examples=["21:30"])]
"""A time of day on the wall of the account's zone."""

Weekday = Annotated[int, Field(ge=1, le=7)]


class AccountIn(BaseModel):
    """An identity that messages are sent from. It is verified at its platform before it is kept."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "platform": "synthetic",
                    "handle": "me",
                    "hourly_limit": 10,
                    "daily_limit": 50,
                    "gap_s": 60,
                    "jitter_s": 30,
                    "zone": "Europe/Paris",
                    "quiet_from": "20:00",
                    "quiet_to": "09:00",
                    "quiet_days": [6, 7],
                }
            ]
        },
    )

    platform: Line
    handle: Line
    secret: SecretStr | None = Field(
        default=None, max_length=4_000, description="Stored encrypted, never shown again"
    )
    hourly_limit: int = Field(default=10, ge=0, le=10_000, description="In any 60 minutes")
    daily_limit: int = Field(default=50, ge=0, le=100_000, description="In any 24 hours")
    weekly_limit: int | None = Field(
        default=None, ge=0, le=700_000, description="In any 7 days; null: seven times the daily one"
    )
    gap_s: int = Field(default=0, ge=0, le=86_400, description="Seconds between two messages")
    jitter_s: int = Field(
        default=0, ge=0, le=14_400, description="Each message waits up to so many seconds longer"
    )
    warmup_from: datetime | None = Field(
        default=None,
        description="When its warm-up begins: now, if left out; null, said expressly: no warm-up",
    )
    warmup_first: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Its first day's limit; left out: a tenth of `daily_limit`, at least 1",
    )
    warmup_days: int = Field(default=14, ge=1, le=365, description="Until its own limit holds")
    zone: Line = Field(
        default="UTC",
        description="IANA name: quiet hours go by it, and by the person's clock where known",
    )
    quiet_from: WallTime = "00:00"
    quiet_to: WallTime = Field(default="00:00", description="As quiet_from: no quiet hours")
    quiet_days: list[Weekday] = Field(default=[], max_length=6, description="1 is Monday")

    @model_validator(mode="after")
    def _limits_agree(self) -> AccountIn:
        if self.daily_limit < self.hourly_limit:
            raise ValueError("daily_limit is below hourly_limit: raise it, or lower hourly_limit")
        return self


class AccountPatch(BaseModel):
    """New limits of an account; what is left out stays as it is."""

    model_config = _Given

    hourly_limit: int | None = Field(default=None, ge=0, le=10_000)
    daily_limit: int | None = Field(default=None, ge=0, le=100_000)
    weekly_limit: int | None = Field(default=None, ge=0, le=700_000)
    gap_s: int | None = Field(default=None, ge=0, le=86_400)
    jitter_s: int | None = Field(default=None, ge=0, le=14_400)
    warmup_from: datetime | None = Field(default=None, description="Null ends the warm-up")
    warmup_first: int | None = Field(default=None, ge=1, le=100_000)
    warmup_days: int | None = Field(default=None, ge=1, le=365)
    zone: Line | None = None
    quiet_from: WallTime | None = None
    quiet_to: WallTime | None = None
    quiet_days: list[Weekday] | None = Field(default=None, max_length=6)


class SecretIn(BaseModel):
    """A new token or app password."""

    model_config = _Given

    secret: SecretStr = Field(min_length=1, max_length=4_000)


class AccountOut(BaseModel):
    """An identity that messages are sent from; its secret is never shown."""

    model_config = _Answer

    id: int
    platform: str
    handle: str
    platform_id: str | None = Field(description="Who it is, as its platform said")
    hourly_limit: int
    daily_limit: int
    weekly_limit: int
    gap_s: int
    jitter_s: int
    warmup_from: datetime | None
    warmup_first: int
    warmup_days: int
    zone: str
    quiet_from: WallTime
    quiet_to: WallTime
    quiet_days: list[int]
    verified_at: datetime | None
    status: Literal["active", "paused"]
    pause_reason: str | None
    paused_by: Literal["person", "harm", "credentials"] | None
    paused_at: datetime | None
    resumed_at: datetime | None
    last_ok_at: datetime | None
    last_error_at: datetime | None
    last_error: str | None
    created_at: datetime


class TriesOut(BaseModel):
    """What became of its last messages, at most 200, since a person last resumed it."""

    model_config = _Answer

    tried: int
    errors: int = Field(description="Refused by the platform, or in doubt")
    sent: int
    blocked: int
    opted_out: int
    bounced: int
    awaited: int = Field(description="Sent more than 48 hours ago")
    delivered: int = Field(description="Those of them that are known to have arrived")


class AccountNow(BaseModel):
    """An account and what it may do at this moment.

    `gate` names what makes it wait and `next_at` until when; both are null where it may send.
    """

    model_config = _Answer

    account: AccountOut
    gate: str | None
    next_at: datetime | None
    help: str | None = Field(description="What a person can do about the gate")
    in_hour: int = Field(description="Messages that count against the hourly limit now")
    in_day: int
    in_week: int
    daily_cap: int = Field(description="The daily limit of now, the warm-up included")
    tries: TriesOut


class HeldOut(BaseModel):
    """Messages that one gate holds."""

    model_config = _Answer

    platform: str
    gate: str
    messages: int = Field(description="Counted up to 10,000 in each state")
    account_id: int | None = Field(description="The account that it is about, if it is about one")
    next_eligible: datetime | None = Field(description="Null: time alone does not help")
    help: str = Field(description="What a person can do about it")


class CampaignHeld(BaseModel):
    """Why nothing is sent: every waiting message of a campaign, by the one gate that holds it."""

    campaign_id: int
    items: list[HeldOut]
    due: int = Field(description="Approved messages that wait for nothing but an account")
    in_conversation: int = Field(
        default=0,
        description="Leads, of the best 10,000, that get no first message: they have written to "
        "us, or another campaign has written to them",
    )
    finish: datetime | None = Field(
        description="When all that is approved on their platforms is out; null: never, or none is"
    )
