"""A POST with an Idempotency-Key has its effect once, however often and however fast it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from omni.storage import answers
from omni.storage.db import Database
from tests.api_fixtures import CAMPAIGN, Served, problem, served

KEY = {"Idempotency-Key": "order-66"}


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def api(db: Database, clock: Clock) -> AsyncIterator[Served]:
    async with served(db, clock=clock) as running:
        yield running


async def test_the_first_answer_is_given_again_byte_for_byte(api: Served) -> None:
    first = await api.http.post("/campaigns", json=CAMPAIGN, headers=KEY)
    counts = await api.counts()
    again = await api.http.post("/campaigns", json=CAMPAIGN, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await api.counts() == counts
    assert counts["campaigns"] == 1


async def test_twenty_equal_requests_at_once_make_one_campaign(api: Served) -> None:
    answers = await asyncio.gather(
        *(api.http.post("/campaigns", json=CAMPAIGN, headers=KEY) for _ in range(20))
    )
    made = [answer for answer in answers if answer.status_code == 201]
    assert {answer.json()["id"] for answer in made} == {made[0].json()["id"]}
    assert sum("idempotency-replayed" not in answer.headers for answer in made) == 1
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, 409)
            assert answer.headers["retry-after"] == "1"
    counts = await api.counts()
    assert (counts["campaigns"], counts["jobs"], counts["idempotency_keys"]) == (1, 1, 1)


async def test_another_body_or_query_under_the_same_key_is_refused(api: Served) -> None:
    await api.http.post("/campaigns", json=CAMPAIGN, headers=KEY)
    counts = await api.counts()
    other = await api.http.post("/campaigns", json={**CAMPAIGN, "name": "Other"}, headers=KEY)
    assert problem(other, 422)["field"] == "Idempotency-Key"
    problem(await api.http.post("/campaigns?x=1", json=CAMPAIGN, headers=KEY), 422)
    assert await api.counts() == counts


async def test_a_key_belongs_to_one_route(api: Served) -> None:
    campaign_id = (await api.http.post("/campaigns", json=CAMPAIGN, headers=KEY)).json()["id"]
    first = await api.http.post(f"/campaigns/{campaign_id}/qualify", headers=KEY)
    again = await api.http.post(f"/campaigns/{campaign_id}/qualify", headers=KEY)
    assert first.status_code == again.status_code == 202
    assert first.json()["job_id"] == again.json()["job_id"]


async def test_a_refusal_is_not_remembered(api: Served) -> None:
    problem(await api.http.post("/campaigns", json={"name": "x"}, headers=KEY), 422)
    problem(await api.http.post("/campaigns/1/qualify", headers=KEY), 404)
    assert (await api.counts())["idempotency_keys"] == 0
    assert (await api.http.post("/campaigns", json=CAMPAIGN, headers=KEY)).status_code == 201
    assert (await api.http.post("/campaigns/1/qualify", headers=KEY)).status_code == 202


async def test_a_request_that_is_being_served_is_not_waited_for(api: Served, db: Database) -> None:
    async with db.transaction() as tx:
        assert await answers.claim(tx, caller="", route="POST /campaigns", key="order-66")
        said = problem(await api.http.post("/campaigns", json=CAMPAIGN, headers=KEY), 409)
        assert "ask again" in said["detail"]
    assert (await api.http.post("/campaigns", json=CAMPAIGN, headers=KEY)).status_code == 201


async def test_a_crash_leaves_neither_the_effect_nor_the_key(api: Served, db: Database) -> None:
    """The key is written last: what stops it there stops the effect as well."""
    broken = "create rule nothing as on insert to idempotency_keys do instead select 1 / 0"
    await api.rows(f"do $$ begin {broken}; end $$")
    counts = await api.counts()
    problem(await api.http.post("/campaigns", json=CAMPAIGN, headers=KEY), 500)
    assert await api.counts() == counts
    await api.rows("drop rule nothing on idempotency_keys")
    assert (await api.http.post("/campaigns", json=CAMPAIGN, headers=KEY)).status_code == 201


async def test_keys_are_forgotten_after_a_day_a_few_at_a_time(api: Served, clock: Clock) -> None:
    for number in range(30):
        key = {"Idempotency-Key": f"old-{number}"}
        await api.http.post("/campaigns", json=CAMPAIGN, headers=key)
    clock.now += timedelta(hours=23)
    again = await api.http.post("/campaigns", json=CAMPAIGN, headers={"Idempotency-Key": "old-0"})
    assert again.headers["idempotency-replayed"] == "true"
    clock.now += timedelta(hours=1)
    fresh = await api.http.post("/campaigns", json=CAMPAIGN, headers={"Idempotency-Key": "old-0"})
    assert fresh.status_code == 201
    assert "idempotency-replayed" not in fresh.headers
    assert (await api.counts())["idempotency_keys"] == 30 - 20
    await api.http.post("/campaigns", json=CAMPAIGN, headers={"Idempotency-Key": "new"})
    assert (await api.counts())["idempotency_keys"] == 2


async def test_the_client_can_send_the_same_again(api: Served) -> None:
    first = await api.client.create_campaign(**CAMPAIGN, idempotency_key="k")
    assert await api.client.create_campaign(**CAMPAIGN, idempotency_key="k") == first


async def test_a_run_without_a_key_is_a_run_each(api: Served) -> None:
    assert await api.campaign_id() != await api.campaign_id()
    assert (await api.counts())["idempotency_keys"] == 0
