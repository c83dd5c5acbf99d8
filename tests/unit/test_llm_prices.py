"""What the settings say of prices, and what a mistake in them is told as."""

from __future__ import annotations

import pytest

from omni.base.errors import Rejected
from omni.llm.prices import read_prices
from omni.llm.types import Price, Prices


def test_prices_are_read_by_model_in_one_currency() -> None:
    found = read_prices(
        '{"gpt": {"prompt": 0.15, "answer": 0.6, "currency": "EUR"},'
        ' "llama": {"prompt": 0, "answer": 0, "currency": "EUR"}}'
    )
    assert found == Prices({"gpt": Price(0.15, 0.6), "llama": Price(0.0, 0.0)}, "EUR")
    assert found.cost_micros("gpt", 1_000_000, 1_000_000) == 750_000
    assert found.cost_micros("unknown", 1_000_000, 1_000_000) == 0


def test_no_prices_are_no_prices() -> None:
    assert read_prices("") == read_prices("  \n") == Prices()
    assert read_prices('{"gpt": {"prompt": 1, "answer": 2}}').currency == "USD"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "1",
        '{"gpt": 1}',
        '{"gpt": {"prompt": 1}}',
        '{"gpt": {"prompt": -1, "answer": 1}}',
        '{"gpt": {"prompt": "1", "answer": 1}}',
        '{"gpt": {"prompt": NaN, "answer": 1}}',
        '{"gpt": {"prompt": 1e99, "answer": 1}}',
        '{"gpt": {"prompt": 1, "answer": 1, "currency": "euro"}}',
        '{"gpt": {"prompt": 1, "answer": 1, "cached": 1}}',
        '{"a": {"prompt": 1, "answer": 1}, "b": {"prompt": 1, "answer": 1, "currency": "EUR"}}',
    ],
)
def test_a_mistake_names_the_setting(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_prices(text)
    assert refused.value.field == "OMNI_LLM_PRICES"
