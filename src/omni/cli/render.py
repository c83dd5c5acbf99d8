"""Tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from omni.cli.faults import one_line

_WIDTH = 200


def print_json(value: object) -> None:
    """Print one JSON document."""
    encoded = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(encoded.decode() + "\n")


def as_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Print rows as a table, or, where there are none, say what to do."""
    if rows:
        console().print(table(columns, rows))
    else:
        write(empty)


def write(text: str, *, style: str = "") -> None:
    """Print one line, whatever it holds, as it is."""
    console().print(plain(text), style=style, markup=False, highlight=False)


def console() -> Console:
    """Return the standard output; where it is no terminal, with lines wide enough to be read on."""
    found = Console()
    return found if found.is_terminal else Console(width=_WIDTH)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table; no cell can mark itself up, whoever wrote it."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(plain(cell)) for cell in row))
    return drawn


def cut(text: str, most: int) -> str:
    """Return text of at most so many characters, with an ellipsis where it was cut."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def plain(text: str) -> str:
    """Return text on one line without control characters, which a terminal would obey."""
    return one_line("".join(c if c.isprintable() else " " for c in text))


def moment(when: datetime | None) -> str:
    """Return a time in UTC to the minute, or a dash."""
    return f"{when:%Y-%m-%d %H:%M}" if when else "–"
