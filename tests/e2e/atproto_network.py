"""A real AT Protocol network for tests: installed once a lock file, started once a session.

The servers are npm's `@atproto/dev-env` (PLC directory, PDS, AppView), which we did not write. They
run on this machine only, on the session's own Postgres and Valkey, and end with the session even
where it is killed. `python -m tests.e2e.atproto_network` installs them ahead of time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import choice
from string import ascii_lowercase
from urllib.parse import urlsplit

import pytest

from tests.conftest import require

HERE = Path(__file__).parent / "atproto"
INSTALL_WITHIN_S = 900
READY_WITHIN_S = 360
STOP_WITHIN_S = 15


@dataclass(frozen=True, slots=True)
class NetworkAccount:
    """A person of the network.

    Attributes:
        theme: `climate` for a third of them, else a hobby.
        role: `plain`; `bot` and `private` by self-label, `moderated` by a moderator's, `bare`
            without profile record, `hostile` by its bio, `leaver` free for a test that
            deactivates it.
        posts: How many posts it wrote, replies not counted.
        allow_incoming: Whose messages it takes: `all`, `none`, or of people whom it is `following`.
    """

    did: str
    handle: str
    password: str
    theme: str
    role: str
    posts: int
    has_avatar: bool
    allow_incoming: str


@dataclass(frozen=True, slots=True)
class AtprotoNetwork:
    """A running network.

    Attributes:
        pds: Base URL of the server where accounts live; wants an account.
        appview: Base URL of the server that shows everybody; public.
        appview_did: The AppView's own DID.
        chat_did: The DID of the chat service, which a stand-in answers for.
        hub: DID of the account that everybody follows, of the climate theme.
        list: AT URI of a list of 30 people.
        starter_pack: AT URI of a starter pack of 30 people.
        feed: AT URI of a feed of 45 people's posts, which 12 people like.
        post: AT URI of a post that everybody likes, and every second one reposts.
        pid: Process id of the servers.
    """

    pds: str
    appview: str
    appview_did: str
    chat_did: str
    hub: str
    list: str
    starter_pack: str
    feed: str
    post: str
    accounts: tuple[NetworkAccount, ...]
    pid: int

    def with_role(self, role: str) -> NetworkAccount:
        """Return the first account that has this role."""
        return next(account for account in self.accounts if account.role == role)


@pytest.fixture(scope="session")
def atproto_network(postgres_url: str, valkey_url: str) -> Iterator[AtprotoNetwork]:
    """Return a network of 72 people who follow each other, all of them indexed."""
    require(_has_node(), "Node.js 20 or newer with npm")
    modules = install()
    scratch = Path(tempfile.mkdtemp(prefix="omni-atproto-"))
    process = _start(modules, scratch, postgres_url, valkey_url)
    try:
        yield _ready(process, scratch / "log")
    finally:
        _stop(process)
        shutil.rmtree(scratch, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the network, and give it the time that the first install takes."""
    for item in items:
        if "atproto_network" in getattr(item, "fixturenames", ()):
            item.add_marker("node")
        if item.get_closest_marker("node"):
            item.add_marker(pytest.mark.xdist_group("atproto"))  # one network, not one a worker
            item.add_marker(pytest.mark.timeout(INSTALL_WITHIN_S + READY_WITHIN_S))


def install() -> Path:
    """Install the packages of the lock file unless they are there; return their folder.

    They are kept outside the checkout, by the hash of what decides their content.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "omni" / "node"
    home = cache / _install_key()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _install_into(home)
    return home


def run_node(script: str, *arguments: str, modules: Path) -> subprocess.CompletedProcess[str]:
    """Run a script of this folder to its end, with the installed packages at hand."""
    command = ["node", "--no-deprecation", str(HERE / script), *arguments]
    return subprocess.run(
        command, cwd=modules, capture_output=True, text=True, timeout=60, check=False
    )


def _has_node() -> bool:
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    major = _output("node", "--version").removeprefix("v").partition(".")[0]
    return major.isdecimal() and int(major) >= 20


def _install_key() -> str:
    """Native modules fit one ABI of Node, so that it belongs to the key."""
    content = b"".join((HERE / name).read_bytes() for name in ("package.json", "package-lock.json"))
    abi = _output("node", "-p", "process.versions.modules + process.platform + process.arch")
    return hashlib.sha256(content + abi.encode()).hexdigest()[:16]


def _install_into(home: Path) -> None:
    building = Path(tempfile.mkdtemp(prefix=f"{home.name}-", dir=home.parent))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, building)
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund"],
            cwd=building,
            env=_npm_environment(),
            capture_output=True,
            text=True,
            timeout=INSTALL_WITHIN_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"npm ci failed:\n{done.stdout[-2_000:]}\n{done.stderr[-6_000:]}")
        building.rename(home)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _npm_environment() -> dict[str, str]:
    """Let better-sqlite3 compile against the headers beside this Node, which npm would download."""
    prefix = Path(_output("node", "-p", "process.execPath")).resolve().parent.parent
    if (prefix / "include" / "node" / "node.h").exists():
        return {"npm_config_nodedir": str(prefix)} | os.environ
    return dict(os.environ)


def _start(
    modules: Path, scratch: Path, postgres_url: str, valkey_url: str
) -> subprocess.Popen[str]:
    redis = urlsplit(valkey_url)
    named = {
        "OMNI_NETWORK_POSTGRES": postgres_url,
        "OMNI_NETWORK_REDIS": f"{redis.hostname}:{redis.port}",
        "OMNI_NETWORK_SCHEMA": "net_" + "".join(choice(ascii_lowercase) for _ in range(10)),
        "TMPDIR": str(scratch),
    }
    with (scratch / "log").open("w") as log:
        return subprocess.Popen(
            ["node", "--no-deprecation", "--require", str(HERE / "loopback.cjs"),
             str(HERE / "network.mjs")],
            cwd=modules,
            env=os.environ | named,
            # Held open for as long as this process lives: its end tells the network to stop.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )  # fmt: skip


def _ready(process: subprocess.Popen[str], log: Path) -> AtprotoNetwork:
    """Wait for the line that says where everything is."""
    assert process.stdout is not None
    deadline = time.monotonic() + READY_WITHIN_S
    while (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([process.stdout], [], [], left)
        line = process.stdout.readline() if readable else ""
        if line.startswith('{"pds"'):
            told = json.loads(line)
            accounts = tuple(NetworkAccount(**account) for account in told.pop("accounts"))
            return AtprotoNetwork(**told, accounts=accounts, pid=process.pid)
        if not line:
            break
    raise RuntimeError(f"the AT Protocol network did not start:\n{log.read_text()[-6_000:]}")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    print(install())
