"""What a reader keeps of answers, so that it asks for them again only if they have changed."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import msgspec

from omni.connectors.fetched import Validators

if TYPE_CHECKING:
    from omni.connectors.addresses import Params
    from omni.connectors.http import HttpClient

MAX_BYTES = 32_000_000
"""Bound of the bodies that one memory keeps."""
_MAX_SHARE = 20
"""One answer may take the bound's twentieth part: a larger one would push too many out."""


class Memory:
    """The last answers of one reader, those that were used longest ago forgotten first.

    Only answers with a validator (`ETag`, `Last-Modified`) are kept. It ends with the process: the
    first reading after a start is whole, and nothing depends on it.

    Args:
        http: The way out.
        max_bytes: Bound of the kept bodies.
    """

    def __init__(self, http: HttpClient, *, max_bytes: int = MAX_BYTES) -> None:
        self._http = http
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, bytes], tuple[Validators, bytes]] = OrderedDict()
        self._bytes = 0

    async def get_json(self, url: str, *, params: Params) -> Any:
        """Return the JSON value at `url`, which is asked for only if it has changed.

        Raises:
            HttpRejected, TooLarge, Rejected, Transient: As in `HttpClient.get_json`.
        """
        key = url, msgspec.json.encode(params)
        validators, body = self._kept.get(key, (None, b""))
        answer = await self._http.get(
            url, params=params, accept="application/json", validators=validators
        )
        if answer.status == "not_modified":
            self._keep(key, answer.validators, body)
            return msgspec.json.decode(body)
        self._keep(key, answer.validators, answer.body)
        return answer.json()

    def _keep(self, key: tuple[str, bytes], validators: Validators, body: bytes) -> None:
        _, before = self._kept.pop(key, (None, b""))
        self._bytes -= len(before)
        if not validators or len(body) * _MAX_SHARE > self._max_bytes:
            return
        self._kept[key] = validators, body
        self._bytes += len(body)
        while self._bytes > self._max_bytes:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._bytes -= len(oldest)
