"""Parameters that several routes take."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Path, Query
from pydantic import BeforeValidator

from omni.api.schemas import MAX_ID

_DIGITS = re.compile(r"[0-9]{1,19}")


def _plain_digits(value: object) -> object:
    """Take `12` for an id, but none of `+12`, `1_2`, `12.0`."""
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("must be a whole number from 1 on")
    return value


Digits = Annotated[int, BeforeValidator(_plain_digits)]
RowId = Annotated[Digits, Path(ge=1, le=MAX_ID)]
OptionalId = Annotated[Digits | None, Query(ge=1, le=MAX_ID)]
Limit = Annotated[int, Query(ge=1, le=200, description="The most items of one page")]
Cursor = Annotated[
    str | None, Query(max_length=100, description="`next_cursor` of the page before")
]
