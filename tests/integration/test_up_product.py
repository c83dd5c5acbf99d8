"""`omni up` and its parts, as processes: started, crashed, refused, stopped."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from urllib.error import HTTPError

import psutil
import pytest

from omni.api.store import create_key
from omni.base.clock import utc_now
from omni.base.errors import Rejected
from omni.cli.guard import check_address
from omni.storage.db import Database
from tests.up_fixtures import Here, here

__all__ = ["here"]
pytestmark = pytest.mark.xdist_group("product")


def test_up_runs_everything_until_ctrl_c(here: Here) -> None:
    up = here.start("up")
    up.until("Ctrl-C stops everything")
    assert json.loads(here.get("API", "/ready"))["status"] == "ready"
    assert json.loads(here.get("CRAWLER", "/health"))["status"] == "ok"
    assert json.loads(here.get("SYNTHETIC", "/health"))["people"] == 2_000
    assert "Omni" in here.get("UI", "/")
    parts = up.children()
    assert set(parts) == {"synthetic", "api", "crawler", "worker", "scheduler", "ui"}

    parts["worker"].kill()
    up.until("worker     is back")
    assert up.children()["worker"].pid != parts["worker"].pid

    parts = up.children()
    up.signal(signal.SIGINT)
    up.end(60)
    assert up.code == 0, up.text
    assert "stopped" in up.lines[-1]
    assert not [name for name, part in parts.items() if psutil.pid_exists(part.pid)]
    data = here.folder / ".omni"
    assert not (data / "postgres" / "postmaster.pid").exists()
    assert not (data / "valkey" / "state.json").exists()
    assert {path.stem for path in (data / "logs").iterdir()} == set(parts)


def test_a_taken_port_is_told_before_anything_starts(here: Here) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", here.ports["UI"]))
        other.listen()
        up = here.run("up")
    assert up.code == 2
    assert len(up.lines) == 1
    assert f"port {here.ports['UI']}" in up.text
    assert "OMNI_UI_PORT" in up.text
    assert not (here.folder / ".omni").exists()


@pytest.mark.parametrize(
    ("command", "setting"),
    [("api", "api_host"), ("crawler", "crawler_host"), ("ui", "ui_host"), ("up", "api_host")],
)
def test_nothing_listens_for_other_machines_while_there_is_no_key(
    here: Here, database_url: str, valkey_url: str, command: str, setting: str
) -> None:
    refused = here.run(
        command, **{setting: "0.0.0.0"}, database_url=database_url, redis_url=valkey_url
    )
    assert refused.code == 2
    assert f"OMNI_{setting.upper()}" in refused.lines[-1]
    assert "omni keys create" in refused.lines[-1]


async def test_a_key_opens_the_way_to_other_addresses(db: Database) -> None:
    with pytest.raises(Rejected, match=r"OMNI_API_HOST is 192\.0\.2\.1"):
        await check_address("192.0.2.1", "OMNI_API_HOST", db)
    await create_key(db, name="a friend", scopes=("read",), now=utc_now())
    await check_address("192.0.2.1", "OMNI_API_HOST", db)


async def test_where_a_key_is_set_this_machine_needs_one_too(
    here: Here, db: Database, database_url: str, valkey_url: str
) -> None:
    _, mine = await create_key(db, name="me", scopes=("read",), now=utc_now())
    own = {"database_url": database_url, "redis_url": valkey_url, "api_key": mine}
    api = here.start("api", **own)
    await asyncio.to_thread(api.until, "/docs")
    assert '"ok"' in await asyncio.to_thread(here.get, "API", "/health")
    with pytest.raises(HTTPError) as refused:
        await asyncio.to_thread(here.get, "API", "/campaigns")
    assert refused.value.code == 401
    # The command line shows the key that is set, and is held to it: this one makes no keys.
    assert (await asyncio.to_thread(here.run, "campaigns", **own)).code == 0
    lacking = await asyncio.to_thread(here.run, "keys", "create", "more", **own)
    assert lacking.code == 2
    assert "lacks the scope 'admin'" in lacking.text
    made = await asyncio.to_thread(here.run, "keys", "create", "more", "--database", **own)
    assert made.code == 0
    assert "omni_" in made.lines[-1]


def test_keys_are_made_listed_and_revoked(here: Here) -> None:
    made = here.run("keys", "create", "a friend", "--scope", "read", "--json")
    assert made.code == 0
    key = json.loads(made.text)
    assert key["secret"].startswith("omni_")
    listed = here.run("keys", "list", "--json")
    assert json.loads(listed.text) == [{k: v for k, v in key.items() if k != "secret"}]
    assert here.run("keys", "revoke", key["id"]).code == 0
    assert json.loads(here.run("keys", "list", "--json").text)[0]["revoked_at"]
    unknown = here.run("keys", "revoke", "00000000-0000-0000-0000-000000000000")
    assert unknown.code == 2
    assert len(unknown.lines) == 1


def test_migrate_upgrades_and_says_where_the_database_is(here: Here, postgres_url: str) -> None:
    first = here.run("migrate")
    assert first.code == 0
    assert "revision" in first.text
    assert here.run("migrate").text == first.text


def test_a_database_without_the_schema_says_to_migrate(
    here: Here, postgres_url: str, valkey_url: str
) -> None:
    refused = here.run("keys", "list", database_url=postgres_url, redis_url=valkey_url)
    assert refused.code == 2
    assert "omni migrate" in refused.text
    assert len(refused.lines) == 1
