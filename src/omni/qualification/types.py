"""Verdicts: what a judge said of a person, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """Names a criterion and quotes the words of the profile that speak for or against it."""

    criterion: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement; `score` and `confidence` are between 0 and 1."""

    qualified: bool
    score: float
    confidence: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Shortlisted:
    """A candidate that is to be judged: all that a judge may see is in `view`."""

    profile_id: int
    username: str
    view: dict[str, Any]
    view_hash: str
    cheap_score: float


@dataclass(frozen=True, slots=True)
class QualificationReport:
    """What one run did: `calls` is how many judgements were paid for."""

    shortlisted: int
    calls: int
    verdicts: int
    refused: int
    qualified: int
