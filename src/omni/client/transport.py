"""HTTP under the client: one connection pool, bounded retries for reads, errors as exceptions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from typing import IO, Final

import httpx
from pydantic import ValidationError

from omni.api.schemas import FieldError, Problem
from omni.base.settings import is_loopback

ATTEMPTS: Final = 3
"""Of a read; anything else is sent once."""
_FIRST_WAIT_S = 0.1
_PASSING = frozenset({502, 503, 504})


class ApiProblem(Exception):
    """The API refused; `str()` is one clear line.

    Attributes:
        status: HTTP status.
        title: The kind of problem.
        detail: What is wrong and how to mend it.
        field: Place of the offending input, such as `criteria.all[2].value`.
        errors: Every mistake, where there were several.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        field: str | None = None,
        errors: tuple[FieldError, ...] = (),
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.field = field
        self.errors = errors


class ApiUnreachable(Exception):
    """Nothing answers at the API's address, or not in time; a write may have been done or not."""


class Transport:
    """Sends requests to one API.

    Args:
        base_url: Such as `http://127.0.0.1:8400`.
        api_key: Sent as a bearer token.
        timeout_s: The most seconds that one attempt may take.
    """

    def __init__(self, base_url: str, *, api_key: str | None, timeout_s: float) -> None:
        url = httpx.URL(base_url)
        self._base_url = base_url
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=timeout_s,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            # A proxy from the environment cannot reach this machine's own loopback.
            trust_env=not is_loopback(url.host),
            limits=httpx.Limits(max_connections=32),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def get(
        self, path: str, params: Mapping[str, object] | None = None, *, attempts: int = ATTEMPTS
    ) -> bytes:
        """Return the body; passing faults are tried again, up to `attempts` in all.

        Raises:
            ApiProblem: The API refused.
            ApiUnreachable: It cannot be reached.
        """
        query = _query(params)
        wait = _FIRST_WAIT_S
        for _ in range(attempts - 1):
            try:
                return await self._once("GET", path, params=query)
            except ApiUnreachable:
                pass
            except ApiProblem as problem:
                if problem.status not in _PASSING:
                    raise
            await asyncio.sleep(wait)
            wait *= 2
        return await self._once("GET", path, params=query)

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> bytes:
        """Send a write, once; return the body of the answer.

        Raises:
            ApiProblem: The API refused.
            ApiUnreachable: It cannot be reached; with an idempotency key it is safe to ask again.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return await self._once(method, path, body=body, headers=headers)

    async def upload(
        self,
        path: str,
        name: str,
        content: IO[bytes],
        fields: Mapping[str, object],
        *,
        idempotency_key: str | None = None,
    ) -> bytes:
        """Send a form with a file, once, piece by piece; return the body of the answer.

        Raises:
            ApiProblem, ApiUnreachable: As in `send`.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        # The fields go first, so that a mistake in them is known before the file.
        form = {field: str(value) for field, value in fields.items()}
        files = {"file": (name, content, "application/octet-stream")}
        try:
            response = await self._http.post(path, data=form, files=files, headers=headers)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if response.is_success:
            return response.content
        raise _problem_of(response)

    async def send_pieces(
        self,
        path: str,
        pieces: AsyncIterable[bytes],
        *,
        media_type: str,
        params: Mapping[str, object],
        size: int | None,
        timeout_s: float,
    ) -> bytes:
        """Send a body as it comes, once; return the body of the answer.

        Args:
            path: Where to.
            pieces: The body.
            media_type: What it is.
            params: Of the address.
            size: Bytes, if they are known.
            timeout_s: The most seconds that a piece, or the answer, may take.

        Raises:
            ApiProblem, ApiUnreachable: As in `send`.
        """
        headers = {"Content-Type": media_type}
        if size is not None:
            headers["Content-Length"] = str(size)
        query = {name: str(value) for name, value in params.items()}
        try:
            response = await self._http.post(
                path, params=query, content=pieces, headers=headers, timeout=timeout_s
            )
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if response.is_success:
            return response.content
        raise _problem_of(response)

    async def stream(
        self,
        path: str,
        params: Mapping[str, object] | None = None,
        *,
        begun: Callable[[Mapping[str, str]], None] | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield the body piece by piece; one that breaks off raises.

        Args:
            path: Where from.
            params: Of the address.
            begun: Called once with the headers, before the first piece.

        Raises:
            ApiProblem, ApiUnreachable: As in `get`.
        """
        try:
            async with self._http.stream("GET", path, params=_query(params)) as response:
                if not response.is_success:
                    await response.aread()
                    raise _problem_of(response)
                if begun is not None:
                    begun(response.headers)
                async for piece in response.aiter_bytes():
                    yield piece
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx.TransportError) -> ApiUnreachable:
        reason = str(error) or type(error).__name__
        return ApiUnreachable(f"no answer from {self._base_url}: {reason}")

    async def _once(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        try:
            response = await self._http.request(
                method, path, params=params or None, json=body, headers=headers
            )
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if response.is_success:
            return response.content
        raise _problem_of(response)


def _query(params: Mapping[str, object] | None) -> dict[str, str]:
    """Return the parameters that are given, as text."""
    return {name: str(value) for name, value in (params or {}).items() if value is not None}


def _problem_of(response: httpx.Response) -> ApiProblem:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        # Not Omni, then: a proxy in between, or another server at this address.
        return ApiProblem(response.status_code, response.reason_phrase, response.text[:300])
    return ApiProblem(
        problem.status, problem.title, problem.detail, problem.field, tuple(problem.errors)
    )
