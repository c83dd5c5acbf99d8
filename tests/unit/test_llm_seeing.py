"""How a judge that sees is called, and what it costs."""

from __future__ import annotations

import pytest

from omni.llm.types import Price, Prices, images_of, seeing, unseeing


@pytest.mark.parametrize("images", range(4))
def test_a_name_says_how_many_pictures_are_shown(images: int) -> None:
    name = seeing("ollama/llava:7b", images)
    assert images_of(name) == images
    assert unseeing(name) == "ollama/llava:7b"
    assert (name == "ollama/llava:7b") == (images == 0)


@pytest.mark.parametrize("name", ["rules-1", "openai/x+images", "openai/x+images9", "x+images2-b"])
def test_other_names_are_of_models_that_see_nothing(name: str) -> None:
    assert (images_of(name), unseeing(name)) == (0, name)


@pytest.mark.parametrize("priced", ["openai/gpt", "gpt"])
def test_a_model_that_sees_has_the_price_of_its_own_name(priced: str) -> None:
    prices = Prices({priced: Price(2.0, 4.0)}, "USD")
    assert prices.cost_micros("openai/gpt+images3", 10, 10) == 60
