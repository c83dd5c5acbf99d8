"""What a key may do: reading and drafting need nothing special, sending and keys do."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from omni.api import store
from omni.api.grants import class_of
from omni.base.clock import utc_now
from omni.client.client import ApiProblem, OmniClient
from omni.storage.db import Database
from tests.api_fixtures import CAMPAIGN, Served, problem, served

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def local(db: Database) -> AsyncIterator[Served]:
    async with served(db) as running:
        yield running


@pytest.fixture
async def guarded(db: Database) -> AsyncIterator[Served]:
    async with served(db, require_keys=True) as running:
        yield running


async def key(db: Database, *scopes: str, name: str = "an agent") -> dict[str, str]:
    _, token = await store.create_key(db, name=name, scopes=scopes, now=utc_now())
    return {"Authorization": f"Bearer {token}"}


def lacks(response: httpx.Response, scope: str) -> bool:
    """Tell whether a request was refused for the want of `scope`, after checking how."""
    if response.status_code != 403:
        return False
    detail = problem(response, 403)["detail"]
    assert f"lacks the scope '{scope}'" in detail
    assert f"omni keys create NAME --scope {scope}" in detail
    told = response.headers["www-authenticate"]
    assert told == f'Bearer error="insufficient_scope", scope="{scope}"'
    return True


async def test_each_operation_asks_for_its_scope_and_no_other(guarded: Served) -> None:
    """Of the whole description; that a key is let in is shown by any other refusal."""
    reader, drafter = await key(guarded.db, "read"), await key(guarded.db, "read", "write")
    sender, keeper = await key(guarded.db, "send"), await key(guarded.db, "admin")
    document = (await guarded.http.get("/openapi.json")).json()
    asked = 0
    for template, methods in document["paths"].items():
        path = re.sub(r"\{\w+\}", str(uuid4()), template)
        for method in methods:
            scope = class_of(method.upper(), template)
            if scope is None:
                continue
            asked += 1
            for headers, has in (
                (reader, {"read"}),
                (drafter, {"read", "write"}),
                (sender, {"read", "write", "send"}),
                (keeper, {"read", "write", "admin"}),
            ):
                got = await guarded.http.request(method, path, headers=headers)
                assert got.status_code != 401
                assert lacks(got, scope) == (scope not in has), f"{method} {path}"
    assert asked > 90


async def test_a_drafter_drafts_and_a_sender_lets_go(local: Served) -> None:
    """On this machine, too: the person needs no key, and a program is held to its own."""
    drafter, sender = await key(local.db, "read", "write"), await key(local.db, "send")
    campaign = (await local.http.post("/campaigns", json=CAMPAIGN, headers=drafter)).json()["id"]
    await local.add_leads(campaign, range(1))
    await local.rows(
        "insert into messages (campaign_id, platform, platform_id, username, body, body_hash)"
        f" values ({campaign}, 'synthetic', 'p1', 'ann', 'hi', 'h') returning id"
    )
    listed = await local.http.get(f"/campaigns/{campaign}/messages", headers=drafter)
    (message,) = listed.json()["items"]
    mended = await local.http.patch(
        f"/messages/{message['id']}", json={"body": "hello"}, headers=drafter
    )
    assert mended.status_code == 200
    approval = {"body_hash": mended.json()["body_hash"]}
    one, many = f"/messages/{message['id']}/approve", "/messages/approve"
    batch = {"items": [{"id": message["id"], **approval}]}
    assert lacks(await local.http.post(one, json=approval, headers=drafter), "send")
    assert lacks(await local.http.post(many, json=batch, headers=drafter), "send")
    autopilot = f"/campaigns/{campaign}/autopilot"
    assert lacks(await local.http.put(autopilot, json={"daily_cap": 5}, headers=drafter), "send")
    assert (await local.rows("select state from messages")) == [{"state": "pending"}]
    assert (await local.http.post(one, json=approval, headers=sender)).status_code == 200
    assert (await local.rows("select state from messages")) == [{"state": "approved"}]
    assert (await local.http.put(autopilot, json={"daily_cap": 5})).status_code == 200


async def test_waking_a_campaign_and_changing_one_on_autopilot_is_letting_go(
    local: Served,
) -> None:
    drafter, sender = await key(local.db, "write", "read"), await key(local.db, "send")
    campaign = (await local.http.post("/campaigns", json=CAMPAIGN, headers=drafter)).json()["id"]
    path = f"/campaigns/{campaign}"

    async def patch(headers: dict[str, str], **body: object) -> httpx.Response:
        return await local.http.patch(path, json=body, headers=headers)

    assert (await patch(drafter, message_template="Hi {{ name }}")).status_code == 200
    assert (await patch(drafter, status="active")).status_code == 200  # it is
    assert (await patch(drafter, status="paused")).status_code == 200
    assert lacks(await patch(drafter, status="active"), "send")
    assert (await patch(sender, status="active")).status_code == 200
    on = await local.http.put(f"{path}/autopilot", json={"daily_cap": 5}, headers=sender)
    assert on.status_code == 200
    changes: tuple[dict[str, Any], ...] = (
        {"brief": "anybody"}, {"threshold": 0}, {"criteria": CAMPAIGN["criteria"]},
        {"name": "x", "threshold": 0},
    )  # fmt: skip
    for change in changes:
        assert lacks(await patch(drafter, **change), "send"), change
    assert (await local.http.get(path)).json()["name"] == CAMPAIGN["name"]
    assert (await patch(sender, threshold=0.5)).status_code == 200
    assert (await patch(drafter, name="renamed", status="paused")).status_code == 200
    assert lacks(await patch(drafter, status="active"), "send")
    assert (await patch(drafter, message_template="Buy this")).json()["autopilot_cap"] is None
    assert (await patch(drafter, threshold=0.4)).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["Bearer omni_" + "A" * 43, "Bearer x", "Bearer", "Basic eDp5", "omni_x", "", "Bearer é"],
)
async def test_a_key_that_is_shown_on_this_machine_counts(local: Served, header: str) -> None:
    headers = [(b"authorization", header.encode("latin-1"))]
    problem(await local.http.get("/campaigns", headers=headers), 401)
    refused = problem(await local.http.post("/campaigns", json=CAMPAIGN, headers=headers), 401)
    assert "omni keys create" in refused["detail"]
    assert (await local.counts())["campaigns"] == 0
    assert (await local.http.get("/health", headers=headers)).status_code == 200
    good = (await key(local.db, "read"))["Authorization"].encode()
    problem(await local.http.get("/campaigns", headers=[*headers, (b"authorization", good)]), 401)
    assert (await local.http.get("/campaigns")).status_code == 200


async def test_keys_are_made_listed_and_revoked_over_the_api(guarded: Served) -> None:
    _, root = await store.create_key(guarded.db, name="me", scopes=["send", "admin"], now=utc_now())
    async with OmniClient(guarded.url, api_key=root) as mine:
        made = await mine.create_key("the agent")
        assert made.scopes == ["read", "write"]
        assert made.secret.startswith(made.hint or "?")
        async with OmniClient(guarded.url, api_key=made.secret) as agents:
            assert (await agents.list_campaigns()).items == []
            for refused in (
                agents.list_keys(),
                agents.create_key("more", scopes=["send"]),
                agents.revoke_key(str(made.id)),
            ):
                with pytest.raises(ApiProblem) as caught:
                    await refused
                assert caught.value.status == 403
                assert "'admin'" in str(caught.value)
            first, second = await mine.list_keys()
            assert (first.name, second.name) == ("me", "the agent")
            assert second.last_used_at is not None
            revoked = await mine.revoke_key(str(made.id), idempotency_key="k")
            assert await mine.revoke_key(str(made.id), idempotency_key="k") == revoked
            with pytest.raises(ApiProblem) as caught:
                await agents.list_campaigns()
            assert caught.value.status == 401
        with pytest.raises(ApiProblem) as caught:
            await mine.revoke_key(str(uuid4()))
        assert caught.value.status == 404
    listed = await guarded.http.get("/keys", headers={"Authorization": f"Bearer {root}"})
    assert root not in listed.text
    assert made.secret not in listed.text


async def test_the_command_line_is_held_to_the_key_that_it_has(
    guarded: Served, tmp_path: Path
) -> None:
    keeper, drafter = await key(guarded.db, "admin"), await key(guarded.db, "read", "write")

    async def omni(headers: dict[str, str], *words: str) -> tuple[int, Any]:
        ran = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "omni.cli.main", *words, "--json"],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if not name.startswith("OMNI_")}
            | {
                "OMNI_API_PORT": guarded.url.rpartition(":")[2],
                "OMNI_API_KEY": headers["Authorization"].removeprefix("Bearer "),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.returncode, json.loads(ran.stdout)

    code, made = await omni(keeper, "keys", "create", "the agent", "--days", "30")
    assert (code, made["scopes"]) == (0, ["read", "write"])
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert timedelta(days=29) < ends <= timedelta(days=30)
    code, listed = await omni(keeper, "keys", "list")
    assert [each["name"] for each in listed] == ["an agent", "an agent", "the agent"]
    code, closed = await omni(keeper, "keys", "revoke", made["id"])
    assert (code, closed["revoked_at"] is None) == (0, False)
    code, told = await omni(drafter, "keys", "create", "more", "--scope", "send")
    assert (code, told["error"]["status"]) == (2, 403)
    assert "omni keys create NAME --scope admin" in told["error"]["detail"]
    assert len(await store.list_keys(guarded.db)) == 3


async def test_no_key_gives_more_than_it_has(guarded: Served) -> None:
    keeper = await key(guarded.db, "admin")
    for scopes, lacked in ((["send"], "send"), (["read", "send", "admin"], "send")):
        body = {"name": "more", "scopes": scopes}
        assert lacks(await guarded.http.post("/keys", json=body, headers=keeper), lacked)
    made = await guarded.http.post("/keys", json={"name": "x", "scopes": ["admin"]}, headers=keeper)
    assert made.json()["scopes"] == ["read", "write", "admin"]
    assert made.headers["cache-control"] == "no-store"


async def test_bad_keys_are_refused_by_field(local: Served) -> None:
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["all"]}, "scopes[0]"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"name": "x", "grants": ["send"]}, "grants"),
    )
    for body, field in cases:
        assert problem(await local.http.post("/keys", json=body), 422)["field"] == field
    assert (await local.http.get("/keys")).json()["items"] == []


async def test_a_key_opens_nothing_from_the_moment_that_it_runs_out(db: Database) -> None:
    now = NOW
    async with served(db, require_keys=True, clock=lambda: now) as api:
        _, token = await store.create_key(
            db, name="x", scopes=["read"], now=now, expires_at=NOW + timedelta(hours=1)
        )
        headers = {"Authorization": f"Bearer {token}"}
        now = NOW + timedelta(minutes=59)
        assert (await api.http.get("/campaigns", headers=headers)).status_code == 200
        now = NOW + timedelta(hours=1)
        assert (
            "run out" in problem(await api.http.get("/campaigns", headers=headers), 401)["detail"]
        )
        assert not await store.has_usable_key(db, now=now)


async def test_no_log_holds_a_key(guarded: Served, capfd: pytest.CaptureFixture[str]) -> None:
    keeper = await key(guarded.db, "admin")
    made = (await guarded.http.post("/keys", json={"name": "x"}, headers=keeper)).json()
    shown = {"Authorization": f"Bearer {made['secret']}"}
    await guarded.http.get("/campaigns", headers=shown)
    await guarded.http.post("/keys", json={"name": "y"}, headers=shown)
    await guarded.http.post("/campaigns", content=b"{" + made["secret"].encode(), headers=shown)
    await guarded.http.post(f"/keys/{made['id']}/revoke", headers=keeper)
    await guarded.http.get("/campaigns", headers=shown)
    told = "".join(capfd.readouterr())
    assert "api.key_created" in told
    assert "api.key_revoked" in told
    for secret in (made["secret"], keeper["Authorization"].removeprefix("Bearer ")):
        assert secret not in told
    kept = await guarded.rows("select * from idempotency_keys")
    assert made["secret"] not in json.dumps(kept, default=str)
