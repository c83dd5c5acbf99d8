"""The learner: outcomes of leads → weights of the cheap score. The same data, the same weights.

The model is a logistic regression, P(positive) = σ(a + Σ bᵢ·sᵢ) over the signals sᵢ (0 to 1 each).
One unit of weight stands for `LOG_ODDS_PER_WEIGHT` of b. The weights that a person chose are the
mean of a normal prior on b: a few outcomes move them little, and many outweigh them. They, and not
last night's result, are where every night begins, so that the same outcomes, learned again, give
the same weights instead of counting once more each night.

The cheap score only ranks, so the size of the weights means nothing; they are scaled back to the
sum of absolute weights of the prior, which keeps scores comparable from one version to the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from omni.weights.types import Learned, Outcome, OutcomeKind, Sample

SILENCE: Final = timedelta(days=7)
"""Who has not answered for this long counts as a no."""

MIN_OUTCOMES: Final = 8
LOG_ODDS_PER_WEIGHT: Final = 2.0
PRIOR_PRECISION: Final = 2.0
"""1 / variance of the prior, in log-odds: about 100 outcomes weigh as much as the prior does."""

_MAX_STEPS = 50
_DAMPING = tuple(0.5**halvings for halvings in range(30))
_TOLERANCE = 1e-9
_INTERCEPT_PRECISION = 1e-4
_SAME = 1e-6

# What says more about a lead beats what says less; of equals, the later.
_STRENGTH: Mapping[OutcomeKind, tuple[int, bool]] = {
    "converted": (6, True),
    "opt_out": (5, False),
    "blocked": (5, False),
    "interested": (4, True),
    "not_interested": (4, False),
    "accepted": (3, True),
    "rejected": (3, False),
    "replied": (2, True),
    "silent": (1, False),
}

KINDS: Final = tuple(kind for kind in _STRENGTH if kind != "silent")
"""The feedback events that say how a lead turned out."""

Vector = NDArray[np.float64]


def samples_of(outcomes: Iterable[Outcome], width: int) -> list[Sample]:
    """Return one sample a lead: its strongest outcome decides.

    Args:
        outcomes: In any order; signals of another length than `width`, or not finite, are left out.
        width: How many signals there are.
    """
    strongest: dict[int, tuple[tuple[int, float], Sample]] = {}
    for outcome in outcomes:
        if outcome.kind not in _STRENGTH or len(outcome.signals) != width:
            continue
        if not all(map(np.isfinite, outcome.signals)):
            continue
        strength, positive = _STRENGTH[outcome.kind]
        rank = (strength, outcome.at.timestamp())
        known = strongest.get(outcome.lead_id)
        if known is None or rank > known[0]:
            strongest[outcome.lead_id] = (rank, Sample(outcome.signals, positive))
    return [strongest[lead_id][1] for lead_id in sorted(strongest)]


def learn(
    samples: Sequence[Sample], prior: Sequence[float], current: Sequence[float]
) -> Learned | None:
    """Return new weights, or None if there is nothing to learn.

    Args:
        samples: One for each lead that has an outcome.
        prior: The weights that a person chose.
        current: The weights in use: the metrics compare with them.

    Returns:
        None with fewer than `MIN_OUTCOMES`, with outcomes of one kind only, or if the weights would
        stay as they are.
    """
    positives = sum(sample.positive for sample in samples)
    if len(samples) < MIN_OUTCOMES or positives in (0, len(samples)):
        return None
    signals = np.array([sample.signals for sample in samples], dtype=np.float64)
    labels = np.array([sample.positive for sample in samples], dtype=np.float64)
    chosen = np.array(prior, dtype=np.float64)
    weights = _scaled(_fit(signals, labels, chosen * LOG_ODDS_PER_WEIGHT), chosen)
    before = np.array(current, dtype=np.float64)
    if np.allclose(weights, before, rtol=0, atol=_SAME):
        return None
    metrics = {
        "positives": float(positives),
        "log_loss_before": _log_loss(signals, labels, before),
        "log_loss_after": _log_loss(signals, labels, weights),
        "auc_before": auc(signals @ before, labels),
        "auc_after": auc(signals @ weights, labels),
    }
    return Learned(tuple(float(weight) for weight in weights), len(samples), metrics)


def _fit(signals: Vector, labels: Vector, prior: Vector) -> Vector:
    """Return the coefficients that maximise likelihood times prior (Newton's method, damped)."""
    # Centred, the intercept and the coefficients hardly depend on each other.
    design = np.column_stack([np.ones(len(labels)), signals - signals.mean(axis=0)])
    mean = np.concatenate([[0.0], prior])
    precision = np.full(len(mean), PRIOR_PRECISION)
    precision[0] = _INTERCEPT_PRECISION

    def loss(coefficients: Vector) -> float:
        score = design @ coefficients
        likelihood = np.logaddexp(0.0, score) - labels * score
        return float(likelihood.sum() + 0.5 * (precision * (coefficients - mean) ** 2).sum())

    found = mean.copy()
    for _ in range(_MAX_STEPS):
        chance = _sigmoid(design @ found)
        slope = design.T @ (chance - labels) + precision * (found - mean)
        curve = design.T @ (design * (chance * (1 - chance))[:, None]) + np.diag(precision)
        step = np.asarray(np.linalg.solve(curve, slope), dtype=np.float64)
        taken = next((t for t in _DAMPING if loss(found - t * step) <= loss(found)), None)
        if taken is None:
            break
        found = found - taken * step
        if float(np.abs(taken * step).max()) < _TOLERANCE:
            break
    return found[1:]


def _scaled(coefficients: Vector, prior: Vector) -> Vector:
    """Return coefficients as weights that add up, in absolute value, to what the prior's do."""
    size, wanted = float(np.abs(coefficients).sum()), float(np.abs(prior).sum())
    if size < _SAME or wanted < _SAME:
        return prior
    return coefficients * (wanted / size)


def _log_loss(signals: Vector, labels: Vector, weights: Vector) -> float:
    """Return the mean negative log-likelihood, in nats, with the intercept that fits best."""
    score = signals @ weights * LOG_ODDS_PER_WEIGHT
    low, high = -float(score.max()) - 40.0, -float(score.min()) + 40.0
    for _ in range(80):
        middle = (low + high) / 2
        if float(_sigmoid(score + middle).sum()) < float(labels.sum()):
            low = middle
        else:
            high = middle
    fitted = score + (low + high) / 2
    return float((np.logaddexp(0.0, fitted) - labels * fitted).mean())


def auc(scores: Vector, labels: Vector) -> float:
    """Return the chance that a positive scores above a negative; ties count half."""
    values, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    del values
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    positives = float(labels.sum())
    negatives = len(labels) - positives
    above = float(ranks[labels > 0].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def _sigmoid(score: Vector) -> Vector:
    return np.exp(-np.logaddexp(0.0, -score))
