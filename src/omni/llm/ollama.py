"""A judge that runs on an Ollama server, through `POST /api/generate` or `POST /api/chat`.

The answer is streamed, so that a bounded part of it is ever held, and hanging up stops the server.
The protocol is Ollama's public API documentation (`docs/api.md` of its repository).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from time import perf_counter
from typing import Any, Literal, NoReturn, cast
from urllib.parse import urlsplit

from ollama import AsyncClient, ChatResponse, GenerateResponse, ResponseError

from omni.base.errors import Fatal, OmniError, Transient
from omni.base.settings import is_loopback
from omni.llm.pool import TooSlow
from omni.llm.ports import Answer, Health, Prompt
from omni.llm.remote import CONNECT_S, HEALTH_S, MAX_ANSWER_CHARS, is_refusal, one_line

_CONTEXT_TOKENS = 8_192

Part = GenerateResponse | ChatResponse


class OllamaJudge:
    """Judges with a model of an Ollama server.

    Args:
        base_url: Such as `http://127.0.0.1:11434`.
        model: Name of the model on the server, such as `llama3.1`.
        timeout_s: The most seconds that one call may take, the loading of the model included.
        max_tokens: The most tokens of an answer.
        concurrency: How many calls may be under way at a time.
        api: Which of the two calls is used; a conversation that goes on always uses `chat`.
        keep_alive: How long the server keeps the model loaded after a call, such as `10m`.
        images: Whether the model sees pictures.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        timeout_s: float,
        max_tokens: int,
        concurrency: int,
        api: Literal["generate", "chat"] = "generate",
        keep_alive: str | None = None,
        images: bool = False,
    ) -> None:
        self.model = f"ollama/{model}"
        self.concurrency = concurrency
        self._name = model
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._api = api
        self._images = images
        self._common: dict[str, Any] = {
            "model": model,
            "keep_alive": keep_alive,
            # One context size for all calls: another one makes the server load the model again.
            "options": {
                "temperature": 0,
                "seed": 0,
                "num_predict": max_tokens,
                "num_ctx": _CONTEXT_TOKENS,
            },
        }
        self._client = AsyncClient(
            host=base_url,
            # The limit of the whole call is `ask`'s; these are connect, read, write, pool.
            timeout=(min(timeout_s, CONNECT_S), None, None, None),
            follow_redirects=False,
            # A proxy of the environment cannot reach this machine's own loopback.
            trust_env=not is_loopback(_host(base_url)),
        )

    async def ask(self, prompt: Prompt) -> Answer:
        """Return the model's answer.

        Raises:
            Transient: The server failed, or took longer than the time limit.
            Fatal: The server does not have the model, or refuses the request for good.
        """
        started = perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._call(prompt, started)
        except TimeoutError:
            late = f"ollama: no answer within {self._timeout_s:g} s (OMNI_LLM_TIMEOUT_S)"
            raise TooSlow(late) from None
        except Exception as error:  # the package lets faults of its HTTP client through as they are
            self._raise(error)

    async def health(self) -> Health:
        """Ask the server which models it has."""
        try:
            async with asyncio.timeout(HEALTH_S):
                found = await self._client.list()
        except Exception as error:  # whatever is wrong there is what a person wants to read
            return Health(False, str(self._broken(error)))
        models = tuple(sorted(model.model or "" for model in found.models))
        names = {name.removesuffix(":latest") for name in models}
        if self._name.removesuffix(":latest") not in names:
            return Health(False, str(self._missing("not among its models")), models)
        return Health(True, f"ollama at {self._base_url} has {self._name}", models)

    async def pull(self, report: Callable[[str, int | None, int | None], None]) -> None:
        """Let the server fetch the model.

        Args:
            report: Told what is being done, and how many bytes of how many are there.

        Raises:
            Transient: The server failed; pulling again goes on where it was.
            Fatal: The server knows no such model.
        """
        try:
            async for part in await self._client.pull(self._name, stream=True):
                report(one_line(part.status), part.completed, part.total)
        except Exception as error:  # as in `ask`
            self._raise(error)

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._client.close()

    async def _call(self, prompt: Prompt, started: float) -> Answer:
        chat = self._api == "chat" or bool(prompt.turns)
        stream = await (self._chat(prompt) if chat else self._generate(prompt))
        pieces: list[str] = []
        room = MAX_ANSWER_CHARS
        async with aclosing(cast("AsyncGenerator[Part]", stream)) as parts:
            async for part in parts:
                pieces.append(_text(part)[:room])
                room -= len(pieces[-1])
                if part.done or room <= 0:
                    return _answer("".join(pieces), part, started)
        raise Transient("ollama: the answer broke off")

    async def _generate(self, prompt: Prompt) -> AsyncIterator[Part]:
        return await self._client.generate(
            **self._common,
            system=prompt.system,
            prompt=prompt.user,
            images=self._pictures(prompt),
            format=prompt.schema,
            stream=True,
        )

    async def _chat(self, prompt: Prompt) -> AsyncIterator[Part]:
        first = {"role": "user", "content": prompt.user, "images": self._pictures(prompt)}
        turns = [{"role": turn.role, "content": turn.text} for turn in prompt.turns]
        return await self._client.chat(  # pyright: ignore[reportUnknownMemberType]
            **self._common,
            messages=[{"role": "system", "content": prompt.system}, first, *turns],
            format=prompt.schema,
            stream=True,
        )

    def _pictures(self, prompt: Prompt) -> list[bytes] | None:
        """Return the pictures; the package sends them as base64."""
        return [image.data for image in prompt.images] or None if self._images else None

    def _raise(self, error: Exception) -> NoReturn:
        """Say what is wrong in Omni's own terms."""
        if isinstance(error, OmniError):
            raise error
        raise self._broken(error) from error

    def _broken(self, error: Exception) -> OmniError:
        """Say what a failed exchange looks like to a person; -1 is an error in mid-answer."""
        if isinstance(error, ResponseError):
            said, status = one_line(error.error), error.status_code
            if status == 404:
                return self._missing(said)
            if is_refusal(status):
                return Fatal(f"ollama: {self._base_url} refuses the request: {status} {said}")
            return Transient(f"ollama: {self._base_url} failed: {status} {said}")
        kind = type(error).__name__
        # The package turns a refused connection into the built-in ConnectionError.
        if kind in ("ConnectError", "ConnectTimeout", "ConnectionError"):
            return Transient(f"ollama: nothing answers at {self._base_url} (OMNI_OLLAMA_BASE_URL)")
        return Transient(
            f"ollama: {self._base_url} gave no usable answer: {kind} {one_line(error)}"
        )

    def _missing(self, said: str) -> Fatal:
        return Fatal(
            f"ollama: {self._base_url} has no model {self._name!r} ({said});"
            f" run `ollama pull {self._name}` there, or `omni judge pull`, or set OMNI_OLLAMA_MODEL"
        )


def _text(part: Part) -> str:
    return (part.response if isinstance(part, GenerateResponse) else part.message.content) or ""


def _answer(text: str, last: Part, started: float) -> Answer:
    return Answer(
        text=text,
        complete=bool(last.done) and last.done_reason == "stop",
        latency_ms=(perf_counter() - started) * 1_000,
        prompt_tokens=last.prompt_eval_count,
        answer_tokens=last.eval_count,
    )


def _host(base_url: str) -> str:
    """Return the host of a URL, which may stand without its scheme."""
    return urlsplit(base_url if "://" in base_url else f"//{base_url}").hostname or ""
