"""What every group of calls stands on: a request in, a model out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel

from omni.client.transport import Transport

Model = TypeVar("Model", bound=BaseModel)


class Calls:
    """Sends a request and reads the answer as a model."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def _get(
        self,
        model: type[Model],
        path: str,
        params: Mapping[str, object] | None = None,
        **options: int,
    ) -> Model:
        return model.model_validate_json(await self._transport.get(path, params, **options))

    async def _send(
        self,
        model: type[Model],
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        idempotency_key: str | None = None,
    ) -> Model:
        answer = await self._transport.send(method, path, body, idempotency_key=idempotency_key)
        return model.model_validate_json(answer)


def given(**fields: object) -> dict[str, object]:
    """Return the fields that were given: None is not sent."""
    return {name: value for name, value in fields.items() if value is not None}
