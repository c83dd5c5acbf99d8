"""The door of the room's decisions: the cheap score, and the sums of reports."""

from __future__ import annotations

from collections.abc import Iterable

from omni.candidates.score import SCORE_SQL, UNKNOWN_SIGNAL, cheap_score, score_params
from omni.candidates.types import CandidateReport

__all__ = ["SCORE_SQL", "UNKNOWN_SIGNAL", "add_reports", "cheap_score", "score_params"]


def add_reports(reports: Iterable[CandidateReport]) -> CandidateReport:
    """Return the sum of what was done."""
    listed = list(reports)
    return CandidateReport(
        entered=sum(report.entered for report in listed),
        left=sum(report.left for report in listed),
        rescored=sum(report.rescored for report in listed),
        unchanged=sum(report.unchanged for report in listed),
        stale=sum(report.stale for report in listed),
        overtaken=sum(report.overtaken for report in listed),
        passed=sum(report.passed for report in listed),
    )
