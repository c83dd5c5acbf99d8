"""A judge that runs on an Ollama server, through `POST /api/generate`.

The answer is streamed, so that a bounded part of it is ever held, and hanging up stops the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from random import Random
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

from ollama import AsyncClient, GenerateResponse, ResponseError

from omni.base.errors import Fatal, OmniError, Transient
from omni.base.log import get_logger
from omni.base.settings import is_loopback
from omni.llm.ports import Answer, Prompt

MAX_ANSWER_CHARS = 64_000
"""What is longer cannot be a verdict: it is cut off, and reading stops."""

_CONTEXT_TOKENS = 8_192
_CONNECT_S = 10.0
_PASSING_STATUS = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a passing fault is tried again.

    Attributes:
        attempts: Calls in all, the first included.
        base_s: Seconds before the second attempt; doubled each time, then scattered by half.
        longest_s: The most seconds between two attempts.
    """

    attempts: int = 3
    base_s: float = 0.5
    longest_s: float = 8.0

    def pause(self, attempt: int, rng: Random) -> float:
        """Return the seconds to wait after attempt number `attempt` (1 is the first)."""
        return min(self.longest_s, self.base_s * 2 ** (attempt - 1)) * rng.uniform(0.5, 1.5)


class OllamaJudge:
    """Judges with a model of an Ollama server.

    Args:
        base_url: Such as `http://127.0.0.1:11434`.
        model: Name of the model on the server, such as `llama3.1`.
        timeout_s: The most seconds that one attempt may take, the loading of the model included.
        max_tokens: The most tokens of an answer.
        concurrency: How many calls may be under way at a time.
        retries: Bounds of the attempts at passing faults; what took too long is not tried again.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        timeout_s: float,
        max_tokens: int,
        concurrency: int,
        retries: Retries | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: Random | None = None,
    ) -> None:
        self.model = f"ollama/{model}"
        self.concurrency = concurrency
        self._name = model
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._max_tokens = max_tokens
        self._retries = retries or Retries()
        self._sleep = sleep
        self._rng = rng or Random()  # noqa: S311 - scatters retries, guards nothing
        self._client = AsyncClient(
            host=base_url,
            # The limit of the whole attempt is `_attempt`'s; these are connect, read, write, pool.
            timeout=(min(timeout_s, _CONNECT_S), None, None, None),
            follow_redirects=False,
            # A proxy of the environment cannot reach this machine's own loopback.
            trust_env=not is_loopback(_host(base_url)),
        )

    async def ask(self, prompt: Prompt) -> Answer:
        """Return the model's answer.

        Raises:
            Transient: The server failed in each attempt, or took longer than the time limit.
            Fatal: The server does not have the model, or refuses the request for good.
        """
        started = perf_counter()
        attempt = 1
        while True:
            try:
                return await self._attempt(prompt, started)
            except _Passing as fault:
                if attempt >= self._retries.attempts:
                    raise
                get_logger().info("llm.call_retried", attempt=attempt, error=str(fault))
            await self._sleep(self._retries.pause(attempt, self._rng))
            attempt += 1

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._client.close()

    async def _attempt(self, prompt: Prompt, started: float) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._generate(prompt, started)
        except TimeoutError:
            late = f"ollama: no answer within {self._timeout_s:g} s (OMNI_LLM_TIMEOUT_S)"
            raise Transient(late) from None
        except ResponseError as error:
            raise self._refused(error) from error
        except _Passing:
            raise
        except Exception as error:  # the package lets faults of its HTTP client through as they are
            raise self._broken(error) from error

    async def _generate(self, prompt: Prompt, started: float) -> Answer:
        stream = await self._client.generate(
            model=self._name,
            system=prompt.system,
            prompt=prompt.user,
            format=prompt.schema,
            stream=True,
            # One context size for all calls: another one makes the server load the model again.
            options={
                "temperature": 0,
                "num_predict": self._max_tokens,
                "num_ctx": _CONTEXT_TOKENS,
            },
        )
        pieces: list[str] = []
        room = MAX_ANSWER_CHARS
        async with aclosing(cast("AsyncGenerator[GenerateResponse]", stream)) as parts:
            async for part in parts:
                pieces.append((part.response or "")[:room])
                room -= len(pieces[-1])
                if part.done or room <= 0:
                    return _answer("".join(pieces), part, started)
        raise _Passing("ollama: the answer broke off")

    def _refused(self, error: ResponseError) -> OmniError:
        """Say what an error status means; -1 is an error in the middle of an answer."""
        said = _one_line(error.error)
        status = error.status_code
        if status == 404:
            return Fatal(
                f"ollama: {self._base_url} has no model {self._name!r} ({said});"
                f" run `ollama pull {self._name}` there, or set OMNI_OLLAMA_MODEL"
            )
        if 400 <= status < 500 and status not in _PASSING_STATUS:
            return Fatal(f"ollama: {self._base_url} refuses the request: {status} {said}")
        return _Passing(f"ollama: {self._base_url} failed: {status} {said}")

    def _broken(self, error: Exception) -> OmniError:
        """Say what a broken exchange looks like to a person."""
        kind = type(error).__name__
        if kind in ("ConnectError", "ConnectTimeout"):
            return _Passing(f"ollama: nothing answers at {self._base_url} (OMNI_OLLAMA_BASE_URL)")
        return _Passing(
            f"ollama: {self._base_url} gave no usable answer: {kind} {_one_line(error)}"
        )


class _Passing(Transient):
    """A fault that another attempt may not meet, unlike a timeout."""


def _answer(text: str, last: GenerateResponse, started: float) -> Answer:
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


def _one_line(said: object) -> str:
    return " ".join(str(said).split())[:200]
