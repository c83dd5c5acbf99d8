"""A Matrix homeserver for tests: PyPI's `matrix-synapse`, kept in memory, which we did not write.

It is started once a session, on this machine only and without federation, with 66 people who were
registered, dressed and let into rooms through its own API.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from tests.e2e.product import free_ports

SERVER_NAME = "matrix.test"
SECRET = "a secret of these tests"
READY_WITHIN_S = 120
STOP_WITHIN_S = 15
PEOPLE = 66
THEMES = ("ceramics", "climate", "cycling")
ROLES = ("host", "hidden", "odd", "bare", "leaver")
API = "/_matrix/client/v3"

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class MatrixPerson:
    """A person of the homeserver.

    Attributes:
        role: `plain`; `host` made the rooms; `hidden` asks not to be found; `odd` has control
            characters in the biography; `bare` has neither picture nor biography; `leaver` has
            closed the account and had it erased.
    """

    user_id: str
    role: str
    theme: str
    token: str


@dataclass(frozen=True, slots=True)
class SynapseServer:
    """A running homeserver.

    Attributes:
        token: Access token of an account that is in `ours` alone.
        ours: A room of everybody whose theme is ceramics.
        open: A room of everybody that anybody may read.
        closed: A room that only those who are in it may see.
    """

    url: str
    people: tuple[MatrixPerson, ...]
    token: str
    reader: str
    ours: str = f"#ceramics:{SERVER_NAME}"
    open: str = f"#everybody:{SERVER_NAME}"
    closed: str = f"#closed:{SERVER_NAME}"

    def with_role(self, role: str) -> MatrixPerson:
        """Return the first person who has this role."""
        return next(person for person in self.people if person.role == role)


@pytest.fixture(scope="session")
def synapse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SynapseServer]:
    """Return a homeserver of 66 people and three rooms."""
    folder = tmp_path_factory.mktemp("synapse")
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    config = folder / "homeserver.yaml"
    config.write_text(json.dumps(_config(folder, port)), "utf-8")  # JSON is YAML
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "synapse.app.homeserver", "-c", str(config)],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _until_ready(process, url, folder / "log")
        with httpx.Client(base_url=url, timeout=60) as client:
            yield _populated(client, url)
    finally:
        _stop(process)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that need the homeserver share one."""
    for item in items:
        if "synapse_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("matrix"))


def _config(folder: Path, port: int) -> dict[str, Any]:
    plenty = {"per_second": 10_000, "burst_count": 10_000}
    logs = folder / "log.yaml"
    logs.write_text(json.dumps({"version": 1, "root": {"level": "WARNING"}}), "utf-8")
    return {
        "server_name": SERVER_NAME,
        "pid_file": str(folder / "pid"),
        "listeners": [
            {"port": port, "type": "http", "tls": False, "bind_addresses": ["127.0.0.1"],
             "resources": [{"names": ["client"]}]}
        ],
        "database": {"name": "sqlite3", "args": {"database": ":memory:"}},
        "log_config": str(logs),
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "federation_domain_whitelist": [],
        "report_stats": False,
        "registration_shared_secret": SECRET,
        "bcrypt_rounds": 4,
        "presence": {"enabled": False},
        "caches": {"sync_response_cache_duration": "0s"},
        # People may refuse invitations (MSC4155).
        "experimental_features": {"msc4155_enabled": True},
        "user_directory": {"enabled": True, "search_all_users": True},
        "rc_message": plenty, "rc_registration": plenty, "rc_profile": plenty,
        "rc_user_directory": plenty, "rc_room_creation": plenty,
        "rc_invites": {"per_room": plenty, "per_user": plenty, "per_issuer": plenty},
        "rc_joins": {"local": plenty, "remote": plenty}, "rc_joins_per_room": plenty,
        "rc_login": {"address": plenty, "account": plenty, "failed_attempts": plenty},
    }  # fmt: skip


def _populated(client: httpx.Client, url: str) -> SynapseServer:
    def register(number: int) -> MatrixPerson:
        role = ROLES[number] if number < len(ROLES) else "plain"
        theme = THEMES[number % len(THEMES)]
        name = f"{theme}_{number}" if role == "plain" else role
        user_id, token = _register(client, name)
        return MatrixPerson(user_id, role, theme, token)

    people = _each(register, range(PEOPLE))
    reader, token = _register(client, "reader")
    _each(lambda person: _dress(client, person), people)
    server = SynapseServer(url, tuple(people), token, reader)
    _open_rooms(client, server)
    leaver = server.with_role("leaver")
    farewell = _proof(leaver.user_id) | {"erase": True}
    _call(client, "POST", "/account/deactivate", leaver.token, farewell)
    _until_listed(client, token)
    return server


