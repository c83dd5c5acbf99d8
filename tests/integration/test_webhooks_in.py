"""Signed webhooks: what is signed right is recorded once, and nothing else is written at all."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from omni.base.clock import utc_now
from omni.feedback.signing import TOLERANCE, signature_of
from omni.leads import suppressions_store as suppressions
from omni.storage.db import Database
from tests.api_fixtures import Served, problem, served
from tests.dispatch_fixtures import CountingSender, MovingClock, add_account, ready, rows, run

EVENT = {"id": "e1", "kind": "replied", "platform_id": "p1", "text": "please stop messaging me"}


@pytest.fixture
async def api(db: Database) -> AsyncGenerator[Served]:
    async with served(db) as running:
        yield running


async def a_source(api: Served) -> str:
    """Have a message sent to `p1`, and a source for its account; return the source's secret."""
    clock = MovingClock()
    await ready(api.db, 1)
    account = await add_account(api.db)
    await run(api.db, CountingSender(clock), clock)
    made = await api.http.post(
        "/webhook-sources", json={"name": "my-sender", "account_id": account.id}
    )
    assert made.status_code == 201, made.text
    return made.json()["secret"]


async def deliver(
    api: Served,
    secret: str,
    *events: dict[str, Any],
    name: str = "d1",
    age: timedelta = timedelta(),
    source: str = "my-sender",
    **change: str,
) -> httpx.Response:
    body = json.dumps({"events": events}).encode()
    stamp = str(int((utc_now() - age).timestamp()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1,b2xk " + signature_of(secret, name, stamp, body),
    } | {key.replace("_", "-"): value for key, value in change.items()}
    kept = {key: value for key, value in headers.items() if value}
    return await api.http.post(f"/webhooks/{source}", content=body, headers=kept)


VERSIONS = "select ctid::text, xmin::text from webhook_sources"
"""Which version of each row there is: an update makes another."""


async def test_a_signed_opt_out_is_recorded_and_suppresses_at_once(api: Served) -> None:
    secret = await a_source(api)
    done = await deliver(api, secret, EVENT, {**EVENT, "id": "e2", "platform_id": "p9"})
    assert done.json() == {"recorded": 2, "known": 0}
    person = {"platform": "synthetic", "platform_id": "p1"}
    assert await suppressions.is_suppressed(api.db, **person)
    (first, _) = await rows(api.db, "select * from feedback_events order by id")
    assert (first["kind"], first["classed_by"]) == ("opt_out", "rules")
    assert first["message_id"] is not None
    assert len(await rows(api.db, "select from threads")) == 2
    other = await deliver(api, secret, EVENT, {**EVENT, "id": "e3", "kind": "seen"}, name="d2")
    assert other.json() == {"recorded": 1, "known": 1}
    (listed,) = (await api.http.get("/webhook-sources")).json()["items"]
    assert listed["last_taken_at"]
    assert "secret" not in listed
    (stored,) = await rows(api.db, "select secret from webhook_sources")
    assert secret.encode() not in stored["secret"]


async def test_what_a_source_says_itself_is_not_read_again(api: Served) -> None:
    secret = await a_source(api)
    said = {**EVENT, "kind": "interested", "text": "whatever, unsubscribe"}
    assert (await deliver(api, secret, said)).status_code == 200
    (event,) = await rows(api.db, "select kind, classed_by from feedback_events")
    assert (event["kind"], event["classed_by"]) == ("interested", "platform")


@pytest.mark.parametrize(
    ("change", "age", "source", "status", "words"),
    [
        ({"webhook_signature": "v1,AAAA"}, 0, "my-sender", 401, "signature"),
        ({"webhook_signature": ""}, 0, "my-sender", 401, "webhook-signature"),
        ({"webhook_id": ""}, 0, "my-sender", 401, "webhook-id"),
        ({"webhook_id": "other"}, 0, "my-sender", 401, "signature"),
        ({"webhook_timestamp": ""}, 0, "my-sender", 401, "webhook-timestamp"),
        ({"webhook_timestamp": "99999999999999"}, 0, "my-sender", 401, "webhook-timestamp"),
        ({"webhook_timestamp": "1"}, 0, "my-sender", 401, "signature"),
        ({}, 1, "my-sender", 401, "minutes"),
        ({}, -1, "my-sender", 401, "minutes"),
        ({}, 0, "nobody", 401, "signature"),
    ],
)
async def test_what_is_not_signed_right_or_not_fresh_writes_nothing(
    api: Served, change: dict[str, str], age: int, source: str, status: int, words: str
) -> None:
    secret = await a_source(api)
    before, sources = await api.counts(), await rows(api.db, VERSIONS)
    far = age * (TOLERANCE + timedelta(seconds=30))
    refused = await deliver(api, secret, EVENT, age=far, source=source, **change)
    assert words in problem(refused, status)["detail"]
    assert await api.counts() == before
    assert await rows(api.db, VERSIONS) == sources, "who has no secret costs not even an update"


async def test_a_replay_is_refused_and_writes_nothing(api: Served) -> None:
    secret = await a_source(api)
    assert (await deliver(api, secret, EVENT)).status_code == 200
    before = await api.counts()
    again = await deliver(api, secret, EVENT)
    assert "taken already" in problem(again, 409)["detail"]
    forged = await deliver(api, secret, {**EVENT, "id": "e7", "text": "love it"})
    assert "taken already" in problem(forged, 409)["detail"]
    assert await api.counts() == before
    (listed,) = (await api.http.get("/webhook-sources")).json()["items"]
    assert "taken already" in listed["last_refusal"]


async def test_a_signed_body_that_makes_no_sense_is_refused_by_field(api: Served) -> None:
    secret = await a_source(api)
    before = await api.counts()
    for bad in ({**EVENT, "kind": "loved"}, {**EVENT, "platform_id": ""}, {**EVENT, "more": 1}):
        problem(await deliver(api, secret, bad), 422)
    problem(await deliver(api, secret), 422)
    assert await api.counts() == before


async def test_with_keys_a_delivery_needs_none_but_making_a_source_does(db: Database) -> None:
    async with served(db) as open_api:
        secret = await a_source(open_api)
    async with served(db, require_keys=True) as api:
        problem(await api.http.post("/webhook-sources", json={"name": "x", "account_id": 1}), 401)
        problem(await api.http.get("/webhook-sources"), 401)
        # Another vault encrypts this service's secrets: the signature cannot be looked at.
        refused = await deliver(api, secret, EVENT)
        assert "secret" in problem(refused, 422)["detail"]


async def test_sources_are_made_once_and_removed(api: Served) -> None:
    await a_source(api)
    again = await api.http.post("/webhook-sources", json={"name": "my-sender", "account_id": 1})
    problem(again, 409)
    missing = await api.http.post("/webhook-sources", json={"name": "other", "account_id": 99})
    problem(missing, 404)
    assert (await api.http.delete("/webhook-sources/my-sender")).status_code == 204
    problem(await api.http.delete("/webhook-sources/my-sender"), 404)


async def test_what_the_rules_leave_open_is_given_to_the_model(api: Served) -> None:
    secret = await a_source(api)
    await deliver(api, secret, {**EVENT, "text": "Who is this?"})
    found = await rows(api.db, "select kind from jobs where kind like 'feedback.%'")
    assert [row["kind"] for row in found] == ["feedback.classify"]
