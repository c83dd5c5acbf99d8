"""Leads as files for other tools: CSV, JSON lines and Parquet, piece by piece."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from io import StringIO
from typing import Any, Final, Literal, Protocol

import msgspec

from omni.api.types import CellKind, Rows
from omni.base.spreadsheet import BYTE_ORDER_MARK, harmless

LeadFormat = Literal["csv", "jsonl", "parquet"]

MEDIA_TYPES: Final[Mapping[LeadFormat, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

COLUMNS: Final[Mapping[str, CellKind]] = {
    "lead_id": "whole",
    "profile_id": "whole",
    "platform": "text",
    "platform_id": "text",
    "username": "text",
    "name": "text",
    "profile_url": "text",
    "state": "text",
    "score": "number",
    "confidence": "number",
    "cheap_score": "number",
    "reasons": "reasons",
    "label": "text",
    "labelled_at": "moment",
    "suppressed": "yes_or_no",
    "message_state": "text",
    "message_step": "whole",
    "last_sent_at": "moment",
    "reply": "text",
    "replied_at": "moment",
    "created_at": "moment",
    "updated_at": "moment",
}
"""The columns of every format, in their order."""


class Format(Protocol):
    """Turns rows into bytes; `begin`, `rows` for each page, `end`."""

    def begin(self) -> bytes:
        """Return what stands before the first row."""
        ...

    def rows(self, rows: Rows) -> bytes:
        """Return rows, or nothing yet where they are gathered."""
        ...

    def end(self) -> bytes:
        """Return what stands behind the last row, without which the file is not whole."""
        ...


class CsvFormat:
    """CSV for spreadsheets; a cell that one could run begins with an apostrophe."""

    def begin(self) -> bytes:
        """Return the heading."""
        return (BYTE_ORDER_MARK + _csv([tuple(COLUMNS)])).encode()

    def rows(self, rows: Rows) -> bytes:
        """Return a line for each."""
        cells = ([_cell(row[name], kind) for name, kind in COLUMNS.items()] for row in rows)
        return _csv(cells).encode()

    def end(self) -> bytes:
        """Return nothing."""
        return b""


class JsonLines:
    """One JSON object a line."""

    def begin(self) -> bytes:
        """Return nothing."""
        return b""

    def rows(self, rows: Rows) -> bytes:
        """Return a line for each."""
        return b"".join(
            msgspec.json.encode({name: row[name] for name in COLUMNS}) + b"\n" for row in rows
        )

    def end(self) -> bytes:
        """Return nothing."""
        return b""


def format_of(name: LeadFormat) -> Format:
    """Return what writes a format."""
    if name == "parquet":
        from omni.api.parquet import ParquetFormat  # large, and few processes ever need it

        return ParquetFormat(COLUMNS)
    return CsvFormat() if name == "csv" else JsonLines()


async def as_file(pages: AsyncIterator[Rows], name: LeadFormat) -> AsyncIterator[bytes]:
    """Yield a file piece by piece, a page of rows at a time; what writes it runs in a thread."""
    written = format_of(name)
    yield written.begin()
    async for page in pages:
        if piece := await asyncio.to_thread(written.rows, page):
            yield piece
    yield await asyncio.to_thread(written.end)


def _csv(rows: Iterable[Sequence[object]]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _cell(value: Any, kind: CellKind) -> object:
    if value is None:
        return ""
    match kind:
        case "text":
            return harmless(value)
        case "reasons":
            return harmless(_told(value))
        case "yes_or_no":
            return "true" if value else "false"
        case "moment":
            return value.isoformat()
        case _:
            return value


def _told(reasons: Iterable[Mapping[str, str]]) -> str:
    """Return reasons as text: a line for each, the evidence in quotation marks."""
    lines = (f"{each['criterion']}: “{each['evidence']}”" for each in reasons)
    return "\n".join(" ".join(line.split()) for line in lines)