def _register(client: httpx.Client, name: str) -> tuple[str, str]:
    """Register by the shared secret; return user id and access token."""
    path = "/_synapse/admin/v1/register"
    nonce = client.get(path).raise_for_status().json()["nonce"]
    said = "\x00".join((nonce, name, f"password of {name}", "notadmin"))
    body = {
        "nonce": nonce, "username": name, "password": f"password of {name}", "admin": False,
        "mac": hmac.new(SECRET.encode(), said.encode(), hashlib.sha1).hexdigest(),
    }  # fmt: skip
    done = client.post(path, json=body).raise_for_status().json()
    return done["user_id"], done["access_token"]


def _proof(user_id: str) -> dict[str, Any]:
    name = user_id[1:].partition(":")[0]
    identifier = {"type": "m.id.user", "user": user_id}
    return {
        "auth": {"type": "m.login.password", "identifier": identifier,
                 "password": f"password of {name}"}
    }  # fmt: skip


def _dress(client: httpx.Client, person: MatrixPerson) -> None:
    """Give a person a name, a picture and a biography."""
    name = person.user_id[1:].partition(":")[0].replace("_", " ").title()
    shown = f"{name} #nobot" if person.role == "hidden" else f"{name} of {person.theme}"
    _put_field(client, person, "displayname", shown)
    if person.role == "bare":
        return
    done = client.post(
        "/_matrix/media/v3/upload",
        params={"filename": "avatar.png"},
        content=_picture(person.user_id),
        headers={"Authorization": f"Bearer {person.token}", "Content-Type": "image/png"},
    )
    _put_field(client, person, "avatar_url", done.raise_for_status().json()["content_uri"])
    odd = " bell \u0007 and escape \u001b[31m" if person.role == "odd" else ""
    text = f"I love {person.theme}, and live in Bristol.{odd}"
    _put_field(client, person, "gay.fomx.biography", {"m.text": [{"body": text}]})


def _open_rooms(client: httpx.Client, server: SynapseServer) -> None:
    host = server.with_role("host")

    def create(alias: str, preset: str, history: str) -> str:
        body = {
            "room_alias_name": alias[1:].partition(":")[0],
            "preset": preset,
            "visibility": "public" if preset == "public_chat" else "private",
            "initial_state": [
                {"type": "m.room.history_visibility", "state_key": "",
                 "content": {"history_visibility": history}}
            ],
        }  # fmt: skip
        return _call(client, "POST", "/createRoom", host.token, body)["room_id"]

    ours = create(server.ours, "public_chat", "shared")
    opened = create(server.open, "public_chat", "world_readable")
    create(server.closed, "private_chat", "joined")
    guests = [person for person in server.people if person.role not in ("host", "leaver")]
    for room, tokens in [
        (opened, [person.token for person in guests]),
        (ours, [server.token, *(p.token for p in guests if p.theme == "ceramics")]),
    ]:
        path = f"/join/{quote(room, safe='')}"
        for token in tokens:
            _call(client, "POST", path, token, {})


def _until_listed(client: httpx.Client, token: str) -> None:
    """Wait until the directory, which is kept in the background, knows the last of them."""
    deadline = time.monotonic() + READY_WITHIN_S
    wanted = {"search_term": "cycling", "limit": 50}
    while time.monotonic() < deadline:
        found = _call(client, "POST", "/user_directory/search", token, wanted)["results"]
        if len(found) >= PEOPLE // len(THEMES) - len(ROLES):
            return
        time.sleep(0.2)
    raise RuntimeError("the user directory stays empty")


def _put_field(client: httpx.Client, person: MatrixPerson, name: str, value: object) -> None:
    path = f"/profile/{quote(person.user_id, safe='')}/{name}"
    _call(client, "PUT", path, person.token, {name: value})


def _call(client: httpx.Client, method: str, path: str, token: str, body: object) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    done = client.request(method, API + path, json=body, headers=headers)
    if done.is_error:
        raise RuntimeError(f"{method} {path}: {done.status_code} {done.text[:500]}")
    return done.json()


def _each(call: Callable[[_T], _R], values: Sequence[_T]) -> list[_R]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, values))


def _picture(name: str) -> bytes:
    seed = hashlib.sha256(name.encode()).digest()
    out = BytesIO()
    Image.new("RGB", (96, 96), (seed[0], seed[1], seed[2])).save(out, "PNG")
    return out.getvalue()


def _until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/_matrix/client/versions", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"Synapse did not start:\n{log.read_text(errors='replace')[-4_000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
