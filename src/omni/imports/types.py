"""A file of people on its way in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from omni.connectors.file.types import RowMap, Shape


@dataclass(frozen=True, slots=True)
class Counts:
    """What an import came to so far.

    Attributes:
        rows: Rows that were looked at; where a run that was killed goes on.
        added: People who were not known.
        changed: People who were known, and of whom the file says something else.
        unchanged: People of whom it says the same.
        left_alone: People of a platform that can be asked itself, and who were known: what the
            platform says of them counts more than a file.
        skipped: Rows that hold nobody: blank, doubled, or left out for a problem.
        problems: How many problems there were; the error file has them as far as its bound goes.
    """

    rows: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    left_alone: int = 0
    skipped: int = 0
    problems: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Return what both came to."""
        return Counts(
            self.rows + other.rows,
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.left_alone + other.left_alone,
            self.skipped + other.skipped,
            self.problems + other.problems,
        )


@dataclass(frozen=True, slots=True)
class Import:
    """A row of `imports`.

    Attributes:
        sha256: Of the content; the file's name in the data folder.
        campaign_id: For whom the people are, if for a campaign.
        job_id: The newest job that takes it in; None while it is a draft.
        finished_at: When all of it was in; None until then.
    """

    id: int
    name: str
    sha256: str
    bytes: int
    shape: Shape
    mapping: RowMap
    campaign_id: int | None
    job_id: UUID | None
    counts: Counts
    created_at: datetime
    finished_at: datetime | None
