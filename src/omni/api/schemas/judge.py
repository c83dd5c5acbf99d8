"""Models of judges: who they are, how they do, and what they are asked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class JudgeOut(BaseModel):
    """One judge, in the order of preference."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(description="Part of the key of its verdicts.")
    ok: bool = Field(description="Whether it can work now.")
    detail: str = Field(description="What answers there, or what is wrong and how to mend it.")
    models: list[str] = Field(description="The models that its server has, where it tells.")
    concurrency: int = Field(description="The most calls at a time of one process.")


class JudgesOut(BaseModel):
    """The judges; none where the model is turned off."""

    model_config = ConfigDict(extra="forbid")

    judges: list[JudgeOut]
    prompt_version: str = Field(description="Changes with each edit of the prompt or the schema.")


class PromptOut(BaseModel):
    """What a judge is asked: the same static part for everybody, then one profile."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(description="With a campaign's brief in it, where one is given.")
    system: str = Field(description="The static part: the task, the rules, criteria and brief.")
    user: str = Field(description="The profile between its two lines, written by a stranger.")
    answer_schema: dict[str, Any] = Field(description="JSON Schema that an answer must follow.")
    pictures: list[str] = Field(
        default_factory=list[str],
        description="SHA-256 of the person's pictures that the first judge is shown, in order.",
    )
    most_pictures: int = Field(
        default=0, description="How many it is shown at most; 0: it sees none (OMNI_LLM_IMAGES)."
    )


class MeasuredShare(BaseModel):
    """A share with its 95 % interval by Wilson; no value where there is nothing to count."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    hits: int
    of: int
    value: float | None
    low: float
    high: float


class ReliabilityBin(BaseModel):
    """Those whose score lies between two bounds, and how many of them fit."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    low: float
    high: float
    count: int
    mean_score: float | None
    fits: MeasuredShare


class EvaluationOut(BaseModel):
    """How well a campaign's verdicts agree with what people decided."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    labels: int = Field(description="People on whom somebody decided, and who have a verdict.")
    fit: int
    precision: MeasuredShare
    recall: MeasuredShare = Field(description="Among the labelled people alone.")
    accuracy: MeasuredShare
    brier: float | None
    expected_calibration_error: float | None
    reliability: list[ReliabilityBin]
    notes: list[str] = Field(description="What keeps the figures from saying more.")
    svg: str = Field(default="", description="The reliability curve as a picture.")


class ComparisonOut(BaseModel):
    """Two judges on the same people."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    id: int
    campaign_id: int
    left_model: str
    right_model: str
    sample: int
    report: dict[str, Any]
    created_at: datetime


class DisagreementOut(BaseModel):
    """A person to whom one judge says yes and the other no."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    id: int
    comparison_id: int
    profile_id: int
    username: str
    left_model: str
    right_model: str
    left_said: dict[str, Any]
    right_said: dict[str, Any]
    fits: bool | None = Field(description="What a person says; null: nobody has yet.")
    settled_at: datetime | None


class TurnOut(BaseModel):
    """One more turn after the first answer: what the model said, or what it was told."""

    model_config = ConfigDict(extra="forbid")

    role: str
    text: str


class RecordingOut(BaseModel):
    """One request to a model with its answer; `system`, `user` and `answer` are as they were."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(description="SHA-256 of all that the model was given.")
    model: str
    recorded_at: datetime
    system: str = Field(description="The static part: the task, the rules, criteria and brief.")
    user: str = Field(description="The profile between its two lines, written by a stranger.")
    turns: list[TurnOut] = Field(description="What followed before this answer.")
    images: list[str] = Field(description="SHA-256 of the pictures that were shown.")
    answer: str = Field(description="What the model said, unread.")
    complete: bool = Field(description="False where the server says that it was cut off.")
    refused: bool = Field(description="Whether the server says that the model declined.")
    prompt_tokens: int | None
    answer_tokens: int | None
    latency_ms: float


JudgeSpec = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Field(description="`rules`, `ollama`, `openai`, or with a model: `ollama:MODEL`"),
]
Task = Annotated[
    str,
    Field(max_length=20_000, description="In place of the prompt's first part; empty: as it is"),
]


class CompareIn(BaseModel):
    """Two judges, or one with two tasks, to be asked about the same candidates."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"left": "rules", "right": "ollama:llama3.1"}]},
    )

    left: JudgeSpec
    right: JudgeSpec
    sample: int = Field(default=20, ge=1, le=1_000, description="How many people")
    seed: str = Field(
        default="1", min_length=1, max_length=100, description="The same one, the same people"
    )
    left_task: Task = ""
    right_task: Task = ""


class AttackIn(BaseModel):
    """A judge that hostile profiles are to be shown to."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"judge": "rules"}]})

    judge: JudgeSpec


class AttackOut(BaseModel):
    """What a judge made of the hostile profiles.

    `report` has the counts `attacks`, `firm`, `led`, `harmful`, `unanswered`, what it was led to
    `by_kind` of attack (led, of how many), and the `findings`, one for each attack.
    """

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    id: int
    model: str
    prompt_version: str
    report: dict[str, Any]
    created_at: datetime


class SettleDisagreementIn(BaseModel):
    """A person's word on a disagreement."""

    model_config = ConfigDict(extra="forbid")

    fits: bool = Field(strict=True)
