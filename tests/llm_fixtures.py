"""A stand-in for an Ollama server, written from Ollama's public API documentation.

It speaks `POST /api/generate` over real HTTP on loopback: a stream of JSON lines, or one object
where `stream` is false; `format` as a JSON Schema, which its answers follow; `num_predict` as the
cap at which `done_reason` becomes `length`; errors as `{"error": …}`. It can also behave badly.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

Fault = Literal["500", "503", "hang", "half", "html", "whitespace", "endless", "mid-stream error"]

TOKEN_CHARS = 4
NOW = "2026-01-01T00:00:00Z"


def quoting_reply(request: dict[str, Any]) -> str:
    """Answer as an obedient model would: yes, with the first words of the bio."""
    found = re.search(r"^\{.*\}$", request["prompt"], re.MULTILINE)
    profile: dict[str, Any] = json.loads(found.group()) if found else {}
    bio = str(profile.get("bio", ""))
    reasons = [{"criterion": "brief", "evidence": bio[:60]}] if bio else []
    return json.dumps({"reasons": reasons, "qualified": bool(bio), "score": 0.8, "confidence": 0.7})


@dataclass
class OllamaStandIn:
    """The server's state: what it was asked, and how it is to behave."""

    models: set[str] = field(default_factory=lambda: {"llama3.1"})
    reply: Callable[[dict[str, Any]], str] = quoting_reply
    latency_s: float = 0.01
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    faults: deque[Fault] = field(default_factory=deque[Fault])
    hung_up: threading.Event = field(default_factory=threading.Event)
    in_flight: int = 0
    most_in_flight: int = 0
    url: str = ""

    def next_faults(self, *faults: Fault) -> None:
        """Make the next calls fail so, one each."""
        self.faults.extend(faults)

    async def generate(self, request: Request) -> Response:
        """Serve one call."""
        body: dict[str, Any] = await request.json()
        self.requests.append(body)
        fault = self.faults.popleft() if self.faults else None
        if not body.get("model"):
            return JSONResponse({"error": "model is required"}, 400)
        if body["model"] not in self.models:
            return JSONResponse({"error": f"model '{body['model']}' not found"}, 404)
        if not isinstance(body.get("format", ""), str | dict):
            return JSONResponse({"error": "invalid format"}, 400)
        match fault:
            case "500":
                return JSONResponse({"error": "llama runner process has terminated"}, 500)
            case "503":
                return JSONResponse({"error": "server busy, please try again"}, 503)
            case "html":
                return HTMLResponse("<html><body>It works!</body></html>")
            case "hang":
                await asyncio.sleep(30)
            case _:
                pass
        parts = self._parts(body, fault)
        if body.get("stream", True):
            return StreamingResponse(self._lines(parts, fault), media_type="application/x-ndjson")
        text = "".join(part["response"] for part in parts)
        return JSONResponse({**parts[-1], "response": text})

    def _parts(self, body: dict[str, Any], fault: Fault | None) -> list[dict[str, Any]]:
        text = self.reply(body)
        if fault == "whitespace":
            text = text[:10] + " " * 100_000
        cap = body.get("options", {}).get("num_predict", 128)
        tokens = [text[at : at + TOKEN_CHARS] for at in range(0, len(text), TOKEN_CHARS)]
        common = {"model": body["model"], "created_at": NOW}
        parts = [{**common, "response": token, "done": False} for token in tokens[:cap]]
        last = {
            "response": "",
            "done": True,
            "done_reason": "stop" if len(tokens) <= cap else "length",
            "prompt_eval_count": len(body["prompt"]) // TOKEN_CHARS,
            "eval_count": min(len(tokens), cap),
        }
        return [*parts, {**common, **last}]

    async def _lines(self, parts: list[dict[str, Any]], fault: Fault | None) -> AsyncIterator[str]:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.latency_s)
            for number, part in enumerate(parts):
                if fault == "half" and number == len(parts) // 2:
                    raise ConnectionAbortedError("the server dies in mid-answer")
                if fault == "mid-stream error" and number == 2:
                    yield json.dumps({"error": "an error was encountered while running"}) + "\n"
                    return
                yield json.dumps(part) + "\n"
                while fault == "endless":
                    yield json.dumps({**part, "response": "x" * 1_000, "done": False}) + "\n"
                    await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.hung_up.set()
            raise
        finally:
            self.in_flight -= 1


class _Server(uvicorn.Server):
    started_event: threading.Event

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.started_event.set()


@contextmanager
def running_ollama() -> Generator[OllamaStandIn]:
    """Serve a stand-in on a free port of 127.0.0.1, in a thread of its own."""
    stand_in = OllamaStandIn()
    app = FastAPI()
    app.post("/api/generate", response_model=None)(stand_in.generate)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    server.started_event = threading.Event()
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.started_event.wait(20)
    port = server.servers[0].sockets[0].getsockname()[1]
    stand_in.url = f"http://127.0.0.1:{port}"
    try:
        yield stand_in
    finally:
        server.should_exit = True
        thread.join(10)
