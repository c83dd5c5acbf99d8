"""What a model's tokens cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from omni.base.errors import Rejected

JUDGES = ("rules", "ollama", "openai")
"""Names of the judges that can be built."""

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

    def cost_micros(self, model: str, prompt_tokens: int, answer_tokens: int) -> int:
        """Return what these tokens cost, rounded up to whole millionths of the currency."""
        price = self.by_model.get(model) or self.by_model.get(model.partition("/")[2])
        if price is None:
            return 0
        return ceil(price.prompt * prompt_tokens + price.answer * answer_tokens)


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
