"""Leads, messages, accounts and suppressions over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from omni.api.schemas import LeadOut
from omni.client.client import ApiProblem
from omni.dispatch.plan import body_hash
from omni.storage.db import Database
from tests.api_fixtures import Served, problem, served


@pytest.fixture
async def api(db: Database) -> AsyncIterator[Served]:
    async with served(db) as running:
        yield running


async def add_message(api: Served, lead_id: int, state: str = "pending") -> int:
    (row,) = await api.rows(
        """
        insert into messages (campaign_id, lead_id, platform, platform_id, username, body,
            body_hash, state)
        select campaign_id, id, platform, platform_id, username, 'Hello', '', :state::text
        from leads where id = :lead_id
        returning id, platform, platform_id
        """,
        lead_id=lead_id,
        state=state,
    )
    digest = body_hash(row["platform"], row["platform_id"], "Hello")
    await api.rows(
        "update messages set body_hash = :digest where id = :id returning id",
        digest=digest,
        id=row["id"],
    )
    return row["id"]


async def test_the_model_and_the_bytes_from_postgres_agree(api: Served) -> None:
    campaign_id = await api.campaign_id()
    (lead_id,) = await api.add_leads(campaign_id, range(1), score=0.1 + 0.2, name='"Ö\\</b>\u2028')
    await api.add_leads(campaign_id, range(1, 2), name=None)
    raw = (await api.http.get(f"/campaigns/{campaign_id}/leads")).json()
    assert set(raw) == {"items", "next_cursor"}
    for item in raw["items"]:
        assert set(item) == set(LeadOut.model_fields)
        model = LeadOut.model_validate_json(json.dumps(item), strict=True)
        assert model == await api.client.get_lead(model.id)
    by_id = {item["id"]: item for item in raw["items"]}
    assert by_id[lead_id]["score"] == 0.1 + 0.2
    assert by_id[lead_id]["display_name"] == '"Ö\\</b>\u2028'
    assert by_id[lead_id]["profile_url"].endswith("did:plc:0")


async def test_pages_stay_put_while_leads_arrive(api: Served) -> None:
    campaign_id = await api.campaign_id()
    for score in range(10):
        await api.add_leads(campaign_id, range(score * 3, score * 3 + 3), score=score / 10)
    first = {lead.id async for lead in api.client.iter_leads(campaign_id)}
    assert len(first) == 30
    seen: list[LeadOut] = []
    cursor: str | None = None
    arrived = 1_000
    while True:
        page = await api.client.leads(campaign_id, limit=4, cursor=cursor)
        seen += page.items
        # Above, at and below the place that was reached.
        for score in (0.99, page.items[-1].score, 0.01):
            await api.add_leads(campaign_id, range(arrived, arrived + 1), score=score)
            arrived += 1
        cursor = page.next_cursor
        if cursor is None:
            break
    ids = [lead.id for lead in seen]
    assert len(ids) == len(set(ids))
    assert first <= set(ids)
    order = [(lead.score, lead.id) for lead in seen]
    assert order == sorted(order, reverse=True)


async def test_the_last_page_says_so_even_when_it_is_full(api: Served) -> None:
    campaign_id = await api.campaign_id()
    await api.add_leads(campaign_id, range(4))
    page = await api.client.leads(campaign_id, limit=2)
    page = await api.client.leads(campaign_id, limit=2, cursor=page.next_cursor)
    assert len(page.items) == 2
    assert page.next_cursor is None
    empty = await api.client.leads(await api.campaign_id())
    assert (empty.items, empty.next_cursor) == ([], None)


async def test_leads_are_listed_by_state(api: Served) -> None:
    campaign_id = await api.campaign_id()
    lead_ids = await api.add_leads(campaign_id, range(5))
    await api.client.decide_lead(lead_ids[1], "accepted")
    page = await api.client.leads(campaign_id, state="accepted")
    assert [lead.id for lead in page.items] == [lead_ids[1]]
    problem(await api.http.get(f"/campaigns/{campaign_id}/leads?state=maybe"), 422)


async def test_a_decision_is_recorded_once_however_often_it_is_made(api: Served) -> None:
    (lead_id,) = await api.add_leads(await api.campaign_id(), range(1))
    for _ in range(2):
        lead = await api.client.decide_lead(lead_id, "accepted")
        assert lead.state == "accepted"
        assert lead.decided_at is not None
    await api.client.decide_lead(lead_id, "rejected")
    await api.client.decide_lead(lead_id, "accepted")
    events = await api.rows("select kind, lead_id, source from feedback_events order by id")
    assert [event["kind"] for event in events] == ["accepted", "rejected", "accepted"]
    assert {(event["lead_id"], event["source"]) for event in events} == {(lead_id, "person")}


async def test_a_lead_tells_what_became_of_it(api: Served) -> None:
    campaign_id = await api.campaign_id()
    (lead_id, other) = await api.add_leads(campaign_id, range(2))
    assert await api.client.lead_changes(lead_id) == []
    for kind in ("accepted", "rejected"):
        await api.client.decide_lead(lead_id, kind)
    await api.client.decide_lead(other, "accepted")
    found = await api.client.lead_changes(lead_id)
    assert [(each.old_state, each.new_state) for each in found] == [
        ("accepted", "rejected"),
        ("new", "accepted"),
    ]
    assert len(await api.client.lead_changes(lead_id, limit=1)) == 1
    raw = (await api.http.get(f"/leads/{lead_id}/changes")).json()
    assert raw["next_cursor"] is None
    with pytest.raises(ApiProblem) as refused:
        await api.client.lead_changes(999_999)
    assert refused.value.status == 404


async def test_rejecting_a_lead_cancels_its_messages_and_no_others(api: Served) -> None:
    rejected, kept = await api.add_leads(await api.campaign_id(), range(2))
    cancelled = await add_message(api, rejected)
    other = await add_message(api, kept)
    await api.client.decide_lead(rejected, "rejected")
    states = await api.rows("select id, state from messages")
    assert {row["id"]: row["state"] for row in states} == {cancelled: "cancelled", other: "pending"}


async def test_a_lead_that_was_written_to_cannot_be_decided_any_more(api: Served) -> None:
    (lead_id,) = await api.add_leads(await api.campaign_id(), range(1))
    await api.rows("update leads set state = 'contacted' returning id")
    problem(await api.http.post(f"/leads/{lead_id}/feedback", json={"kind": "rejected"}), 409)
    assert not await api.rows("select id from feedback_events")


async def test_only_the_text_that_was_read_can_be_approved(api: Served) -> None:
    campaign_id = await api.campaign_id()
    (lead_id,) = await api.add_leads(campaign_id, range(1))
    message_id = await add_message(api, lead_id)
    (message,) = (await api.client.messages(campaign_id, state="pending")).items
    assert message.id == message_id
    edited = await api.client.edit_message(message_id, "Hello Ada")
    assert edited.body_hash != message.body_hash
    with pytest.raises(ApiProblem) as caught:
        await api.client.approve_message(message_id, message.body_hash)
    assert caught.value.status == 409
    assert not await api.rows("select id from jobs where kind = 'dispatch.dm'")
    approved = await api.client.approve_message(message_id, edited.body_hash)
    assert approved.state == "approved"
    (job,) = await api.rows("select run_at - created_at as wait from jobs where queue = 'dispatch'")
    assert 0 < job["wait"].total_seconds() <= 4
    assert (await api.client.edit_message(message_id, "Hello!")).state == "pending"


async def test_approvals_at_about_the_same_time_share_a_run_of_dispatch(api: Served) -> None:
    lead_ids = await api.add_leads(await api.campaign_id(), range(8))
    for lead_id in lead_ids:
        await add_message(api, lead_id)
    hashes = await api.rows("select id, body_hash from messages")
    await asyncio.gather(
        *(api.client.approve_message(row["id"], row["body_hash"]) for row in hashes)
    )
    (count,) = await api.rows("select count(*) as runs from jobs where kind = 'dispatch.dm'")
    assert 1 <= count["runs"] <= 2


async def test_messages_are_rejected_and_listed_by_pages(api: Served) -> None:
    campaign_id = await api.campaign_id()
    ids = [await add_message(api, lead) for lead in await api.add_leads(campaign_id, range(5))]
    assert (await api.client.reject_message(ids[0])).state == "cancelled"
    problem(await api.http.post(f"/messages/{ids[0]}/reject"), 409)
    first = await api.client.messages(campaign_id, limit=3)
    rest = await api.client.messages(campaign_id, limit=3, cursor=first.next_cursor)
    assert [message.id for message in [*first.items, *rest.items]] == ids[::-1]
    assert rest.next_cursor is None


async def test_accounts_never_show_their_secret(api: Served) -> None:
    body = {
        "platform": "bluesky",
        "handle": "me.example",
        "secret": "app-pass-word",
        "daily_limit": 20,
    }
    response = await api.http.post("/accounts", json=body)
    assert response.status_code == 201
    account = response.json()
    assert "app-pass-word" not in response.text
    assert "app-pass-word" not in (await api.http.get("/accounts")).text
    (stored,) = await api.rows("select credentials from accounts")
    assert b"app-pass-word" not in stored["credentials"]
    problem(await api.http.post("/accounts", json=body), 409)
    paused = await api.client.pause_account(account["id"], reason="holiday")
    assert (paused.status, paused.pause_reason) == ("paused", "holiday")
    assert (await api.client.resume_account(account["id"])).status == "active"
    assert [each.id for each in await api.client.list_accounts()] == [account["id"]]


async def test_a_suppression_cancels_what_waits_in_every_campaign(api: Served) -> None:
    (first,) = await api.add_leads(await api.campaign_id(), range(1))
    other = await api.campaign_id()
    await api.rows(
        "insert into leads (campaign_id, profile_id, platform, platform_id, username, score_id,"
        " score, reasons) select :other, profile_id, platform, platform_id, username, score_id,"
        " score, reasons from leads returning id",
        other=other,
    )
    (second,) = await api.rows("select id from leads where campaign_id = :other", other=other)
    await add_message(api, first)
    await add_message(api, second["id"])
    done = await api.client.suppress(platform="bluesky", platform_id="did:plc:0", reason="asked us")
    assert (done.added, done.cancelled_messages) == (True, 2)
    again = await api.client.suppress(platform="bluesky", platform_id="did:plc:0")
    assert (again.added, again.cancelled_messages) == (False, 0)
    (listed,) = (await api.client.list_suppressions()).items
    assert (listed.platform_id, listed.reason) == ("did:plc:0", "asked us")
