"""Models of what judging costs, before and after."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class EstimateOut(BaseModel):
    """What the next qualification will probably take, if every call is answered at once."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(description="Who is asked; null: judges are off, here or everywhere.")
    calls: int = Field(description="People without a verdict, as far as the shortlist goes.")
    carried: int = Field(
        default=0, description="People whose verdict an edit cannot change: nobody is asked again."
    )
    prompt_tokens: int = 0
    answer_tokens: int = 0
    seconds: float | None = Field(default=None, description="Null: no call was made yet.")
    cost: float | None = Field(default=None, description="Null: the model has no price.")
    currency: str
    measured: bool = Field(default=False, description="From calls that were made, or guessed.")
    budget_ends: bool = Field(default=False, description="The day's budget ends it before.")


class CostOut(BaseModel):
    """What one model was called for on one day (UTC)."""

    model_config = ConfigDict(extra="forbid")

    day: date
    model: str
    purpose: str
    calls: int
    answered: int
    failed: int
    prompt_tokens: int
    answer_tokens: int
    cost: float = Field(description="In the currency of the prices; 0 where there is none.")


class AllCostsOut(BaseModel):
    """Everybody's calls and costs, those of no campaign included, the newest day first."""

    model_config = ConfigDict(extra="forbid")

    items: list[CostOut]
    currency: str


class CostsOut(BaseModel):
    """A campaign's calls and costs, the newest day first."""

    model_config = ConfigDict(extra="forbid")

    items: list[CostOut]
    currency: str
    calls_today: int = Field(description="Of the day's budget, reservations included.")
    cost_today: float
    daily_call_limit: int | None
    daily_cost_limit: float | None
