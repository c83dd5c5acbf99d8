"""When an account does harm and must stop: decided from what became of its last messages.

Each rule needs so many messages before it says anything, and so many bad ones among them, so that
one unlucky morning stops nobody; and each is far below where platforms themselves act, so that an
account is stopped by us before it is by them. Only a person lets it send on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from omni.dispatch.pacing_types import Tries

SAMPLE: Final = 200
"""So many of an account's last messages count, those since a person last resumed it."""

AWAIT: Final = timedelta(hours=48)
"""A platform that reports deliveries has done so by then."""


@dataclass(frozen=True, slots=True)
class HarmRule:
    """One rate that an account must stay below.

    Attributes:
        floor: The fewest messages that the rate is taken of.
        least: The fewest bad ones.
        share: From this share on, the account is paused.
    """

    what: str
    floor: int
    least: int
    share: float


ERRORS: Final = HarmRule("were refused or are in doubt", floor=10, least=4, share=0.3)
BLOCKED: Final = HarmRule("made people block the account", floor=20, least=2, share=0.03)
OPTED_OUT: Final = HarmRule("made people opt out", floor=20, least=3, share=0.1)
BOUNCED: Final = HarmRule("could not be delivered", floor=10, least=3, share=0.2)
UNDELIVERED: Final = HarmRule("were not delivered in two days", floor=20, least=10, share=0.5)


def harm_of(tries: Tries) -> str | None:
    """Return in words why the account must be paused, or None if it does no harm."""
    undelivered = tries.awaited - tries.delivered if tries.delivered else 0
    measures = (
        (BLOCKED, tries.blocked, tries.tried),
        (OPTED_OUT, tries.opted_out, tries.tried),
        (ERRORS, tries.errors, tries.tried),
        (BOUNCED, tries.bounced, tries.tried),
        (UNDELIVERED, undelivered, tries.awaited),
    )
    for rule, bad, of in measures:
        if of >= rule.floor and bad >= rule.least and bad >= rule.share * of:
            return f"{bad} of its last {of} messages {rule.what}"
    return None
