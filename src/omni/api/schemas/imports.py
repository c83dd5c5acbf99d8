"""What crosses the API about files of people that are imported."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from omni.connectors.file.types import Format, Target
from omni.jobs.types import JobState

ImportState = Literal["draft"] | JobState
PLATFORM_NAME = r"^[a-z][a-z0-9-]{0,39}$"
_Column = Annotated[str, Field(min_length=1, max_length=1_000)]


class ImportCounts(BaseModel):
    """What an import came to so far."""

    model_config = ConfigDict(from_attributes=True)

    rows: int = Field(description="Rows that were looked at")
    added: int = Field(description="People who were not known")
    changed: int = Field(description="Known people of whom the file says something else")
    unchanged: int = Field(description="Known people of whom it says the same")
    left_alone: int = Field(
        description="Known people of a platform that is asked itself: its word counts more"
    )
    skipped: int = Field(description="Rows that hold nobody: blank, doubled, or with a problem")
    problems: int = Field(description="Problems; the error file has at most 100,000 of them")


class ImportOut(BaseModel):
    """A file of people on its way in."""

    id: int
    name: str
    sha256: str
    bytes: int
    format: Format
    encoding: str
    delimiter: str
    header: bool
    all_columns: list[str] = Field(description="The file's columns, in its order")
    rows_about: int | None = Field(description="Rows; of CSV and JSONL it is the number of lines")
    platform: str | None = Field(description="Of every row that does not name one")
    columns: dict[str, Target] = Field(description="Column → meaning; others are not read")
    campaign_id: int | None
    job_id: UUID | None
    state: ImportState
    counts: ImportCounts
    created_at: datetime
    finished_at: datetime | None


class RowProblem(BaseModel):
    """Something wrong with a row, and what to do about it."""

    model_config = ConfigDict(from_attributes=True)

    row: int
    column: str | None
    what: str
    mend: str
    lost: Literal["row", "value"]


class RowPreview(BaseModel):
    """What becomes of a row: a person, or nobody."""

    row: int
    person: dict[str, str | None] | None
    problems: list[RowProblem]


class ImportDraft(ImportOut):
    """A file of people, and what its first rows would become."""

    preview: list[RowPreview]


class ImportPatch(BaseModel):
    """How a draft is to be read; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    columns: dict[_Column, Target] | None = Field(default=None, max_length=500)
    platform: str | None = Field(default=None, pattern=PLATFORM_NAME)
    campaign_id: int | None = Field(default=None, ge=1)
    encoding: str | None = Field(default=None, max_length=40, pattern=r"^[A-Za-z0-9._-]+$")
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    header: bool | None = None


class Removed(BaseModel):
    """Something that is gone now."""

    id: int
