"""A stand-in for model servers, written from the public API documentation of Ollama and OpenAI.

It speaks over real HTTP on loopback: Ollama's `POST /api/generate`, `/api/chat`, `/api/pull` and
`GET /api/tags`, and OpenAI's `POST /v1/chat/completions` and `GET /v1/models`; streamed or whole;
with a JSON Schema for the answer, and a cap of tokens at which the answer ends as `length`. It can
also behave badly.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import aclosing, contextmanager, nullcontext
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

Fault = Literal[
    "500", "503", "429", "hang", "half", "html", "whitespace", "endless", "mid-stream error",
    "10 MB", "NaN", "twice", "wrong schema", "refusal",
]  # fmt: skip

TOKEN_CHARS = 4
NOW = "2026-01-01T00:00:00Z"
_TEXTS: dict[Fault, str] = {
    "10 MB": '{"reasons": "' + "x" * 10_000_000 + '"}',
    "NaN": '{"reasons": [], "qualified": false, "score": NaN, "confidence": 0.5}',
    "twice": '{"qualified": true, "qualified": false, "reasons": [], "score": 0, "confidence": 1}',
    "wrong schema": '{"verdict": "yes", "score": 7033e8358970372036675}',
    "refusal": "I can't help with that.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A call, whichever way it came: its messages joined, and the body as it was."""

    path: str
    text: str
    body: dict[str, Any]


def quoting_reply(asked: Asked) -> str:
    """Answer as an obedient model would: yes, with the first words of the bio."""
    found = re.search(r"^\{.*\}$", asked.text, re.MULTILINE)
    profile: dict[str, Any] = json.loads(found.group()) if found else {}
    bio = str(profile.get("bio", ""))
    reasons = [{"criterion": "brief", "evidence": bio[:60]}] if bio else []
    return json.dumps({"reasons": reasons, "qualified": bool(bio), "score": 0.8, "confidence": 0.7})


