"""A judge on any server with OpenAI's chat completions: vLLM, llama.cpp, LM Studio, or a cloud.

The protocol is OpenAI's public API reference, `POST /v1/chat/completions`, streamed, so that a
bounded part of the answer is ever held. Servers differ in how a schema is said: it is first said as
`json_schema`, and where that is refused as `json_object` with the schema beside it, as llama.cpp
has it.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, cast
from urllib.parse import urlsplit

import openai
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk

from omni.base.errors import Fatal, OmniError, Transient
from omni.base.settings import is_loopback
from omni.llm.pool import TooSlow
from omni.llm.ports import Answer, Health, Image, Prompt, Unfinished
from omni.llm.remote import CONNECT_S, HEALTH_S, MAX_ANSWER_CHARS, is_refusal, one_line
from omni.llm.types import seeing

_NO_KEY = "none"
"""What servers without keys get: the package does not go without."""


class OpenAIJudge:
    """Judges with a model of a server that speaks OpenAI's protocol.

    Args:
        base_url: With the version, such as `https://api.openai.com/v1`.
        model: Name of the model on the server.
        api_key: What the server knows us by; None where it needs nothing.
        timeout_s: The most seconds that one call may take.
        max_tokens: The most tokens of an answer.
        concurrency: How many calls may be under way at a time.
        images: How many pictures the model is shown at most: 0 to 3; part of its name.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | None,
        timeout_s: float,
        max_tokens: int,
        concurrency: int,
        images: int = 0,
    ) -> None:
        self.model = seeing(f"openai/{model}", images)
        self.concurrency = concurrency
        self._name = model
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._max_tokens = max_tokens
        self._images = images
        self._says_json_schema = True
        self._http = openai.DefaultAsyncHttpxClient(
            follow_redirects=False, trust_env=not is_loopback(urlsplit(base_url).hostname or "")
        )
        self._client = AsyncOpenAI(
            api_key=api_key or _NO_KEY,
            base_url=base_url,
            # One call is one request: the pool tries again, and counts.
            max_retries=0,
            # The limit of the whole call is `ask`'s.
            timeout=openai.Timeout(timeout_s, connect=min(timeout_s, CONNECT_S)),
            http_client=self._http,
        )

    async def ask(self, prompt: Prompt) -> Answer:
        """Return the model's answer.

        Raises:
            Transient: The server failed, or took longer than the time limit.
            Fatal: The server does not have the model, or refuses the key or the request for good.
        """
        started = perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._call(prompt, started)
        except (TimeoutError, openai.APITimeoutError):
            late = f"openai: no answer within {self._timeout_s:g} s (OMNI_LLM_TIMEOUT_S)"
            raise TooSlow(late) from None
        except OmniError:
            raise
        except Exception as error:  # the package lets some faults of its parts through as they are
            raise self._broken(error) from error

    async def health(self) -> Health:
        """Ask the server which models it has."""
        try:
            async with asyncio.timeout(HEALTH_S):
                models = tuple(sorted([model.id async for model in self._client.models.list()]))
        except Exception as error:  # whatever is wrong there is what a person wants to read
            return Health(False, str(self._broken(error)))
        if self._name not in models:
            return Health(False, str(self._missing("not among its models")), models)
        return Health(True, f"{self._base_url} has {self._name}", models)

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._client.close()

    async def _call(self, prompt: Prompt, started: float) -> Answer:
        create = cast("Any", self._client.chat.completions.create)
        try:
            stream: AsyncStream[ChatCompletionChunk] = await create(
                model=self._name,
                messages=self._messages(prompt),
                response_format=self._format(prompt.schema),
                max_tokens=self._max_tokens,
                temperature=0,
                seed=0,
                stream=True,
                stream_options={"include_usage": True},
            )
        except openai.APIStatusError as error:
            raise self._other_format(error) from error
        async with stream:
            return await _read(stream, started)

    def _other_format(self, error: openai.APIStatusError) -> OmniError:
        """Say the schema otherwise from now on, if that is what the server does not understand.

        The status does not tell: some say 400 or 422, llama-cpp-python says 500.
        """
        if self._says_json_schema and "response_format" in str(error):
            self._says_json_schema = False
            return Transient(f"openai: {self._base_url} wants its schema said otherwise")
        return self._broken(error)

    def _format(self, schema: dict[str, Any]) -> dict[str, Any]:
        if self._says_json_schema:
            named = {"name": "verdict", "schema": schema, "strict": True}
            return {"type": "json_schema", "json_schema": named}
        return {"type": "json_object", "schema": schema}

    def _messages(self, prompt: Prompt) -> list[dict[str, Any]]:
        content: str | list[dict[str, Any]] = prompt.user
        if self._images and prompt.images:
            pictures = [
                {"type": "image_url", "image_url": {"url": _data_url(image)}}
                for image in prompt.images[: self._images]
            ]
            content = [{"type": "text", "text": prompt.user}, *pictures]
        turns = [{"role": turn.role, "content": turn.text} for turn in prompt.turns]
        return [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": content},
            *turns,
        ]

    def _broken(self, error: Exception) -> OmniError:
        """Say what a failed exchange looks like to a person."""
        said = one_line(error)
        if isinstance(error, openai.APIStatusError):
            status = error.status_code
            if status == 404:
                return self._missing(said)
            if status in (401, 403):
                return Fatal(f"openai: {self._base_url} refuses the key (OMNI_OPENAI_API_KEY)")
            if is_refusal(status):
                return Fatal(f"openai: {self._base_url} refuses the request: {said}")
            return Transient(
                f"openai: {self._base_url} failed: {said}",
                retry_after=_seconds(error.response.headers.get("retry-after")),
            )
        if type(error) is openai.APIConnectionError and _never_connected(error):
            return Transient(f"openai: nothing answers at {self._base_url} (OMNI_OPENAI_BASE_URL)")
        kind = type(error).__name__
        return Unfinished(f"openai: {self._base_url} gave no usable answer: {kind} {said}")

    def _missing(self, said: str) -> Fatal:
        return Fatal(
            f"openai: {self._base_url} has no model {self._name!r} ({said});"
            " set OMNI_OPENAI_MODEL to one that it has"
        )


