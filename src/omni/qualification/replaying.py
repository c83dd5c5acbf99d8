"""Holds a stored verdict against what is read today from the recordings that it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from omni.qualification.reading import read_verdict
from omni.qualification.recordings import Recording
from omni.qualification.types import Verdict

Outcome = Literal["identical", "different", "missing"]


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict as it is stored, with its key."""

    id: int
    profile_id: int
    username: str
    profile_hash: str
    criteria_hash: str
    prompt_version: str
    model: str
    qualified: bool
    score: float
    confidence: float | None
    reasons: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one verdict, or of one lead, when it was replayed.

    Attributes:
        detail: What differs, or what is missing; empty where nothing does.
    """

    profile_id: int
    username: str
    outcome: Outcome
    detail: str = ""


def read_again(recordings: Sequence[Recording]) -> Verdict | None:
    """Return the verdict that the recordings hold: the first answer that is one.

    Args:
        recordings: Of one verdict's key, in the order in which they were made.
    """
    for recording in recordings:
        answered = recording.answered
        read = read_verdict(
            answered.text, answered.complete and not answered.refused, recording.asked.profile
        )
        if isinstance(read, Verdict):
            return read
    return None


def hold_against(stored: StoredVerdict, recordings: Sequence[Recording]) -> Replayed:
    """Compare a stored verdict with what its recordings say."""
    again = read_again(recordings)
    if again is None:
        why = "no recording holds a verdict" if recordings else "nothing was recorded"
        return Replayed(stored.profile_id, stored.username, "missing", why)
    differs = [
        name
        for name, before, now in (
            ("qualified", stored.qualified, again.qualified),
            ("score", stored.score, again.score),
            ("confidence", stored.confidence, again.confidence),
            ("reasons", stored.reasons, [asdict(reason) for reason in again.reasons]),
        )
        if before != now
    ]
    if differs:
        return Replayed(stored.profile_id, stored.username, "different", ", ".join(differs))
    return Replayed(stored.profile_id, stored.username, "identical")
