"""Finds a message that was perhaps taken among those that a thread shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from omni.connectors.types import Receipt

SKEW: Final = timedelta(minutes=2)
"""How far a platform's clock and ours may be apart."""


def find_receipt(
    shown: Iterable[tuple[str, Receipt]], text: str, since: datetime
) -> Receipt | None:
    """Return the first message since then that has this text, None if there is none.

    Args:
        shown: What the account itself wrote in the thread: the text as it was sent, its receipt.
        text: As it was handed over. White space at the ends does not count: platforms trim it.
        since: When it was about to be handed over, by our clock.
    """
    wanted = text.strip()
    found = [
        receipt
        for written, receipt in shown
        if written.strip() == wanted and receipt.sent_at >= since - SKEW
    ]
    return min(found, key=lambda receipt: receipt.sent_at, default=None)
