"""Over HTTP: what a person's act does to messages, and the work that follows it by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from omni.client.client import ApiProblem
from omni.dispatch.plan import body_hash
from omni.dispatch.types import Gate
from omni.storage.db import Database
from tests.api_fixtures import Served, problem, served

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def api(db: Database) -> AsyncIterator[Served]:
    async with served(db, clock=lambda: NOW) as running:
        yield running


async def add_message(api: Served, lead_id: int, **columns: Any) -> int:
    """Write a message to a lead; `columns` as in the table."""
    (lead,) = await api.rows("select * from leads where id = :id", id=lead_id)
    person = lead["platform"], lead["platform_id"]
    values: dict[str, Any] = {
        "campaign_id": lead["campaign_id"],
        "lead_id": lead_id,
        "profile_id": lead["profile_id"],
        "platform": person[0],
        "platform_id": person[1],
        "username": lead["username"],
        "body": "Hello",
        "body_hash": body_hash(*person, "Hello"),
        "state": "pending",
    } | columns
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    (row,) = await api.rows(
        f"insert into messages ({names}) values ({marks}) returning id",
        **values,
    )
    return row["id"]


async def message(api: Served, message_id: int) -> dict[str, Any]:
    (row,) = await api.rows("select * from messages where id = :id", id=message_id)
    return row


async def one_lead(api: Served) -> int:
    (lead_id,) = await api.add_leads(await api.campaign_id(), range(1))
    return lead_id


async def runs(api: Served, kind: str) -> list[dict[str, Any]]:
    return await api.rows("select args, run_at from jobs where kind = :kind", kind=kind)


@pytest.mark.parametrize(
    ("arrived", "state", "lead_state"), [(True, "sent", "contacted"), (False, "failed", "new")]
)
async def test_a_person_settles_an_ambiguous_message_and_it_is_not_sent_again(
    api: Served, arrived: bool, state: str, lead_state: str
) -> None:
    lead_id = await one_lead(api)
    message_id = await add_message(
        api, lead_id, state="ambiguous", sending_at=NOW, error="the worker was lost"
    )
    settled = await api.client.settle_message(message_id, arrived=arrived)
    assert (settled.id, settled.state) == (message_id, state)
    assert settled.sent_at == (NOW if arrived else None)
    assert (await api.client.get_lead(lead_id)).state == lead_state
    for body in ({"arrived": True}, {"arrived": False}):
        problem(await api.http.post(f"/messages/{message_id}/settle", json=body), 409)
    with pytest.raises(ApiProblem):
        await api.client.approve_message(message_id, settled.body_hash)
    assert await runs(api, "dispatch.dm") == []


async def test_only_an_ambiguous_message_is_settled_and_only_by_yes_or_no(api: Served) -> None:
    message_id = await add_message(api, await one_lead(api), state="approved")
    path = f"/messages/{message_id}/settle"
    problem(await api.http.post(path, json={"arrived": True}), 409)
    for body in ({}, {"arrived": "yes"}, {"arrived": None}, {"arrived": True, "resend": True}):
        problem(await api.http.post(path, json=body), 422)
    problem(await api.http.post("/messages/999/settle", json={"arrived": True}), 404)
    assert (await message(api, message_id))["state"] == "approved"


@pytest.mark.parametrize("lead_state", ["withdrawn", "rejected"])
async def test_a_message_to_a_lead_that_is_not_wanted_is_not_approved(
    api: Served, lead_state: str
) -> None:
    message_id = await add_message(api, await one_lead(api))
    await api.rows("update leads set state = :state returning id", state=lead_state)
    seen = (await message(api, message_id))["body_hash"]
    response = await api.http.post(f"/messages/{message_id}/approve", json={"body_hash": seen})
    assert lead_state in problem(response, 409)["detail"]
    assert await runs(api, "dispatch.dm") == []


@pytest.mark.parametrize("state", ["pending", "approved", "claimed"])
async def test_a_lead_that_is_accepted_after_all_can_be_written_to(api: Served, state: str) -> None:
    lead_id = await one_lead(api)
    account = await api.client.create_account(platform="bluesky", handle="me")
    claim = {"account_id": account.id, "claimed_at": NOW, "charged_at": NOW}
    message_id = await add_message(
        api, lead_id, state=state, approved_at=NOW, **(claim if state == "claimed" else {})
    )
    await api.client.decide_lead(lead_id, "rejected")
    assert (await message(api, message_id))["state"] == "cancelled"
    await api.client.decide_lead(lead_id, "accepted")
    back = await message(api, message_id)
    assert (back["state"], back["held_by"], back["error"]) == ("pending", "approval", None)
    assert not {back[name] for name in ("approved_hash", "approved_at", "eligible_at")} - {None}
    assert not {back[name] for name in ("account_id", "claimed_at", "charged_at")} - {None}
    assert await runs(api, "dispatch.draft") == []
    approved = await api.client.approve_message(message_id, back["body_hash"])
    assert approved.state == "approved"


@pytest.mark.parametrize("state", ["sent", "ambiguous", "failed", "sending"])
async def test_what_was_on_the_wire_is_not_brought_back(api: Served, state: str) -> None:
    lead_id = await one_lead(api)
    message_id = await add_message(api, lead_id, state=state)
    for kind in ("rejected", "accepted"):
        await api.client.decide_lead(lead_id, kind)  # pyright: ignore[reportArgumentType]
    assert (await message(api, message_id))["state"] == state
    assert await runs(api, "dispatch.draft") == []


async def test_what_was_cancelled_for_another_reason_stays_so(api: Served) -> None:
    campaign_id = await api.campaign_id()
    by_a_person, suppressed = await api.add_leads(campaign_id, range(2))
    refused = await add_message(api, by_a_person)
    await api.client.reject_message(refused)
    unwelcome = await add_message(api, suppressed)
    await api.client.decide_lead(suppressed, "rejected")
    await api.client.suppress(platform="bluesky", platform_id="did:plc:1")
    for lead_id in (by_a_person, suppressed):
        await api.client.decide_lead(lead_id, "rejected")
        await api.client.decide_lead(lead_id, "accepted")
    found = [await message(api, message_id) for message_id in (refused, unwelcome)]
    assert [each["state"] for each in found] == ["cancelled", "cancelled"]


async def test_accepted_leads_without_a_message_share_one_drafting(api: Served) -> None:
    campaign_id = await api.campaign_id()
    first, second = await api.add_leads(campaign_id, range(2))
    await api.client.decide_lead(first, "rejected")
    assert await runs(api, "dispatch.draft") == []
    for lead_id in (first, second):
        await api.client.decide_lead(lead_id, "accepted")
    (job,) = await runs(api, "dispatch.draft")
    assert job["args"] == {"campaign_id": campaign_id}
    assert NOW < job["run_at"] <= NOW + timedelta(seconds=4)


async def test_an_account_that_is_resumed_sends_at_once(api: Served) -> None:
    (first, second) = await api.add_leads(await api.campaign_id(), range(2))
    later = {"state": "approved", "eligible_at": NOW + timedelta(minutes=5)}
    paused = await add_message(api, first, **later, held_by=Gate.ACCOUNT)
    other = await add_message(api, second, **later, held_by=Gate.CONVERSATION)
    account = await api.client.create_account(platform="bluesky", handle="me")
    await api.client.pause_account(account.id)
    assert await runs(api, "dispatch.dm") == []
    await api.client.resume_account(account.id)
    assert len(await runs(api, "dispatch.dm")) == 1
    due = [(await message(api, each))["eligible_at"] <= NOW for each in (paused, other)]
    assert due == [True, False]


async def test_a_campaign_that_wakes_sends_at_once(api: Served) -> None:
    campaign_id = await api.campaign_id()
    (first, second) = await api.add_leads(campaign_id, range(2))
    later = {"state": "approved", "eligible_at": NOW + timedelta(minutes=5)}
    paused = await add_message(api, first, **later, held_by=Gate.CAMPAIGN)
    other = await add_message(api, second, **later, held_by=Gate.CONVERSATION)
    await api.client.update_campaign(campaign_id, status="paused")
    await api.client.update_campaign(campaign_id, name="Still paused")
    assert await runs(api, "dispatch.dm") == []
    await api.client.update_campaign(campaign_id, status="active")
    assert len(await runs(api, "dispatch.dm")) == 1
    due = [(await message(api, each))["eligible_at"] <= NOW for each in (paused, other)]
    assert due == [True, False]
