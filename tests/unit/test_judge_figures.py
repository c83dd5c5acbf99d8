"""The figures on judges are those of the books, and say how little a few labels tell."""

from __future__ import annotations

import pytest
from defusedxml import ElementTree

from omni.qualification.evaluation_plan import draw, evaluate
from omni.qualification.statistics import brier, calibration_error, kappa, reliability, share
from omni.qualification.types import Label


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I.
    [
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)  # fmt: skip
def test_the_interval_is_wilsons(hits: int, of: int, low: float, high: float) -> None:
    found = share(hits, of)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_of_nothing_anything_is_possible() -> None:
    assert (share(0, 0).value, share(0, 0).low, share(0, 0).high) == (None, 0.0, 1.0)
    empty = evaluate([], 0.5)
    assert empty.brier is None
    assert empty.expected_calibration_error is None
    assert "nothing to tell" in empty.notes[0]
    ElementTree.fromstring(draw(empty))


def test_kappa_is_cohens() -> None:
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([(True, True)] * 3) is None


def test_calibration_is_told() -> None:
    sure = [(1.0, True), (0.0, False)] * 10
    assert brier(sure) == 0
    assert calibration_error(reliability(sure)) == 0
    wrong = [(0.95, False)] * 4
    assert brier(wrong) == pytest.approx(0.9025)
    assert calibration_error(reliability(wrong)) == pytest.approx(0.95)
    assert reliability(wrong)[9].count == 4


def test_an_evaluation_counts_by_the_threshold() -> None:
    labels = [
        Label(1, True, 0.9, True), Label(2, True, 0.8, False), Label(3, True, 0.5, True),
        Label(4, False, 0.9, False), Label(5, False, 0.1, True),
    ]  # fmt: skip
    found = evaluate(labels, 0.6)
    assert (found.precision.hits, found.precision.of) == (1, 2)
    assert (found.recall.hits, found.recall.of) == (1, 3)
    assert (found.accuracy.hits, found.accuracy.of) == (2, 5)
    assert "few" in found.notes[0]
    picture = ElementTree.fromstring(draw(found))
    circles = [each for each in picture.iter() if each.tag.endswith("circle")]
    assert len(circles) == sum(each.count > 0 for each in found.reliability) == 4


def test_leads_alone_cannot_tell_recall() -> None:
    found = evaluate([Label(1, True, 0.9, True)], 0.6)
    assert any("recall" in note for note in found.notes)
