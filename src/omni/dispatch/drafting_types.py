"""Whom messages are drafted for, and what is made for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from omni.qualification.types import Reason


@dataclass(frozen=True, slots=True)
class Recipient:
    """A lead that may get a draft.

    Attributes:
        reason: The best evidence of its verdict, if any.
        reasons: All that its verdict quotes.
        earlier: The text of the step before; None with the first.
    """

    lead_id: int
    profile_id: int
    platform: str
    platform_id: str
    username: str
    name: str
    score: float
    reason: str | None
    reasons: tuple[Reason, ...] = ()
    earlier: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is asked, in the parts of `omni.llm.ports.Prompt`."""

    system: str
    user: str
    schema: dict[str, Any]
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a text says of a person, in its own words, and the words of the profile behind it."""

    claim: str
    quote: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A text for one person, ready to be approved."""

    recipient: Recipient
    body: str
    body_hash: str
    writer: Literal["template", "model"] = "template"
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Undrafted:
    """Somebody for whom no text could be made, and why, in words."""

    recipient: Recipient
    why: str


Write = Callable[[Sequence[Recipient], int], AsyncIterator[Draft | Undrafted]]
"""Writes to these people, in a step: each text or failure as soon as it is there."""


@dataclass(frozen=True, slots=True)
class DraftReport:
    """What one run of drafting did.

    Attributes:
        drafted: New messages that wait for approval.
        skipped: Leads that got no draft, by the reason in words.
        note: Why nothing (more) could be drafted, in words; empty otherwise.
        approved: Messages that the autopilot approved.
    """

    drafted: int
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])
    note: str = ""
    approved: int = 0
