"""Reads other people's JSON: nothing in it is trusted to have the type that it should. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

_MAX_COUNT = 2**53


def fields_of(value: object) -> Mapping[str, Any]:
    """Return `value` if it is an object, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def items_of(value: object) -> Sequence[object]:
    """Return `value` if it is a list, else an empty one."""
    return cast("Sequence[object]", value) if isinstance(value, list) else ()


def text_in(fields: Mapping[str, Any], name: str) -> str | None:
    """Return a text that is more than white space, else None."""
    value = fields.get(name)
    return value if isinstance(value, str) and value.strip() else None


def count_in(fields: Mapping[str, Any], name: str) -> int | None:
    """Return a whole number from 0 to 2⁵³, else None."""
    value = fields.get(name)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT
    return value if is_count else None


def moment_in(fields: Mapping[str, Any], name: str) -> datetime | None:
    """Return an ISO 8601 moment in UTC (one without a zone is taken for UTC), else None."""
    return read_moment(text_in(fields, name))


def read_moment(text: str | None) -> datetime | None:
    """Return the moment that a text names, as `moment_in` does."""
    try:
        moment = datetime.fromisoformat(text) if text else None
        if moment is None:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
