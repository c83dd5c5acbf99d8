"""Outgoing webhooks: told once each, signed, tried again, replayed, and never to this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from omni.base.clock import utc_now
from omni.base.vault import Vault
from omni.client.client import ApiProblem
from omni.flow.schedule import run_schedule
from omni.flow.world import World
from omni.jobs.types import DeliverWebhooks, ErasePerson
from omni.storage.db import Database
from omni.storage.sql import Query
from omni.webhooks import plan, store
from tests.api_fixtures import problem, served
from tests.dispatch_fixtures import add_account
from tests.erasing_fixtures import NAME, PERSON, ask_for_erasure, plant
from tests.flow_fixtures import run_step, running_world
from tests.http_fixtures import ScriptedServer, client, hang, reply, scripted_server
from tests.jobs_fixtures import eventually, rows

SECRET = plan.secret_of(b"k" * plan.KEY_BYTES)
STATES = "select event_id, state, attempts from webhook_deliveries order by event_id"


@pytest.fixture
async def world(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url) as built:
        yield built


@pytest.fixture
async def listener() -> AsyncGenerator[ScriptedServer]:
    async with scripted_server() as server:
        server.on("/hook", reply(204, b""))
        yield server


async def reaching(world: World, listener: ScriptedServer) -> World:
    """Return the world with a client that may ask the listener, and an endpoint there."""
    async with world.db.transaction() as tx:
        await store.add_endpoint(
            tx,
            url=f"{listener.url}/hook",
            kinds=["lead.qualified", "message.sent", "reply.received"],
            secret=world.vault.encrypt(SECRET.encode()),
            now=utc_now(),
        )
    return replace(world, http=client(loopback=frozenset({listener.url}), timeout_s=20.0))


async def deliver(world: World) -> dict[str, int]:
    return (await run_step(world, DeliverWebhooks())).result


async def send_waiting(db: Database) -> None:
    """Let the planted message of step 1 become sent."""
    sent = "update messages set state = 'sent', sent_at = now() where step = 1"
    await db.execute(Query("send", sent))


async def test_what_happens_is_told_once_and_signed(
    world: World, db: Database, listener: ScriptedServer
) -> None:
    told = await reaching(world, listener)
    await plant(world)  # makes a lead, and a reply comes in
    await send_waiting(db)
    assert (await deliver(told))["delivered"] == 3
    assert (await deliver(told))["delivered"] == 0
    bodies = {call.headers["webhook-id"]: json.loads(call.body) for call in listener.calls}
    assert sorted(body["type"] for body in bodies.values()) == [
        "lead.qualified", "message.sent", "reply.received",
    ]  # fmt: skip
    for call in listener.calls:
        timestamp = int(call.headers["webhook-timestamp"])
        expected = plan.signature(SECRET, call.headers["webhook-id"], timestamp, call.body)
        assert call.headers["webhook-signature"] == expected
        assert call.headers["content-type"] == "application/json"
    by_type = {body["type"]: body["data"] for body in bodies.values()}
    assert by_type["lead.qualified"]["username"] == NAME
    assert by_type["message.sent"]["text"] == f"Hi again {NAME}"
    assert by_type["reply.received"]["text"] == f"I am {NAME}"


async def test_a_call_that_fails_is_made_again_with_the_same_id(
    world: World, db: Database, listener: ScriptedServer
) -> None:
    told = await reaching(world, listener)
    await plant(world)
    listener.on("/hook", reply(500), reply(302, location="http://127.0.0.1/"), reply(204, b""))
    first = await deliver(told)
    assert first["pending"] == 2, "a redirect is no answer either"
    assert (await deliver(told))["delivered"] == 0, "not before its time"
    later = replace(told, clock=lambda: utc_now() + timedelta(minutes=2))
    assert (await deliver(later))["delivered"] == 2
    ids = [call.headers["webhook-id"] for call in listener.calls]
    assert len(ids) == 4
    assert len(set(ids)) == 2


async def test_a_call_that_was_lost_is_made_again(
    world: World, db: Database, listener: ScriptedServer
) -> None:
    told = await reaching(world, listener)
    await plant(world)
    listener.on("/hook", hang)
    run = asyncio.create_task(deliver(told))

    async def arrived() -> bool:
        return len(listener.calls) == 2

    await eventually(arrived)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    listener.on("/hook", reply(204, b""))
    assert (await deliver(told))["delivered"] == 0, "another run may be at it"
    later = replace(told, clock=lambda: utc_now() + timedelta(minutes=6))
    assert (await deliver(later))["delivered"] == 2


async def test_nothing_on_this_machine_is_called(
    world: World, db: Database, listener: ScriptedServer
) -> None:
    await reaching(world, listener)
    await plant(world)
    assert (await deliver(world))["pending"] == 2
    assert not listener.calls
    (endpoint,) = await store.list_endpoints(db)
    assert endpoint.failing_since is not None
    assert endpoint.last_error


async def test_an_endpoint_that_wants_no_more_gets_no_more_until_it_is_enabled_and_replayed(
    world: World, db: Database, listener: ScriptedServer
) -> None:
    told = await reaching(world, listener)
    await plant(world)
    listener.on("/hook", reply(410))
    await deliver(told)
    (endpoint,) = await store.list_endpoints(db)
    assert endpoint.status == "disabled"
    await send_waiting(db)
    assert {state for _, state, _ in await rows(db, STATES)} == {"failed"}
    listener.on("/hook", reply(204, b""))
    assert sum((await deliver(told)).values()) == 0
    now = utc_now()
    async with db.transaction() as tx:
        await store.enable(tx, endpoint.id)
        since, until = now - timedelta(hours=1), now + timedelta(hours=1)
        assert await store.replay(tx, endpoint.id, since=since, until=until, now=now) == 3
        early = now - timedelta(hours=2)
        assert await store.replay(tx, endpoint.id, since=early, until=since, now=now) == 0
    assert (await deliver(told))["delivered"] == 3


async def test_of_who_was_erased_nothing_is_told(
    world: World, db: Database, listener: ScriptedServer
) -> None:
    told = await reaching(world, listener)
    await plant(world)
    await send_waiting(db)
    await run_step(world, ErasePerson(erasure_id=await ask_for_erasure(world)))
    outcomes = await deliver(told)
    assert (outcomes["dropped"], outcomes["delivered"]) == (3, 0)
    assert not listener.calls
    assert PERSON not in str(await rows(db, "select to_jsonb(e)::text from webhook_events e"))


async def test_nothing_is_kept_where_nobody_wants_to_know(world: World, db: Database) -> None:
    await plant(world)
    assert await rows(db, "select id from webhook_events") == []


async def test_the_scheduler_writes_the_job_when_a_call_is_due(
    world: World, db: Database, listener: ScriptedServer
) -> None:
    await reaching(world, listener)
    await plant(world)
    stop = asyncio.Event()

    async def nobody() -> list[object]:
        return []

    running = asyncio.create_task(
        run_schedule(db=db, list_campaigns=nobody, clock=utc_now, stop=stop)  # pyright: ignore[reportArgumentType]
    )
    query = "select id from jobs where kind = 'webhooks.deliver'"
    await eventually(lambda: rows(db, query))
    stop.set()
    await running


async def test_the_api_shows_the_secret_once_and_names_what_is_wrong(db: Database) -> None:
    async with served(db) as api:
        made = await api.client.add_webhook_endpoint("https://crm.example/omni", ["message.sent"])
        assert made.secret
        assert made.secret.startswith(plan.PREFIX)
        (listed,) = (await api.http.get("/webhook-endpoints")).json()["items"]
        assert "secret" not in listed
        assert listed["kinds"] == ["message.sent"]
        stored = await rows(db, "select secret from webhook_endpoints")
        assert made.secret not in str(stored)
        with pytest.raises(ApiProblem) as caught:
            await api.client.add_webhook_endpoint("ftp://crm.example")
        assert (caught.value.status, caught.value.field) == (422, "url")
        backwards = {"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}
        answer = await api.http.post(f"/webhook-endpoints/{made.id}/replay", json=backwards)
        assert "after since" in str(problem(answer, 422))
        now = utc_now()
        assert (await api.client.replay_webhooks(made.id, since=now)).events == 0
        assert await api.client.webhook_deliveries(made.id) == []
        await api.client.remove_webhook_endpoint(made.id)
        with pytest.raises(ApiProblem) as missing:
            await api.client.webhook_deliveries(made.id)
        assert missing.value.status == 404


async def test_a_key_makes_one_endpoint_and_never_shows_its_secret_again(db: Database) -> None:
    async with served(db) as api:
        address = "https://crm.example/omni"
        first = await api.client.add_webhook_endpoint(address, idempotency_key="k1")
        again = await api.client.add_webhook_endpoint(address, idempotency_key="k1")
        assert (again.id, again.secret) == (first.id, None)
        assert len(await api.client.webhook_endpoints()) == 1
        account = await add_account(db, handle="me")
        source = await api.client.create_webhook_source("crm", account.id, idempotency_key="k2")
        twice = await api.client.create_webhook_source("crm", account.id, idempotency_key="k2")
        assert (twice.name, twice.secret) == ("crm", None)
        (only,) = await api.client.webhook_sources()
        assert only.name == "crm"
        assert first.secret
        assert source.secret
        kept = str(await rows(db, "select convert_from(response, 'utf8') from idempotency_keys"))
        assert first.secret not in kept
        assert source.secret not in kept
        await api.client.delete_webhook_source("crm")
        assert await api.client.webhook_sources() == []


async def test_a_new_key_takes_the_place_of_the_old_one(
    world: World, db: Database, listener: ScriptedServer
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    told = await reaching(replace(world, vault=Vault(old)), listener)
    async with db.transaction() as tx:
        assert await store.renew_secrets(tx, Vault(f"{new},{old}")) == 1
    await plant(world)
    assert (await deliver(replace(told, vault=Vault(new))))["delivered"] == 2
