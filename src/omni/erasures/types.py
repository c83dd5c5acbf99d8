"""An erasure: whom it is about while it runs, and the receipt that stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

ErasureState = Literal["open", "done"]


class Target(msgspec.Struct, frozen=True):
    """Whom an erasure is about; it is forgotten at its end.

    Attributes:
        profile_id: Ours, as it was when the erasure began; None if there was no profile.
        names: Every name that they were kept under, the immutable id among them; empty until the
            erasure has looked for them.
    """

    platform: str
    platform_id: str
    profile_id: int | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """A row of `erasures`; when it is done, the receipt.

    Attributes:
        hash: The salted hash of who was erased: all that stays of them.
        target: None once they are erased.
        removed: How many rows, files, pictures or lines of logs, by where they were.
        mentions: How often they are named, by table, in what others have written; a person decides.
        waits_for: Why it does not go on at this moment, in words.
        job_id: The newest job that does it.
    """

    id: UUID
    hash: str
    state: ErasureState
    target: Target | None
    removed: Mapping[str, int]
    mentions: Mapping[str, int]
    waits_for: str | None
    job_id: UUID | None
    asked_at: datetime
    finished_at: datetime | None
