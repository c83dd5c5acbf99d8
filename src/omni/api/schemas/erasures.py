"""Everything of one person: asked for, given, and removed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from omni.api.schemas.requests import Line

PersonId = Annotated[
    str,
    # `*` is no person: suppressions mean a whole platform by it.
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=2_000, pattern=r"^[^\x00-\x1f*\x7f]+$"
    ),
]


class PersonRef(BaseModel):
    """A person, by platform and immutable id; a name that one profile has will do as well."""

    model_config = ConfigDict(extra="forbid")

    platform: Line
    platform_id: PersonId


class TableExport(BaseModel):
    """The rows of a table that hold something of a person, as they are stored.

    `treatment` is what an erasure does to them; `cut` says that there are more than are given.
    """

    treatment: str
    rows: list[dict[str, Any]]
    cut: bool


class PictureExport(BaseModel):
    """A picture that is held of a person, in base64."""

    sha256: str
    content_type: str
    data: str


class PersonExport(BaseModel):
    """Everything that is kept of a person: by table, and their pictures."""

    platform: str
    platform_id: str
    exported_at: datetime
    erased: bool = Field(description="They were erased, and nothing new is stored of them")
    tables: dict[str, TableExport]
    pictures: list[PictureExport]


class ErasureOut(BaseModel):
    """An erasure: what it waits for while it is `open`, and the receipt when it is `done`.

    It never tells whom it was about: `hash` is all that stays of them. `removed` counts rows,
    pictures, files and lines of logs; `mentions` counts, by table, what others have written that
    names the person, for somebody to look at before it is done.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    hash: str
    state: Literal["open", "done"]
    removed: dict[str, int]
    mentions: dict[str, int]
    waits_for: str | None
    job_id: UUID | None
    asked_at: datetime
    finished_at: datetime | None
