"""What was wrong with a file, as a file for people. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from io import StringIO

from omni.connectors.file.types import Problem

PROBLEM_COLUMNS = ("row", "column", "lost", "what is wrong", "how to mend it")
_RUNS = re.compile(r"(^|[;|])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a formula could begin: in a cell, and behind what separates cells in other countries."""


def problems_csv(problems: Iterable[Problem], *, header: bool) -> str:
    """Return problems as CSV that a spreadsheet shows and does not run."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if header:
        writer.writerow(PROBLEM_COLUMNS)
    for each in problems:
        cells = (each.column or "", each.lost, each.what, each.mend)
        writer.writerow((each.row, *map(_harmless, cells)))
    return out.getvalue()


def _harmless(cell: str) -> str:
    line = "".join(c if c.isprintable() else " " for c in cell)
    return ("'" if cell.startswith(("\t", "\r", "\n")) else "") + _RUNS.sub(r"\1\2'", line)
