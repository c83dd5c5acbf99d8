"""What a file of people is: its shape, what its columns mean, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from omni.connectors.types import RawProfile

PLATFORM = "file"
"""The platform of people whose own platform Omni does not know."""

Format = Literal["csv", "jsonl", "parquet"]
Target = Literal[
    "platform", "platform_id", "username", "display_name", "bio", "email", "link", "image",
    "post", "followers", "follows", "posts_count", "created_at", "is_bot", "accepts_messages",
    "discoverable", "extra",
]  # fmt: skip

TARGETS: Mapping[Target, str] = {
    "platform": "Name of the platform of the row's person",
    "platform_id": "The immutable id there: a DID, an account's URL, an mxid, a customer number",
    "username": "What people type to find them",
    "display_name": "The name that they show",
    "bio": "Their own words about themselves",
    "email": "Tells people apart where there is no id; only its hash is kept",
    "link": "An address of theirs; several columns may be links",
    "image": "An address of a picture; several columns may be pictures",
    "post": "The text of a post; several columns may be posts",
    "followers": "People who follow them",
    "follows": "People whom they follow",
    "posts_count": "All their posts",
    "created_at": "When the account was made",
    "is_bot": "yes or no",
    "accepts_messages": "yes or no",
    "discoverable": "yes or no; who says no is not taken in",
    "extra": "Kept under the column's name",
}
"""What a column may mean."""

SEVERAL: frozenset[Target] = frozenset({"link", "image", "post", "extra"})
"""What more than one column may mean."""


class Shape(msgspec.Struct, frozen=True):
    """How a file is to be read.

    Attributes:
        encoding: Of the text, by Python's name; empty for Parquet.
        delimiter: Between the cells of a CSV file; empty otherwise.
        header: Whether the first row of a CSV file holds the columns' names.
        columns: Names, in the file's order.
        rows: How many there are; None if that cannot be told without reading all. In a CSV file
            it is the number of lines, which quoted line breaks make larger.
    """

    format: Format
    columns: tuple[str, ...]
    encoding: str = ""
    delimiter: str = ""
    header: bool = True
    rows: int | None = None


class RowMap(msgspec.Struct, frozen=True):
    """What the columns mean.

    Attributes:
        columns: Column → meaning; a column that is not named is not read.
        platform: Of every row that does not name one; None where the file has no platform.
    """

    columns: dict[str, Target]
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a row.

    Attributes:
        row: As spreadsheets count: a CSV file's header is row 1.
        column: Its name; None where the whole row is concerned.
        what: What is wrong.
        mend: What to do about it.
        lost: Whether the row was left out for it, or the value alone.
    """

    row: int
    column: str | None
    what: str
    mend: str
    lost: Literal["row", "value"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read; `cells` is None where it cannot be told what is in it."""

    number: int
    cells: Mapping[str, object] | None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a row; there is no profile if it is blank or was left out."""

    number: int
    profile: RawProfile | None
    problems: tuple[Problem, ...] = ()
