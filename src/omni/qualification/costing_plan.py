"""What a run will probably take and cost, before it is asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omni.llm.types import Prices
from omni.qualification.types import Pace

ENOUGH = 5
"""From so many calls on, what was measured counts more than what is guessed."""
GUESSED_ANSWER_TOKENS = 150


@dataclass(frozen=True, slots=True)
class Budget:
    """What the day's budget still takes; None: no limit."""

    calls: int | None = None
    cost_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take, if every call is answered at once.

    Attributes:
        calls: People without a verdict, as far as the shortlist goes.
        seconds: None where no call was made yet that could tell.
        cost_micros: Millionths of the currency; None where the model has no price.
        measured: Whether tokens are from calls that were made, or are guessed from lengths.
        budget_ends: Whether the day's budget ends the run before.
    """

    calls: int
    prompt_tokens: int
    answer_tokens: int
    seconds: float | None
    cost_micros: int | None
    measured: bool
    budget_ends: bool


def estimate(
    calls: int,
    lengths: Sequence[int],
    pace: Pace,
    *,
    model: str,
    prices: Prices,
    concurrency: int,
    budget: Budget,
) -> Estimate:
    """Estimate a run of so many calls.

    Args:
        lengths: About how many tokens the prompts of some of the people have.
        concurrency: The most calls at a time.
    """
    measured = pace.calls >= ENOUGH and pace.prompt_tokens is not None
    guessed = sum(lengths) / len(lengths) if lengths else 0.0
    each = pace.prompt_tokens if measured and pace.prompt_tokens is not None else guessed
    answer = pace.answer_tokens if measured else None
    prompt_tokens = round(calls * each)
    answer_tokens = round(calls * (GUESSED_ANSWER_TOKENS if answer is None else answer))
    cost = None
    if prices.price_of(model) is not None:
        cost = prices.cost_micros(model, prompt_tokens, answer_tokens)
    seconds = None
    if pace.latency_ms is not None:
        seconds = pace.latency_ms / 1_000 * calls / max(1, concurrency)
    ends = (budget.calls is not None and calls > budget.calls) or (
        budget.cost_micros is not None and (cost or 0) > budget.cost_micros
    )
    return Estimate(calls, prompt_tokens, answer_tokens, seconds, cost, measured, ends)
