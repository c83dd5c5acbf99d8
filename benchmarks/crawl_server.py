"""Servers for crawlers: one that gives everybody the same page, and one that is a whole network.

The page comes from nginx where there is one, else from a small server of our own. The crawlers that
are compared all ask the same server, in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_NGINX = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 10000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=512;
        root {folder};
        default_type application/json;
        location / {{ try_files /page.json =404; }}
    }}
}}
"""


@contextmanager
def page_server(folder: Path, page: bytes) -> Generator[tuple[str, str]]:
    """Serve `page` at every path while the block runs; yield the base URL and the server's name."""
    (folder / "page.json").write_bytes(page)
    port = _free_port()
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is not None:
        # As root, nginx would otherwise read the folder as somebody who may not.
        user = "user root;" if os.geteuid() == 0 else ""
        text = _NGINX.format(folder=folder, port=port, user=user)
        (folder / "nginx.conf").write_text(text)
        command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    else:
        command = [sys.executable, "-m", "benchmarks.crawl_server", str(folder), str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}", "nginx" if nginx else "asyncio"
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        if process.poll() is not None:
            raise RuntimeError("the page server did not start")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the page server does not answer")


class _Pages(asyncio.Protocol):
    """Answers each request with what `answer` makes of its path."""

    def __init__(self, answer: Callable[[str], bytes]) -> None:
        self._answer = answer
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *asked, self._held = (self._held + data).split(b"\r\n\r\n")
        for head in asked:
            self._transport.write(self._answer(head.split(b" ", 2)[1].decode()))


class Network:
    """A network of `people` people, as the synthetic one speaks, but quick: each is the same page.

    `/search?q=NAME` lists them, fifty a page; their ids are `syn:NAME-1` and so on.
    """

    def __init__(self, page: bytes, people: int) -> None:
        person = json.dumps(json.loads(page)["people"][0])
        self._before, self._after = person.split("syn:1")
        self._people = people

    def answer(self, path: str) -> bytes:
        """Return the answer to a request."""
        parts = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != "/search":
            ids = asked["ids"].split(",")
            people = ",".join(f"{self._before}{each}{self._after}" for each in ids)
            return _as_http(f'{{"people": [{people}]}}'.encode())
        start = int(asked.get("cursor", "0"))
        end = min(start + 50, self._people)
        ids = [f"syn:{asked['q']}-{number}" for number in range(start, end)]
        cursor = str(end) if end < self._people else None
        return _as_http(json.dumps({"people": ids, "cursor": cursor}).encode())


def _as_http(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


@contextmanager
def network_server(folder: Path, page: bytes, people: int) -> Generator[str]:
    """Serve a `Network` from a process of its own while the block runs; yield its base URL."""
    (folder / "page.json").write_bytes(page)
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.crawl_server", str(folder), str(port), str(people)]
    process = subprocess.Popen(command)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


async def _serve(folder: Path, port: int, people: int | None) -> None:
    page = (folder / "page.json").read_bytes()
    whole = _as_http(page)

    def same(path: str) -> bytes:
        return whole

    answer = Network(page, people).answer if people else same
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Pages(answer), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    _, where, on, *how_many = sys.argv
    asyncio.run(_serve(Path(where), int(on), int(how_many[0]) if how_many else None))
