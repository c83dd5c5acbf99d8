"""A platform over HTTP that forgives nothing: it takes every message, and counts every one."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BORN = datetime(2020, 1, 1, tzinfo=UTC).isoformat()


@dataclass
class Counts:
    """What the platform was asked for. A key is the name of one person's step."""

    url: str = ""
    keys: Counter[str] = field(default_factory=Counter[str])
    texts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    letters: dict[str, list[dict[str, str]]] = field(default_factory=dict[str, Any])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str, to: str, text: str) -> dict[str, str]:
        """Take a message, whether or not it was taken before."""
        with self.lock:
            self.keys[key] += 1
            self.texts[to, text] += 1
            letter = {"id": f"m{self.keys.total()}", "text": text, "sent_at": _now()}
            self.letters.setdefault(to, []).insert(0, letter)
            return letter


class _Handler(BaseHTTPRequestHandler):
    """Speaks as much of the synthetic network's API as a sender asks for."""

    protocol_version = "HTTP/1.1"
    counts: Counts

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match parts.path:
            case "/people":
                self._answer({"people": [_person(name) for name in asked["ids"].split(",")]})
            case "/me":
                self._answer({"id": "account:me", "username": "me"})
            case _:
                self._answer({"messages": self.counts.letters.get(asked.get("to", ""), [])})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        self._answer(self.counts.take(key, body["to"], body["text"]))

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: requests are counted, not read."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            return  # the client was killed


@contextmanager
def counting_server() -> Generator[Counts]:
    """Serve while the block runs."""
    counts = Counts()
    handler = type("Handler", (_Handler,), {"counts": counts})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    counts.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield counts
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _person(name: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"display_name": None, "bio": None, "created_at": BORN, "bot": False}
    counts = dict.fromkeys(("followers_count", "follows_count", "posts_count"), 1)
    lists: dict[str, Any] = {"pictures": [], "links": [], "posts": []}
    told = {"id": name, "username": name, "accepts_messages": True, "discoverable": True}
    return empty | counts | lists | told
