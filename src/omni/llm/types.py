"""What a model's tokens cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from omni.base.errors import Rejected

JUDGES = ("rules", "ollama", "openai")
"""Names of the judges that can be built."""

IMAGE_TOKENS = 1_500
"""What a picture is reserved at; servers count them differently."""

_SEEING = re.compile(r"\+images[1-3]$")

_CHARS_PER_TOKEN = 2.5
"""A token of English is about four characters; what is reserved must rather be too much."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in the currency of all prices."""

    prompt: float
    answer: float


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by model; a model that has none costs nothing.

    Attributes:
        by_model: By `Judge.model`, or by the model's own name.
        currency: Of all prices, such as `USD`; empty where there is none.
    """

    by_model: Mapping[str, Price] = field(default_factory=dict[str, Price])
    currency: str = ""

    def price_of(self, model: str) -> Price | None:
        """Return what a model's tokens cost, whether it is shown pictures or not."""
        name = unseeing(model)
        return self.by_model.get(name) or self.by_model.get(name.partition("/")[2])

    def cost_micros(self, model: str, prompt_tokens: int, answer_tokens: int) -> int:
        """Return what these tokens cost, rounded up to whole millionths of the currency."""
        price = self.price_of(model)
        if price is None:
            return 0
        return ceil(price.prompt * prompt_tokens + price.answer * answer_tokens)


def seeing(model: str, images: int) -> str:
    """Return what a model is called that is shown so many pictures: 0 to 3.

    The name is part of each verdict's key, and `view_shown` in the database reads it.
    """
    return f"{model}+images{images}" if images else model


def images_of(model: str) -> int:
    """Return how many pictures of a person a model of this name is shown at most."""
    return int(model[-1]) if _SEEING.search(model) else 0


def unseeing(model: str) -> str:
    """Return the name of a model without what is said of pictures."""
    return _SEEING.sub("", model)


def tokens_of(characters: int) -> int:
    """Return about how many tokens a text of so many characters has, rather too many."""
    return int(characters / _CHARS_PER_TOKEN) + 1


def read_judge(spec: str) -> tuple[str, str | None]:
    """Return name and model of a judge that is written as `NAME` or `NAME:MODEL`.

    Raises:
        Rejected: There is no such judge, or it has no models to choose from.
    """
    name, _, model = spec.strip().partition(":")
    if name not in JUDGES:
        raise Rejected(f"{name[:40]!r} is no judge: use {', '.join(JUDGES)}, or ollama:MODEL")
    if model and name == "rules":
        raise Rejected("the rules have no models to choose from")
    return name, model.strip() or None
