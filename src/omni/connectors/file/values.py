"""Cells as values. Pure; each function raises `Unfit` with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import cast
from urllib.parse import urlsplit

MAX_TEXT = 100_000
"""The most characters of a cell."""

_MAX_COUNT = 2**53
_COUNT = re.compile(r"(\d{1,3}(?:[,.' \u00a0\u202f]\d{3})+|\d+)")
_ROUND = re.compile(r"(\d+(?:[.,]\d+)?)\s*([kKmM])")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_YES = frozenset({"yes", "y", "true", "t", "1", "ja", "oui", "si", "sí"})
_NO = frozenset({"no", "n", "false", "f", "0", "nein", "non"})
_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)*\.[^\W\d_]{2,}(/\S*)?")
_BETWEEN = re.compile(r"[|\s]+")


class Unfit(ValueError):
    """A cell that is no such value; `str()` says what it is, `mend` what to write."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend


def text(cell: object) -> str | None:
    """Return the cell as text, None if it is empty."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        if cell != cell:  # NaN is how tables say nothing
            return None
        return str(int(cell)) if cell.is_integer() and abs(cell) < _MAX_COUNT else str(cell)
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, list | tuple):
        parts = (text(part) for part in cast("Sequence[object]", cell)[:100])
        return ", ".join(part for part in parts if part) or None
    if isinstance(cell, bytes):  # Parquet's text, where its writer did not say that it is text
        cell = cell[: 4 * MAX_TEXT + 4].decode("utf-8", "replace")
    found = cell if isinstance(cell, str) else str(cell)
    if len(found) > MAX_TEXT:
        raise Unfit(
            f"has {len(found):,} characters",
            f"at most {MAX_TEXT:,} are read; look for a quote that is not closed",
        )
    return found.replace("\x00", "").strip() or None


def count(cell: object) -> int | None:
    """Return the cell as a count: 0 or more."""
    if isinstance(cell, int) and not isinstance(cell, bool) and 0 <= cell <= _MAX_COUNT:
        return cell
    found = text(cell)
    if found is None:
        return None
    if _COUNT.fullmatch(found) and len(found) < 25:
        number = int(re.sub(r"\D", "", found))
        if number <= _MAX_COUNT:
            return number
    if rough := _ROUND.fullmatch(found):
        factor = 1_000 if rough[2] in "kK" else 1_000_000
        return int(float(rough[1].replace(",", ".")) * factor)
    raise Unfit(f"is no count: {_shown(found)}", "write digits alone, such as 1200")


def yes(cell: object) -> bool | None:
    """Return the cell as yes or no."""
    found = text(cell)
    if found is None:
        return None
    if found.lower() in _YES:
        return True
    if found.lower() in _NO:
        return False
    raise Unfit(f"is neither yes nor no: {_shown(found)}", "write yes or no")


def moment(cell: object) -> datetime | None:
    """Return the cell as a moment: ISO 8601, 31.12.2024, or seconds since 1970."""
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=UTC) if cell.tzinfo is None else cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day, tzinfo=UTC)
    found = text(cell)
    if found is None:
        return None
    try:
        if found.isdigit() and len(found) in (9, 10, 12, 13):
            return datetime.fromtimestamp(int(found) / (1 if len(found) < 11 else 1_000), UTC)
        if german := _DAY_FIRST.fullmatch(found):
            return datetime(int(german[3]), int(german[2]), int(german[1]), tzinfo=UTC)
        known = datetime.fromisoformat(found)
    except (ValueError, OverflowError, OSError):
        raise Unfit(f"is no date: {_shown(found)}", "write it like 2024-12-31") from None
    return known.replace(tzinfo=UTC) if known.tzinfo is None else known


def urls(cell: object) -> tuple[str, ...]:
    """Return the addresses in a cell: a list, or several with white space or | between them."""
    several = isinstance(cell, list)
    parts = cast("list[object]", cell) if several else _BETWEEN.split(text(cell) or "")
    return tuple(_url(part) for each in parts if (part := text(each)))


def _url(found: str) -> str:
    full = found if "://" in found else f"https://{found}" if _DOMAIN.fullmatch(found) else ""
    try:
        parts = urlsplit(full)
        fine = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fine = False
    if not fine or len(full) > 2_000:
        raise Unfit(f"is no address: {_shown(found)}", "write it like https://example.com/me")
    return full


def _shown(found: str) -> str:
    return repr(found[:40])