@dataclass
class ModelServer:
    """The server's state: what it was asked, and how it is to behave."""

    models: set[str] = field(default_factory=lambda: {"llama3.1"})
    reply: Callable[[Asked], str] = quoting_reply
    latency_s: float = 0.01
    requests: list[Asked] = field(default_factory=list[Asked])
    connections: set[int] = field(default_factory=set[int])
    faults: deque[Fault] = field(default_factory=deque[Fault])
    hung_up: threading.Event = field(default_factory=threading.Event)
    in_flight: int = 0
    most_in_flight: int = 0
    busy_s: float = 0.0
    slots: asyncio.Semaphore | None = None
    knows_json_schema: bool = True
    key: str | None = None
    url: str = ""

    @property
    def openai_url(self) -> str:
        """Where OpenAI's protocol is spoken."""
        return f"{self.url}/v1"

    def forget(self) -> None:
        """Begin anew."""
        self.requests.clear()
        self.faults.clear()
        self.hung_up.clear()
        self.knows_json_schema, self.key = True, None

    def next_faults(self, *faults: Fault) -> None:
        """Make the next calls fail so, one each."""
        self.faults.extend(faults)

    async def ollama(self, request: Request) -> Response:
        """Serve one call in Ollama's protocol."""
        body: dict[str, Any] = await request.json()
        if (bad := await self._take(request, body)) is not None:
            return bad
        if body.get("model") not in self.models:
            return JSONResponse({"error": f"model '{body.get('model')}' not found"}, 404)
        chat = request.url.path.endswith("chat")
        common = {"model": body["model"], "created_at": NOW}

        def part(text: str, end: tuple[str, int, int] | None) -> str:
            said = (
                {"message": {"role": "assistant", "content": text}} if chat else {"response": text}
            )
            last = (
                {"done_reason": end[0], "prompt_eval_count": end[1], "eval_count": end[2]}
                if end
                else {}
            )
            return json.dumps({**common, **said, "done": end is not None, **last}) + "\n"

        cap = body.get("options", {}).get("num_predict", 128)
        lines = self._parts(self.requests[-1], cap, part, '{"error": "an error was encountered"}\n')
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def openai(self, request: Request) -> Response:
        """Serve one call in OpenAI's protocol."""
        body: dict[str, Any] = await request.json()
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return JSONResponse({"error": {"message": "Incorrect API key provided"}}, 401)
        if (bad := await self._take(request, body)) is not None:
            return bad
        if body.get("model") not in self.models:
            return JSONResponse({"error": {"message": "The model does not exist"}}, 404)
        if body["response_format"]["type"] == "json_schema" and not self.knows_json_schema:
            message = "response_format.type: Input should be 'text' or 'json_object'"
            return JSONResponse({"error": {"message": message}}, 422)

        common = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}

        def part(text: str, end: tuple[str, int, int] | None) -> str:
            choice = {
                "index": 0, "delta": {"content": text}, "finish_reason": end[0] if end else None,
            }  # fmt: skip
            chunks: list[dict[str, Any]] = [{**common, "choices": [choice]}]
            if end:
                usage = {
                    "prompt_tokens": end[1], "completion_tokens": end[2],
                    "total_tokens": end[1] + end[2],
                }  # fmt: skip
                chunks.append({**common, "choices": [], "usage": usage})
            lines = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
            return lines + ("data: [DONE]\n\n" if end else "")

        broken = 'data: {"error": {"message": "an error was encountered"}}\n\n'
        lines = self._parts(self.requests[-1], body["max_tokens"], part, broken)
        return StreamingResponse(lines, media_type="text/event-stream")

    async def tags(self) -> dict[str, Any]:
        """List the models as Ollama does."""
        return {"models": [{"model": f"{name}:latest"} for name in sorted(self.models)]}

    async def list_models(self) -> dict[str, Any]:
        """List the models as OpenAI does."""
        models = [
            {"id": name, "object": "model", "created": 1, "owned_by": "us"}
            for name in sorted(self.models)
        ]
        return {"object": "list", "data": models}

    async def pull(self, request: Request) -> Response:
        """Fetch a model, in two steps."""
        name = (await request.json())["model"]
        if name == "no-such":
            lines = ['{"error": "pull model manifest: file does not exist"}\n']
        else:
            self.models.add(name)
            lines = [
                '{"status": "pulling manifest"}\n',
                '{"status": "pulling x", "digest": "x", "total": 10, "completed": 5}\n',
                '{"status": "success"}\n',
            ]
        return StreamingResponse(iter(lines), media_type="application/x-ndjson")

    async def _take(self, request: Request, body: dict[str, Any]) -> Response | None:
        """Note a call; answer it at once where it is to fail before anything is said."""
        messages = body.get("messages", [])
        spoken = [_text_of(message["content"]) for message in messages]
        text = "\n".join([body.get("system", ""), body.get("prompt", ""), *spoken])
        self.requests.append(Asked(request.url.path, text, body))
        if request.client is not None:
            self.connections.add(request.client.port)
        fault = self.faults[0] if self.faults else None
        if fault in ("500", "503", "429", "html", "hang"):
            self.faults.popleft()
            if fault == "hang":
                await asyncio.sleep(30)
            if fault == "html":
                return HTMLResponse("<html>502 Bad Gateway</html>")
            return JSONResponse({"error": "busy"}, int(fault), {"retry-after": "0"})
        return None

    async def _parts(
        self,
        asked: Asked,
        cap: int,
        part: Callable[[str, tuple[str, int, int] | None], str],
        broken: str,
    ) -> AsyncIterator[str]:
        """Answer in parts, as soon as one of the slots is free, if there are so many only."""
        async with (
            self.slots or nullcontext(),
            aclosing(self._say(asked, cap, part, broken)) as said,
        ):
            async for line in said:
                yield line

    async def _say(
        self,
        asked: Asked,
        cap: int,
        part: Callable[[str, tuple[str, int, int] | None], str],
        broken: str,
    ) -> AsyncGenerator[str]:
        fault = self.faults.popleft() if self.faults else None
        text = _TEXTS[fault] if fault in _TEXTS else self.reply(asked)
        if fault == "whitespace":
            text = text[:10] + " " * 100_000
        size = 1_000_000 if fault == "10 MB" else TOKEN_CHARS
        tokens = [text[at : at + size] for at in range(0, len(text), size)]
        self.in_flight += 1
        began = perf_counter()
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.latency_s)
            for number, token in enumerate(tokens[:cap]):
                if fault == "half" and number == len(tokens) // 2:
                    raise ConnectionAbortedError("the server dies in mid-answer")
                if fault == "mid-stream error" and number == 2:
                    yield broken
                    return
                yield part(token, None)
                while fault == "endless":
                    yield part("x" * 1_000, None)
                    await asyncio.sleep(0)
            reason = "stop" if len(tokens) <= cap else "length"
            yield part("", (reason, len(asked.text) // TOKEN_CHARS, min(len(tokens), cap)))
        except asyncio.CancelledError:
            self.hung_up.set()
            raise
        finally:
            self.in_flight -= 1
            self.busy_s += perf_counter() - began


def _text_of(content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


class _Server(uvicorn.Server):
    started_event: threading.Event

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.started_event.set()


@contextmanager
def running_model_server() -> Generator[ModelServer]:
    """Serve a stand-in on a free port of 127.0.0.1, in a thread of its own."""
    stand_in = ModelServer()
    app = FastAPI()
    for path in ("/api/generate", "/api/chat"):
        app.post(path, response_model=None)(stand_in.ollama)
    app.get("/api/tags")(stand_in.tags)
    app.post("/api/pull", response_model=None)(stand_in.pull)
    app.post("/v1/chat/completions", response_model=None)(stand_in.openai)
    app.get("/v1/models")(stand_in.list_models)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    server.started_event = threading.Event()
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.started_event.wait(60)
    port = server.servers[0].sockets[0].getsockname()[1]
    stand_in.url = f"http://127.0.0.1:{port}"
    try:
        yield stand_in
    finally:
        server.should_exit = True
        thread.join(10)
