"""A small forum on real sockets, for the example of a foreign connector; and its installation."""

from __future__ import annotations

import json
import shutil
import threading
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from PIL import Image

EXAMPLE = Path(__file__).resolve().parents[1] / "docs" / "examples" / "forum_connector"
MEMBERS = 130
HIDDEN, ODD, GONE = 9, 10, 999_999


def install_example(folder: Path) -> Path:
    """Put the example into `folder` as an installer does, metadata included; return `folder`."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    shutil.copytree(EXAMPLE / "src" / "omni_forum", folder / "omni_forum")
    metadata = folder / f"omni_forum-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines: list[str] = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


@contextmanager
def running_forum() -> Generator[str]:
    """Serve the forum while the block runs; gives its base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Forum)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Forum(BaseHTTPRequestHandler):
    """Every second member writes of pottery; all of them write in topic 7."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.startswith("/avatars/"):
            self._send(200, _avatar(int(parts.path.split("/")[2])), "image/png")
            return
        answer = _answer([unquote(part) for part in parts.path.split("/")[2:]], asked)
        status = 404 if answer is None else 200
        body = {"message": "there is no such thing"} if answer is None else answer
        self._send(status, json.dumps(body).encode(), "application/json")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _answer(path: list[str], asked: dict[str, str]) -> dict[str, Any] | None:
    everybody = list(range(1, MEMBERS + 1))
    match path:
        case ["members"]:
            wanted = [int(each) for each in asked["ids"].split(",")]
            return {"members": [_member(n) for n in wanted if n in everybody]}
        case ["members", name]:
            found = [n for n in everybody if name in (str(n), f"member{n}")]
            return {"members": found} if found else None
        case ["topics", "7"]:
            return _page(everybody, asked)
        case ["search"]:
            return _page([n for n in everybody if asked["q"] in _about(n)], asked)
        case _:
            return None


def _page(found: list[int], asked: dict[str, str]) -> dict[str, Any]:
    start, size = int(asked.get("cursor", 0)), int(asked["limit"])
    end = start + size
    page: dict[str, Any] = {"members": found[start:end]}
    return page | ({"next": str(end)} if end < len(found) else {})


def _member(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"member{number}",
        "title": f"Member {number}",
        "about": _about(number),
        "joined": "2024-05-01T12:00:00",
        "listed": number != HIDDEN,
        "avatar": f"avatars/{number}/small.png",
        "homepage": f"https://member{number}.example/",
        "posts": [
            {"text": f"Post {k} on glazes.", "at": f"2026-01-0{k}T08:00:00Z"} for k in (1, 2)
        ],
    }


def _about(number: int) -> str:
    about = "I do pottery." if number % 2 else "I garden."
    return about + "\x00\x07\x1b[31m \u202eleft" if number == ODD else about


def _avatar(number: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (32, 32), (number % 256, number * 7 % 256, number * 13 % 256)).save(
        file, "PNG"
    )
    return file.getvalue()
