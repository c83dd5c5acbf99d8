"""Messages as rows that other tools take, and that a spreadsheet shows and does not run. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from io import StringIO

from omni.base.spreadsheet import harmless

COLUMNS = (
    "id", "platform", "platform_id", "username", "name", "message", "campaign", "step",
    "handed_over_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A message that is handed over; `id` is its own in the ledger, and stands in one row only."""

    id: int
    platform: str
    platform_id: str
    username: str
    display_name: str | None
    body: str
    campaign: str | None
    step: int
    handed_at: datetime


def handed_csv(messages: Iterable[HandedOver], *, header: bool) -> str:
    """Return messages as CSV; a cell that a spreadsheet could run begins with an apostrophe."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if header:
        writer.writerow(COLUMNS)
    for each in messages:
        told = (
            each.platform, each.platform_id, each.username, each.display_name or "", each.body,
            each.campaign or "",
        )  # fmt: skip
        cells = map(harmless, told)
        writer.writerow((each.id, *cells, each.step + 1, each.handed_at.isoformat()))
    return out.getvalue()
