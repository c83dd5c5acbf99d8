"""The cheap score is the dot product, in the order of the signals."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from omni.candidates.plan import UNKNOWN_SIGNAL, add_reports, cheap_score
from omni.candidates.types import CandidateReport
from omni.profiles.types import DEFAULT_WEIGHTS, SIGNALS

SIGNAL = st.floats(0, 1)
WEIGHT = st.floats(-1000, 1000)


@given(
    st.lists(SIGNAL, min_size=len(SIGNALS), max_size=len(SIGNALS)),
    st.lists(WEIGHT, min_size=len(SIGNALS), max_size=len(SIGNALS)),
)
def test_it_is_close_to_the_exact_dot_product(signals: list[float], weights: list[float]) -> None:
    exact = math.fsum(s * w for s, w in zip(signals, weights, strict=True))
    assert math.isclose(cheap_score(signals, weights), exact, abs_tol=1e-9)


def test_a_better_signal_under_a_positive_weight_scores_higher() -> None:
    worse, better = [0.5] * len(SIGNALS), [0.5] * (len(SIGNALS) - 1) + [0.6]
    assert cheap_score(better, DEFAULT_WEIGHTS) > cheap_score(worse, DEFAULT_WEIGHTS)


def test_a_signal_that_is_missing_counts_as_unknown() -> None:
    signals = [0.1, 0.2]
    whole = signals + [UNKNOWN_SIGNAL] * (len(SIGNALS) - 2)
    assert cheap_score(signals, DEFAULT_WEIGHTS) == cheap_score(whole, DEFAULT_WEIGHTS)


def test_reports_add_up() -> None:
    one = CandidateReport(entered=1, left=2, rescored=3, unchanged=4, stale=5)
    assert add_reports([one, one]) == CandidateReport(2, 4, 6, 8, 10)
    assert add_reports([]) == CandidateReport()
