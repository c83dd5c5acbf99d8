"""How well verdicts agree with what people decided: as numbers, and as a picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omni.qualification.statistics import (
    Bin,
    Share,
    brier,
    calibration_error,
    reliability,
    share,
)
from omni.qualification.types import Label

FEW = 50
"""With fewer labels than this the figures are hardly more than a hint."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good the verdicts are, as far as labels tell.

    Attributes:
        precision: Of those to whom the judge says yes, how many fit.
        recall: Of those who fit, to how many the judge says yes: among the labelled people alone.
        expected_calibration_error: Mean gap between score and share; 0 is best.
        notes: What keeps the figures from saying more.
    """

    labels: int
    fit: int
    precision: Share
    recall: Share
    accuracy: Share
    brier: float | None
    expected_calibration_error: float | None
    reliability: tuple[Bin, ...]
    notes: tuple[str, ...]


def evaluate(labelled: Sequence[Label], threshold: float) -> Evaluation:
    """Hold verdicts against labels.

    A verdict says yes where it makes a lead: it qualifies, and its score reaches the campaign's
    threshold. Its score is read as how probable it is that the person fits.
    """
    said = [(one.score, one.fits) for one in labelled]
    bins = reliability(said)
    yes = [one.qualified and one.score >= threshold for one in labelled]
    hits = sum(says and one.fits for says, one in zip(yes, labelled, strict=True))
    right = sum(says == one.fits for says, one in zip(yes, labelled, strict=True))
    fit = sum(one.fits for one in labelled)
    return Evaluation(
        labels=len(labelled),
        fit=fit,
        precision=share(hits, sum(yes)),
        recall=share(hits, fit),
        accuracy=share(right, len(labelled)),
        brier=brier(said),
        expected_calibration_error=calibration_error(bins),
        reliability=bins,
        notes=tuple(_notes(yes)),
    )


def _notes(yes: Sequence[bool]) -> list[str]:
    if not yes:
        return ["nobody has been accepted, rejected or settled yet: there is nothing to tell"]
    notes: list[str] = []
    if len(yes) < FEW:
        notes.append(f"{len(yes)} labels are few: look at the intervals, not at the figures")
    if all(yes):
        notes.append(
            "only leads are labelled, so recall cannot fall below 1: settle disagreements of"
            " `omni judge compare`, which also has people to whom the judge says no"
        )
    return notes


_SIDE = 320
_EDGE = 44


def draw(evaluation: Evaluation) -> str:
    """Return the reliability curve as SVG: dots on the diagonal are well calibrated.

    A dot's area follows the number of people, its bar is the 95 % interval. It takes its colour
    from its surroundings, so that it can be read in light and in dark.
    """
    size = _SIDE + 2 * _EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" role="img"'
        ' aria-label="Reliability curve" style="width:100%;max-width:440px;color:inherit">',
        f'<g fill="none" stroke="currentColor"><rect x="{_EDGE}" y="{_EDGE}" width="{_SIDE}"'
        f' height="{_SIDE}" stroke-opacity=".4"/><path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}"'
        ' stroke-dasharray="4 4" stroke-opacity=".6"/></g>',
        *_axes(),
        *(_dot(each, evaluation.labels) for each in evaluation.reliability if each.count),
        "</svg>",
    ]
    return "".join(parts)


def _axes() -> list[str]:
    style = 'fill="currentColor" font-size="12" text-anchor="middle" font-family="sans-serif"'
    middle = _EDGE + _SIDE / 2
    marks = [
        mark
        for value in (0.0, 0.5, 1.0)
        for mark in (
            f'<text x="{_x(value)}" y="{_y(0) + 16}" {style}>{value:g}</text>',
            f'<text x="{_x(0) - 14}" y="{_y(value) + 4}" {style}>{value:g}</text>',
        )
    ]
    across = f'<text x="{middle}" y="{_y(0) + 34}" {style}>score of the verdict</text>'
    turned = f'transform="rotate(-90 14 {middle})"'
    return [
        *marks, across, f'<text x="14" y="{middle}" {turned} {style}>share who fit</text>',
    ]  # fmt: skip


def _dot(each: Bin, labels: int) -> str:
    x, y = _x(each.mean_score or 0.0), _y(each.fits.value or 0.0)
    radius = 3 + 9 * (each.count / labels) ** 0.5
    about = f"{each.fits.hits} of {each.count} fit"
    return (
        f'<path d="M{x} {_y(each.fits.low)}L{x} {_y(each.fits.high)}" stroke="#6366f1"'
        f' stroke-width="2" stroke-opacity=".5"/><circle cx="{x}" cy="{y}" r="{radius:.1f}"'
        f' fill="#6366f1" fill-opacity=".8"><title>{about}</title></circle>'
    )


def _x(value: float) -> float:
    return round(_EDGE + _SIDE * value, 1)


def _y(value: float) -> float:
    return round(_EDGE + _SIDE * (1 - value), 1)
