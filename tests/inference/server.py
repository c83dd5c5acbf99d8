"""The server of PyPI's `llama-cpp-python`: built once a lock file, started once a session.

`python -m tests.inference.server` builds it ahead of time, which takes several minutes of a C++
compiler; it lies outside the checkout, so that another clone need not build it again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.conftest import require
from tests.inference.model import write_model

LOCK = Path(__file__).parent / "requirements.lock"
BUILD_WITHIN_S = 2_400
READY_WITHIN_S = 120
STOP_WITHIN_S = 15
MODEL = "random"


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what needs the server run in one worker: one server, not one each."""
    for item in items:
        if "inference_server" in getattr(item, "fixturenames", ()):
            item.add_marker("inference")
            item.add_marker(pytest.mark.xdist_group("inference"))


@dataclass(frozen=True, slots=True)
class InferenceServer:
    """A running server.

    Attributes:
        url: Base URL of OpenAI's protocol, with its version.
        model: The name that its model goes by.
    """

    url: str
    model: str


@pytest.fixture(scope="session")
def inference_server() -> Iterator[InferenceServer]:
    """Return a server that answers with the schema's form and random content."""
    python = _home() / "bin" / "python"
    require(python.exists(), "an inference server: python -m tests.inference.server builds it")
    scratch = Path(tempfile.mkdtemp(prefix="omni-inference-"))
    write_model(scratch / "model.gguf")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            python, "-m", "llama_cpp.server", "--model", scratch / "model.gguf",
            "--model_alias", MODEL, "--host", "127.0.0.1", "--port", str(port),
            "--n_ctx", "16384", "--n_threads", "1", "--interrupt_requests", "false",
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(scratch / "log").open("wb"),
    )  # fmt: skip
    try:
        server = InferenceServer(f"http://127.0.0.1:{port}/v1", MODEL)
        _wait_until_ready(server, process, scratch / "log")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(scratch, ignore_errors=True)


def install() -> Path:
    """Build the server if it is not there; return the Python that runs it."""
    home = _home()
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "bin" / "python").exists():
            _build(home)
    return home / "bin" / "python"


def _build(home: Path) -> None:
    """Build beside, and put in its place when it is whole."""
    shutil.rmtree(home, ignore_errors=True)
    fresh = home.with_name(home.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", fresh], check=True)
    subprocess.run(
        [fresh / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes",
         "-r", LOCK],
        check=True, timeout=BUILD_WITHIN_S, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    fresh.rename(home)


def _home() -> Path:
    """Return where the server of this lock file and this Python belongs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    key = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    return cache / "omni" / "inference" / key


def _wait_until_ready(server: InferenceServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            httpx.get(f"{server.url}/models", timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
            continue
        return
    raise AssertionError(f"the inference server did not start:\n{log.read_text()[-2_000:]}")


if __name__ == "__main__":
    print(install())
