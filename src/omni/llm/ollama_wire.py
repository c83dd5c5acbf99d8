"""Ollama's streamed calls on the wire: one request, and the parts of its answer as they come.

The `ollama` package reads them through httpx and pydantic, token by token, which costs more
processor time than everything else that a verdict takes. Here aiohttp's parser and msgspec read
whatever has come at once. What is sent and read is Ollama's public API documentation (`docs/api.md`
of its repository): a JSON object a line, the last one with `done`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ServerTimeoutError,
    StreamReader,
    TCPConnector,
)

from omni.llm.remote import one_line

MAX_LINE_BYTES = 4_000_000
"""A longer line is no part of an answer."""
MAX_ERROR_BYTES = 4_000
LAST_BYTES_S = 0.2
"""The end of a stream comes with its last part; who holds it back loses the connection."""


class Unanswered(Exception):
    """No answer came: the server refused, failed, or cannot be reached.

    Attributes:
        status: HTTP status; 200 where the answer broke off or is none; 0 where nobody listens.
        retry_after: Seconds that the server asks to be left alone for, if it does.
    """

    def __init__(self, said: object, status: int, *, retry_after: float | None = None) -> None:
        super().__init__(one_line(said))
        self.status = status
        self.retry_after = retry_after


class _Message(msgspec.Struct, frozen=True):
    content: str = ""


class Part(msgspec.Struct, frozen=True):
    """One line of an answer; what is not named here is not read."""

    response: str = ""
    message: _Message = _Message()
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: str | None = None

    @property
    def text(self) -> str:
        """What the line adds to the answer, whichever call it belongs to."""
        return self.response or self.message.content


_DECODER = msgspec.json.Decoder(Part)


class OllamaWire:
    """Connections to one server, opened when they are first needed.

    Args:
        base_url: Such as `http://127.0.0.1:11434`.
        concurrency: The most connections.
        connect_s: The most seconds until a connection stands.
        trust_env: Whether a proxy of the environment is used.
    """

    def __init__(
        self, base_url: str, *, concurrency: int, connect_s: float, trust_env: bool
    ) -> None:
        url = base_url if "://" in base_url else f"http://{base_url}"
        self._url = url.rstrip("/")
        self._concurrency = concurrency
        # The limit of the whole call is the caller's.
        self._timeout = ClientTimeout(total=None, sock_connect=connect_s)
        self._trust_env = trust_env
        self._session: ClientSession | None = None

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Part]:
        """Send a call and yield the parts of its answer, the last one with `done`.

        Whoever stops listening before the end hangs up, and the server may stop.

        Raises:
            Unanswered: Which part of it failed, and how.
        """
        try:
            async with self._open().post(
                self._url + path,
                data=msgspec.json.encode(body),
                headers={"Content-Type": "application/json"},
                timeout=self._timeout,
                allow_redirects=False,
            ) as answer:
                if answer.status != HTTPStatus.OK:
                    raise await _refusal(answer)
                async with aclosing(_lines(answer.content)) as lines:
                    async for line in lines:
                        part = _read(line)
                        if part.done:
                            await _hear_out(answer.content)
                        yield part
        except (ClientConnectorError, ServerTimeoutError) as error:
            raise Unanswered(error, 0) from error
        except ClientError as error:
            raise Unanswered(f"{type(error).__name__} {error}", HTTPStatus.OK) from error

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> ClientSession:
        if self._session is None:
            connector = TCPConnector(limit=self._concurrency)
            self._session = ClientSession(connector=connector, trust_env=self._trust_env)
        return self._session


async def _refusal(answer: ClientResponse) -> Unanswered:
    said = await answer.content.read(MAX_ERROR_BYTES)
    asked = answer.headers.get("Retry-After", "")
    wait = float(asked) if asked.isascii() and asked.isdigit() else None
    return Unanswered(_error_of(said), answer.status, retry_after=wait)


async def _lines(content: StreamReader) -> AsyncGenerator[bytes]:
    """Yield the lines of what has come, which may be many at once."""
    rest = b""
    async for piece in content.iter_any():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > MAX_LINE_BYTES:
            raise Unanswered("a line without end", HTTPStatus.OK)
    if rest.strip():
        yield rest


async def _hear_out(content: StreamReader) -> None:
    """Read the end of an answer, so that the next call takes the same connection."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_BYTES_S):
            await content.readany()


def _read(line: bytes) -> Part:
    try:
        part = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unanswered(f"{type(error).__name__} {error}", HTTPStatus.OK) from error
    if part.error is not None:
        raise Unanswered(part.error, HTTPStatus.OK)
    return part


def _error_of(said: bytes) -> str:
    """Return what a server says of its error: its JSON's `error`, or else the beginning of it."""
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        return _DECODER.decode(said).error or said.decode("utf-8", "replace")
    return said.decode("utf-8", "replace")
