"""A user's own sender, which takes webhooks on a port of its own and checks how they are signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

TOLERANCE_S = 300


@dataclass
class Receiver:
    """What it takes, and what it has taken.

    Attributes:
        secret: What it checks signatures with.
        closed: Recipients whom it refuses.
        taken: The messages by their `webhook-id`.
        greeted: How many greetings came.
    """

    secret: str
    closed: frozenset[str]
    url: str = ""
    taken: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    greeted: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one webhook."""
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, answer = self._judge(headers, body)
        content = json.dumps(answer).encode() if answer else b""
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": kind})
        await send({"type": "http.response.body", "body": content})

    def _judge(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        if not self._is_signed(headers, body):
            return 401, {"error": "signature"}
        told = json.loads(body)
        if told["type"] == "account.verify":
            self.greeted += 1
            return 204, {}
        if told["to"] in self.closed:
            return 422, {"error": "refused", "message": "they asked us not to"}
        self.taken.setdefault(headers["webhook-id"], told)
        return 202, {"id": f"job-{len(self.taken)}"}

    def _is_signed(self, headers: dict[str, str], body: bytes) -> bool:
        name, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
        if abs(time.time() - int(stamp)) > TOLERANCE_S:
            return False
        signed = f"{name}.{stamp}.".encode() + body
        mac = hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
        wanted = f"v1,{base64.b64encode(mac).decode()}"
        return hmac.compare_digest(wanted, headers.get("webhook-signature", ""))


@contextmanager
def running_receiver(secret: str, closed: frozenset[str] = frozenset()) -> Generator[Receiver]:
    """Take webhooks while the block runs."""
    receiver = Receiver(secret, closed)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    receiver.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(receiver, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield receiver
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()
