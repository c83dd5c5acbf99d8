"""A POST with an `Idempotency-Key` has its effect once, however often it is sent.

The answer is recorded in the transaction of the effect, so that a crash leaves both or neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from omni.api.deps import ApiDeps, Deps
from omni.api.errors import InProgress
from omni.api.security import CALLER
from omni.base.errors import Rejected
from omni.storage import answers
from omni.storage.answers import Given
from omni.storage.db import Tx

HEADER = "Idempotency-Key"
Effect = Callable[[Tx], Awaitable[BaseModel]]
"""Does the work in the transaction and returns the body of the answer."""
Kept = Callable[[BaseModel], BaseModel]
"""Returns what of an answer is kept."""


class Once:
    """Runs the effect of one request in one transaction, at most once for its idempotency key."""

    def __init__(
        self, deps: ApiDeps, *, key: str | None, caller: str, route: str, request_hash: str
    ) -> None:
        self._deps = deps
        self._key = key
        self._caller = caller
        self._route = route
        self._request_hash = request_hash

    async def run(self, status: int, effect: Effect, *, kept: Kept | None = None) -> Response:
        """Return the answer of `effect`, or the one that this key got before.

        Args:
            status: Of the answer.
            effect: What is done once.
            kept: What of the answer is kept, and given again: without what is shown only once.

        Raises:
            InProgress: A request with the same key is being served right now.
            Rejected: The key was used with another body.
        """
        async with self._deps.db.transaction() as tx:
            if self._key is None:
                return _json(status, _written(await effect(tx)))
            return await self._run_keyed(tx, self._key, status, effect, kept or _whole)

    async def _run_keyed(
        self, tx: Tx, key: str, status: int, effect: Effect, kept: Kept
    ) -> Response:
        now = self._deps.clock()
        if not await answers.claim(tx, caller=self._caller, route=self._route, key=key):
            raise InProgress("a request with this Idempotency-Key is being served: ask again soon")
        given = await answers.find_given(
            tx, caller=self._caller, route=self._route, key=key, now=now
        )
        if given is not None:
            return self._replay(given)
        answer = await effect(tx)
        given = Given(self._request_hash, status, _written(kept(answer)))
        await answers.record_given(
            tx, given, caller=self._caller, route=self._route, key=key, now=now
        )
        return _json(status, _written(answer))

    def _replay(self, given: Given) -> Response:
        if given.request_hash != self._request_hash:
            raise Rejected("was used before with another body: take a new key", field=HEADER)
        return _json(given.status, given.response, {"Idempotency-Replayed": "true"})


async def get_once(
    request: Request,
    deps: Deps,
    key: Annotated[
        str | None,
        Header(
            alias=HEADER,
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="Makes sending this request again harmless, for 24 hours",
        ),
    ] = None,
) -> Once:
    """Return what runs the effect of this request once."""
    query = request.url.query.encode()
    return Once(
        deps,
        key=key,
        caller=request.scope.get(CALLER, ""),
        route=f"{request.method} {request.url.path}",
        request_hash=hashlib.sha256(query + b"\n" + await request.body()).hexdigest(),
    )


RunOnce = Annotated[Once, Depends(get_once)]


def _written(answer: BaseModel) -> bytes:
    return answer.model_dump_json().encode()


def _whole(answer: BaseModel) -> BaseModel:
    return answer


def without_secret(answer: BaseModel) -> BaseModel:
    """Return an answer as it is kept: its `secret` is shown once, and stored nowhere in clear."""
    return answer.model_copy(update={"secret": None})


def _json(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, media_type="application/json")
