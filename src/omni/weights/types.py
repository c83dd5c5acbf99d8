"""Outcomes, and what was learned from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from omni.connectors.types import EventKind

OutcomeKind = EventKind | Literal["silent"]
"""`silent` is a lead that was written to a week ago or longer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that became of a lead; `signals` are the person's, one for each of `SIGNALS`."""

    lead_id: int
    kind: OutcomeKind
    at: datetime
    signals: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One lead as the learner sees it."""

    signals: tuple[float, ...]
    positive: bool


@dataclass(frozen=True, slots=True)
class Learned:
    """New weights.

    Attributes:
        weights: One for each of `SIGNALS`, on the scale of the weights that a person chose.
        trained_on: How many leads had an outcome.
        metrics: `positives`; `log_loss_before` and `log_loss_after`, in nats a lead; `auc_before`
            and `auc_after`, 0.5 is chance. All on the outcomes that were learned from.
    """

    weights: tuple[float, ...]
    trained_on: int
    metrics: Mapping[str, float]
