"""How two judges compare, from what each said of the same people. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omni.qualification.statistics import Share, kappa, median, share
from omni.qualification.types import Verdict


@dataclass(frozen=True, slots=True)
class Said:
    """What one judge said of one person.

    Attributes:
        verdict: None where it gave none; `problem` says why.
        cost_micros: Millionths of the currency; 0 where no price is set.
    """

    verdict: Verdict | None
    latency_ms: float = 0.0
    cost_micros: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """One person, and what both said."""

    profile_id: int
    username: str
    left: Said
    right: Said


@dataclass(frozen=True, slots=True)
class Side:
    """One judge in the comparison."""

    model: str
    verdicts: int
    without: int
    yes: int
    mean_score: float | None
    median_latency_ms: float | None
    cost_micros: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two judges compare; agreement and shift are of those on whom both gave a verdict.

    Attributes:
        kappa: Cohen's: agreement beyond chance; None where it cannot be told.
        mean_shift: How much higher the right one's scores are, on average.
        median_shift: The same in the middle.
    """

    left: Side
    right: Side
    sample: int
    both: int
    agreement: Share
    kappa: float | None
    mean_shift: float | None
    median_shift: float | None
    disagreements: int


def compare(left_model: str, right_model: str, pairs: Sequence[Pair]) -> Comparison:
    """Sum up what both said."""
    verdicts = [
        (pair.left.verdict, pair.right.verdict)
        for pair in pairs
        if pair.left.verdict and pair.right.verdict
    ]
    says = [(one.qualified, other.qualified) for one, other in verdicts]
    shifts = [other.score - one.score for one, other in verdicts]
    agreed = sum(one == other for one, other in says)
    return Comparison(
        left=_side(left_model, [pair.left for pair in pairs]),
        right=_side(right_model, [pair.right for pair in pairs]),
        sample=len(pairs),
        both=len(verdicts),
        agreement=share(agreed, len(says)),
        kappa=kappa(says),
        mean_shift=sum(shifts) / len(shifts) if shifts else None,
        median_shift=median(shifts),
        disagreements=len(says) - agreed,
    )


def disagreements(pairs: Sequence[Pair]) -> list[Pair]:
    """Return those to whom one says yes and the other no, the widest apart first."""
    apart = [
        (abs(pair.left.verdict.score - pair.right.verdict.score), pair)
        for pair in pairs
        if pair.left.verdict
        and pair.right.verdict
        and pair.left.verdict.qualified != pair.right.verdict.qualified
    ]
    return [pair for _, pair in sorted(apart, key=lambda one: (-one[0], one[1].profile_id))]


def _side(model: str, said: Sequence[Said]) -> Side:
    verdicts = [one.verdict for one in said if one.verdict]
    scores = [verdict.score for verdict in verdicts]
    return Side(
        model=model,
        verdicts=len(verdicts),
        without=len(said) - len(verdicts),
        yes=sum(verdict.qualified for verdict in verdicts),
        mean_score=sum(scores) / len(scores) if scores else None,
        median_latency_ms=median([one.latency_ms for one in said if one.verdict]),
        cost_micros=sum(one.cost_micros for one in said),
    )