@dataclass(slots=True)
class _Reading:
    """What has come of an answer so far."""

    pieces: list[str] = field(default_factory=list[str])
    room: int = MAX_ANSWER_CHARS
    finish: str | None = None
    refused: bool = False
    prompt_tokens: int | None = None
    answer_tokens: int | None = None

    def take(self, chunk: ChatCompletionChunk) -> None:
        """Add a piece. Some servers send chunks without choices, or fields that are null."""
        if chunk.usage:
            self.prompt_tokens = chunk.usage.prompt_tokens
            self.answer_tokens = chunk.usage.completion_tokens
        for choice in chunk.choices or ():
            self.refused = self.refused or bool(choice.delta.refusal)
            piece = (choice.delta.content or choice.delta.refusal or "")[: self.room]
            self.pieces.append(piece)
            self.room -= len(piece)
            self.finish = choice.finish_reason or self.finish


async def _read(stream: AsyncStream[ChatCompletionChunk], started: float) -> Answer:
    reading = _Reading()
    async for chunk in stream:
        reading.take(chunk)
        if reading.room <= 0:
            break
    if reading.finish is None and reading.room > 0:
        raise Unfinished("openai: the answer broke off")
    return Answer(
        text="".join(reading.pieces),
        complete=reading.finish == "stop",
        latency_ms=(perf_counter() - started) * 1_000,
        prompt_tokens=reading.prompt_tokens,
        answer_tokens=reading.answer_tokens,
        refused=reading.refused or reading.finish == "content_filter",
    )


def _never_connected(error: openai.APIConnectionError) -> bool:
    """Tell whether no connection came about, so that the server cannot have worked."""
    return type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout", "ProxyError")


def _data_url(image: Image) -> str:
    return f"data:{image.content_type};base64,{b64encode(image.data).decode()}"


def _seconds(value: str | None) -> float | None:
    """Return a `Retry-After` that is given in seconds."""
    text = (value or "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
