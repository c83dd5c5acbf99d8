"""Models of judges: who they are, how they do, and what they are asked."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


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
