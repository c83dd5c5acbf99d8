"""What a reader keeps of answers, so that it asks for them again only if they have changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from omni.connectors.fetched import Fetched, Validators

if TYPE_CHECKING:
    from omni.connectors.addresses import Params
    from omni.connectors.http import HttpClient

MAX_BYTES = 32_000_000
"""Bound of the bodies that one memory keeps."""
_MAX_SHARE = 20
"""One answer may take the bound's twentieth part: a larger one would push too many out."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of an answer; `link` says where its list goes on."""

    validators: Validators
    body: bytes
    link: str


class Memory:
    """The last answers of one reader, those that were used longest ago forgotten first.

    Only answers with a validator (`ETag`, `Last-Modified`) are kept. It ends with the process: the
    first reading after a start is whole, and nothing depends on it.

    Args:
        http: The way out.
        headers: Sent with every request, such as the reader's token: one memory, one reader.
        max_bytes: Bound of the kept bodies.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._http = http
        self._headers = dict(headers or {})
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, bytes], _Kept] = OrderedDict()
        self._bytes = 0

    async def get_json(self, url: str, *, params: Params | None = None) -> Any:
        """Return the JSON value at `url`, which is asked for only if it has changed.

        Raises:
            HttpRejected, TooLarge, Rejected, Transient: As in `HttpClient.get_json`.
        """
        return (await self.get(url, params=params)).json()

    async def get(self, url: str, *, params: Params | None = None) -> Fetched:
        """Return the answer at `url`, JSON and perhaps a `Link`; raises as `get_json`.

        Where nothing has changed it is the one that is kept, as if it had just come.
        """
        key = url, msgspec.json.encode(params)
        known = self._kept.get(key)
        answer = await self._http.get(
            url,
            params=params,
            headers=self._headers,
            accept="application/json",
            validators=known and known.validators,
        )
        if known is None or answer.status == "ok":
            self._keep(key, _Kept(answer.validators, answer.body, answer.headers.get("link", "")))
            return answer
        link = answer.headers.get("link", known.link)
        self._keep(key, _Kept(answer.validators, known.body, link))
        return replace(
            answer, status="ok", body=known.body, headers={**answer.headers, "link": link}
        )

    def _keep(self, key: tuple[str, bytes], answer: _Kept) -> None:
        before = self._kept.pop(key, None)
        self._bytes -= len(before.body) if before else 0
        if not answer.validators or len(answer.body) * _MAX_SHARE > self._max_bytes:
            return
        self._kept[key] = answer
        self._bytes += len(answer.body)
        while self._bytes > self._max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.body)
