"""Reads what the settings say that models' tokens cost."""

from __future__ import annotations

from typing import Annotated

import msgspec

from omni.base.errors import Rejected
from omni.llm.types import Price, Prices

_Rate = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class _PriceShape(msgspec.Struct, forbid_unknown_fields=True):
    prompt: _Rate
    answer: _Rate
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")] = "USD"


def read_prices(text: str) -> Prices:
    """Read prices from JSON: `{"gpt-4o-mini": {"prompt": 0.15, "answer": 0.6}}`.

    Numbers are per million tokens; `currency` is `USD` unless it says otherwise, and one for all.

    Raises:
        Rejected: Not of that form, or of more than one currency.
    """
    if not text.strip():
        return Prices()
    try:
        shapes = msgspec.json.decode(text, type=dict[str, _PriceShape])
    except (msgspec.DecodeError, ValueError) as error:
        raise Rejected(f"prices: {error}", field="OMNI_LLM_PRICES") from error
    currencies = {shape.currency for shape in shapes.values()}
    if len(currencies) > 1:
        raise Rejected(
            f"prices are of one currency, not of {', '.join(sorted(currencies))}",
            field="OMNI_LLM_PRICES",
        )
    by_model = {name: Price(shape.prompt, shape.answer) for name, shape in shapes.items()}
    return Prices(by_model, "".join(currencies))
