"""API keys: who may call, and what for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from omni.api.schemas.requests import Line
from omni.api.types import MEANING, SCOPES, USUAL, Scope


class KeyIn(BaseModel):
    """A key for somebody, or for a program."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "the agent that drafts"}]}
    )

    name: Line = Field(description="Who will use it")
    scopes: list[Scope] = Field(
        default_factory=lambda: list(USUAL),
        min_length=1,
        max_length=len(SCOPES),
        description="`send` and `admin` bring `read` and `write` along. "
        + "; ".join(f"`{scope}` {MEANING[scope]}" for scope in SCOPES),
    )
    expires_at: AwareDatetime | None = Field(
        default=None, description="From then on it opens nothing; null: it does not run out"
    )


class KeyOut(BaseModel):
    """A key, without its secret.

    `hint` is how the secret begins; `last_used_at` is true to the minute.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    hint: str | None
    scopes: list[Scope]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyMade(KeyOut):
    """A new key; its secret is shown here and never again."""

    secret: str
