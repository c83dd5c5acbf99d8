"""Cells that a spreadsheet shows and does not run. Pure."""

from __future__ import annotations

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")

BYTE_ORDER_MARK = "\ufeff"
"""What a CSV file begins with, so that spreadsheets read it as UTF-8."""


def harmless(cell: str) -> str:
    """Return a text as a cell that is no formula; its line breaks stay, control characters go."""
    text = "".join(c for c in cell if c.isprintable() or c == "\n")
    return f"'{text}" if text.lstrip().startswith(_BEGINS_FORMULA) else text
