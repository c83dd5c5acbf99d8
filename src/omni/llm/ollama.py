"""A judge that runs on an Ollama server, through `POST /api/generate` or `POST /api/chat`.

The answer is streamed, so that a bounded part of it is ever held, and hanging up stops the server.
The protocol is Ollama's public API documentation (`docs/api.md` of its repository).
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from contextlib import aclosing
from time import perf_counter
from typing import Any, Literal, NoReturn
from urllib.parse import urlsplit

from ollama import AsyncClient, ResponseError

from omni.base.errors import Fatal, OmniError, Transient
from omni.base.settings import is_loopback
from omni.llm.ollama_wire import OllamaWire, Part, Unanswered
from omni.llm.pool import TooSlow
from omni.llm.ports import Answer, Health, Prompt, Unfinished
from omni.llm.remote import CONNECT_S, HEALTH_S, MAX_ANSWER_CHARS, is_refusal, one_line
from omni.llm.types import seeing

_CONTEXT_TOKENS = 8_192


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
        images: How many pictures the model is shown at most: 0 to 3; part of its name.
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
        images: int = 0,
    ) -> None:
        self.model = seeing(f"ollama/{model}", images)
        self.concurrency = concurrency
        self._name = model
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._api = api
        self._images = images
        self._common: dict[str, Any] = {
            "model": model,
            **({} if keep_alive is None else {"keep_alive": keep_alive}),
            # One context size for all calls: another one makes the server load the model again.
            "options": {
                "temperature": 0,
                "seed": 0,
                "num_predict": max_tokens,
                "num_ctx": _CONTEXT_TOKENS,
            },
        }
        connect_s = min(timeout_s, CONNECT_S)
        # A proxy of the environment cannot reach this machine's own loopback.
        trust_env = not is_loopback(_host(base_url))
        self._wire = OllamaWire(
            base_url, concurrency=concurrency, connect_s=connect_s, trust_env=trust_env
        )
        self._client = AsyncClient(
            host=base_url,
            # Of `health` and `pull`: connect, read, write, pool.
            timeout=(connect_s, None, None, None),
            follow_redirects=False,
            trust_env=trust_env,
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
        except Unanswered as error:
            raise self._broken(error) from error

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
        except Exception as error:  # the package lets faults of its HTTP client through as they are
            self._raise(error)

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._wire.close()
        await self._client.close()

    async def _call(self, prompt: Prompt, started: float) -> Answer:
        chat = self._api == "chat" or bool(prompt.turns)
        path, body = ("/api/chat", self._chat(prompt)) if chat else (
            "/api/generate", self._generate(prompt)
        )  # fmt: skip
        pieces: list[str] = []
        room = MAX_ANSWER_CHARS
        async with aclosing(self._wire.stream(path, body)) as parts:
            async for part in parts:
                pieces.append(part.text[:room])
                room -= len(pieces[-1])
                if part.done or room <= 0:
                    return _answer("".join(pieces), part, started)
        raise Unfinished("ollama: the answer broke off")

    def _generate(self, prompt: Prompt) -> dict[str, Any]:
        return {
            **self._common,
            "system": prompt.system,
            "prompt": prompt.user,
            **self._pictures(prompt),
            "format": prompt.schema,
            "stream": True,
        }

    def _chat(self, prompt: Prompt) -> dict[str, Any]:
        first = {"role": "user", "content": prompt.user, **self._pictures(prompt)}
        turns = [{"role": turn.role, "content": turn.text} for turn in prompt.turns]
        return {
            **self._common,
            "messages": [{"role": "system", "content": prompt.system}, first, *turns],
            "format": prompt.schema,
            "stream": True,
        }

    def _pictures(self, prompt: Prompt) -> dict[str, list[str]]:
        """Return the pictures as base64, if there are any that the model sees."""
        if not self._images or not prompt.images:
            return {}
        return {
            "images": [b64encode(image.data).decode() for image in prompt.images[: self._images]]
        }

    def _raise(self, error: Exception) -> NoReturn:
        """Say what is wrong in Omni's own terms."""
        if isinstance(error, OmniError):
            raise error
        raise self._broken(error) from error

    def _broken(self, error: Exception) -> OmniError:
        """Say what a failed exchange looks like to a person; -1 is an error in mid-answer."""
        if isinstance(error, Unanswered):
            return self._unanswered(error)
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

    def _unanswered(self, error: Unanswered) -> OmniError:
        if error.status == 0:
            return Transient(f"ollama: nothing answers at {self._base_url} (OMNI_OLLAMA_BASE_URL)")
        if error.status == 200:
            return Unfinished(f"ollama: {self._base_url} gave no usable answer: {error}")
        if error.status == 404:
            return self._missing(str(error))
        if is_refusal(error.status):
            return Fatal(f"ollama: {self._base_url} refuses the request: {error.status} {error}")
        return Transient(
            f"ollama: {self._base_url} failed: {error.status} {error}",
            retry_after=error.retry_after,
        )

    def _missing(self, said: str) -> Fatal:
        return Fatal(
            f"ollama: {self._base_url} has no model {self._name!r} ({said});"
            f" run `ollama pull {self._name}` there, or `omni judge pull`, or set OMNI_OLLAMA_MODEL"
        )


def _answer(text: str, last: Part, started: float) -> Answer:
    return Answer(
        text=text,
        complete=last.done and last.done_reason == "stop",
        latency_ms=(perf_counter() - started) * 1_000,
        prompt_tokens=last.prompt_eval_count,
        answer_tokens=last.eval_count,
    )


def _host(base_url: str) -> str:
    """Return the host of a URL, which may stand without its scheme."""
    return urlsplit(base_url if "://" in base_url else f"//{base_url}").hostname or ""
