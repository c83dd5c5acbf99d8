"""The learner finds what is there, keeps to the prior where little is, and never explodes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.profiles.types import DEFAULT_WEIGHTS, SIGNALS
from omni.weights.plan import LOG_ODDS_PER_WEIGHT, MIN_OUTCOMES, auc, learn, samples_of
from omni.weights.types import Outcome, OutcomeKind, Sample

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TRUE = (2.0, -1.0, 0.0, 3.0, 0.5, 0.0, 1.0, -0.5)


def _simulated(count: int, weights: tuple[float, ...] = TRUE, seed: int = 1) -> list[Sample]:
    """People whose answers follow the model exactly."""
    rng = np.random.default_rng(seed)
    signals = rng.random((count, len(SIGNALS)))
    score = (signals - 0.5) @ np.array(weights) * LOG_ODDS_PER_WEIGHT
    positive = rng.random(count) < 1 / (1 + np.exp(-score))
    return [
        Sample(tuple(map(float, row)), bool(yes))
        for row, yes in zip(signals, positive, strict=True)
    ]


def _cosine(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    a, b = np.array(one), np.array(other)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_weights_behind_the_outcomes_are_found() -> None:
    learned = learn(_simulated(8_000), DEFAULT_WEIGHTS, DEFAULT_WEIGHTS)
    assert learned is not None
    assert _cosine(learned.weights, TRUE) > 0.99
    assert learned.trained_on == 8_000
    assert learned.metrics["auc_after"] > learned.metrics["auc_before"] + 0.05
    assert learned.metrics["log_loss_after"] < learned.metrics["log_loss_before"]


def test_more_outcomes_bring_the_weights_closer() -> None:
    found = [learn(_simulated(n), DEFAULT_WEIGHTS, DEFAULT_WEIGHTS) for n in (8, 50, 500, 5_000)]
    closeness = [_cosine(learned.weights, TRUE) for learned in found if learned]
    assert len(closeness) == 4
    assert closeness == sorted(closeness)


def test_few_outcomes_change_little() -> None:
    for seed in range(20):
        learned = learn(_simulated(MIN_OUTCOMES, seed=seed), DEFAULT_WEIGHTS, DEFAULT_WEIGHTS)
        if learned is not None:
            assert np.abs(np.array(learned.weights) - DEFAULT_WEIGHTS).max() < 0.35
            assert _cosine(learned.weights, DEFAULT_WEIGHTS) > 0.97


def test_weights_keep_the_size_of_what_a_person_chose() -> None:
    for prior in (DEFAULT_WEIGHTS, (0.1,) * 8, (40.0, *DEFAULT_WEIGHTS[1:])):
        learned = learn(_simulated(2_000), prior, prior)
        assert learned is not None
        assert sum(map(abs, learned.weights)) == pytest.approx(sum(map(abs, prior)))


def test_the_same_outcomes_learned_again_change_nothing() -> None:
    samples = _simulated(300)
    first = learn(samples, DEFAULT_WEIGHTS, DEFAULT_WEIGHTS)
    assert first is not None
    assert learn(samples, DEFAULT_WEIGHTS, DEFAULT_WEIGHTS) == first
    assert learn(samples, DEFAULT_WEIGHTS, first.weights) is None


@pytest.mark.parametrize(
    "samples",
    [
        [],
        _simulated(MIN_OUTCOMES - 1),
        [Sample(DEFAULT_WEIGHTS, True)] * 500,
        [Sample(DEFAULT_WEIGHTS, False)] * 500,
    ],
)
def test_too_little_to_learn_from_is_none(samples: list[Sample]) -> None:
    assert learn(samples, DEFAULT_WEIGHTS, DEFAULT_WEIGHTS) is None


def test_perfect_separation_and_constant_signals_stay_finite() -> None:
    row = [0.5] * len(SIGNALS)
    split = [Sample((float(i % 2), *row[1:]), bool(i % 2)) for i in range(10_000)]
    learned = learn(split, DEFAULT_WEIGHTS, DEFAULT_WEIGHTS)
    assert learned is not None
    assert np.isfinite(learned.weights).all()
    assert learned.weights[0] == max(learned.weights)
    assert learned.metrics["auc_after"] == 1.0
    rare = [Sample(tuple(row), i == 0) for i in range(10_000)]
    assert learn(rare, DEFAULT_WEIGHTS, DEFAULT_WEIGHTS) is None


_SIGNAL = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1), st.floats(-1e6, 1e6))


@given(
    st.lists(st.tuples(st.tuples(*[_SIGNAL] * 8), st.booleans()), min_size=8, max_size=40),
    st.tuples(*[st.floats(-1_000, 1_000)] * 8),
)
def test_whatever_comes_the_weights_stay_within_bounds(
    rows: list[tuple[tuple[float, ...], bool]], prior: tuple[float, ...]
) -> None:
    samples = [Sample(signals, positive) for signals, positive in rows]
    learned = learn(samples, prior, prior)
    if learned is not None:
        assert np.isfinite(learned.weights).all()
        assert sum(map(abs, learned.weights)) <= sum(map(abs, prior)) * 1.000001 + 1e-6
        assert all(np.isfinite(value) for value in learned.metrics.values())
        assert 0 <= learned.metrics["auc_after"] <= 1


def test_auc_counts_ties_half() -> None:
    labels = np.array([1.0, 0.0, 1.0, 0.0])
    assert auc(np.array([2.0, 1.0, 4.0, 3.0]), labels) == 0.75
    assert auc(np.array([1.0, 1.0, 1.0, 1.0]), labels) == 0.5
    assert auc(np.array([1.0, 0.0, 1.0, 0.0]), labels) == 1.0


def _outcome(kind: OutcomeKind, days: int = 0, lead: int = 1) -> Outcome:
    return Outcome(lead, kind, NOW + timedelta(days=days), DEFAULT_WEIGHTS)


@pytest.mark.parametrize(
    ("kinds", "positive"),
    [
        (("silent",), False),
        (("silent", "replied"), True),
        (("replied", "not_interested"), False),
        (("accepted", "silent"), True),
        (("accepted", "not_interested"), False),
        (("rejected", "interested"), True),
        (("interested", "opt_out"), False),
        (("interested", "blocked"), False),
        (("opt_out", "converted"), True),
    ],
)
def test_the_strongest_outcome_decides(kinds: tuple[OutcomeKind, ...], positive: bool) -> None:
    for order in permutations(kinds):
        (sample,) = samples_of([_outcome(kind) for kind in order], len(SIGNALS))
        assert sample.positive is positive


def test_of_equals_the_later_outcome_decides() -> None:
    changed = [_outcome("accepted", 1), _outcome("rejected", 2)]
    assert not samples_of(changed, len(SIGNALS))[0].positive
    assert not samples_of(changed[::-1], len(SIGNALS))[0].positive


def test_outcomes_that_say_nothing_or_do_not_fit_are_left_out() -> None:
    odd = Outcome(2, "replied", NOW, (0.5, 0.5))
    broken = Outcome(3, "replied", NOW, (float("nan"), *DEFAULT_WEIGHTS[1:]))
    assert samples_of([_outcome("delivered"), odd, broken], len(SIGNALS)) == []
