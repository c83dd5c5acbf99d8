"""The cheap score, in Python and in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from omni.profiles.types import SIGNALS

UNKNOWN_SIGNAL = 0.5
"""What a signal counts that a profile does not have (yet): the middle, as for every unknown."""

SCORE_SQL = " + ".join(
    f":w_{place}::float8 * coalesce(pf.signals[{place}], {UNKNOWN_SIGNAL}::float8)"
    for place in range(1, len(SIGNALS) + 1)
)
"""`cheap_score` over `profile_features pf`, with the parameters of `score_params`."""


def cheap_score(signals: Sequence[float | None], weights: Sequence[float]) -> float:
    """Return the dot product of the signals and the weights, in the order of `SIGNALS`.

    The products are added from the first to the last, so that this is to the bit the number that
    `SCORE_SQL` gives. It has no bounds of its own: only the order of a campaign's scores means
    something.

    Args:
        signals: Each 0 to 1; one that is missing at the end counts 0.5.
        weights: One for each of `SIGNALS`.
    """
    values = whole_signals(signals)
    score = weights[0] * values[0]
    for place in range(1, len(weights)):
        score += weights[place] * values[place]
    return score


def whole_signals(signals: Sequence[float | None]) -> list[float]:
    """Return one value for each of `SIGNALS`; what is missing counts 0.5."""
    known = [UNKNOWN_SIGNAL if value is None else value for value in signals]
    return known + [UNKNOWN_SIGNAL] * (len(SIGNALS) - len(known))


def score_params(weights: Sequence[float]) -> dict[str, object]:
    """Return the parameters of `SCORE_SQL`."""
    return {f"w_{place}": float(weight) for place, weight in enumerate(weights, 1)}
