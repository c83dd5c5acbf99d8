"""Drafts are written once, to people who may be written to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from omni.base.errors import Rejected
from omni.dispatch import store
from omni.dispatch.drafting_work import draft
from omni.dispatch.plan import CONVERSATION, body_hash
from omni.leads import store as leads
from omni.leads import suppressions_store as suppressions
from omni.storage.db import Database
from tests.dispatch_fixtures import NOW, add_campaign, add_leads, rows, watched


async def test_every_lead_gets_one_draft_however_often_it_is_asked(db: Database) -> None:
    campaign = await add_campaign(db)
    await add_leads(db, campaign, 450)
    reports = await asyncio.gather(*(draft(db, campaign, now=NOW) for _ in range(3)))
    assert sum(report.drafted for report in reports) == 450
    assert (await draft(db, replace(campaign, message_template="Other"), now=NOW)).drafted == 0
    assert await store.count_by_state(db, campaign.id) == {"pending": 450}
    (newest,) = await store.list_messages(db, campaign_id=campaign.id, limit=1)
    assert newest.body == f"Hi {newest.platform_id.title()}, you wrote “I climb”."
    assert newest.body_hash == body_hash("synthetic", newest.platform_id, newest.body)
    assert (newest.approved_hash, newest.held_by) == (None, "approval")


async def test_the_best_leads_and_the_accepted_ones_come_first(db: Database) -> None:
    campaign = await add_campaign(db)
    ids = await add_leads(db, campaign, 3)
    await leads.decide(db, ids[2], accepted=True, now=NOW)
    await draft(db, campaign, now=NOW)
    order = await rows(db, "select lead_id from messages order by id")
    assert [row["lead_id"] for row in order] == [ids[2], ids[0], ids[1]]


async def test_people_who_must_not_be_written_to_get_no_draft(db: Database) -> None:
    campaign = await add_campaign(db)
    ids = await add_leads(db, campaign, 6)
    await suppressions.suppress(
        db, platform="synthetic", platform_id="p1", reason="r", source="s", now=NOW
    )
    await leads.decide(db, ids[1], accepted=False, now=NOW)
    await leads.mark_replied(db, ids[2:3], now=NOW)
    await rows(
        db, "update profile_features set accepts_messages = false where username = 'user-p4'"
    )
    await rows(db, "delete from profile_features where username = 'user-p5'")
    assert (await draft(db, campaign, now=NOW)).drafted == 1
    drafted = await rows(db, "select platform_id from messages")
    assert [row["platform_id"] for row in drafted] == ["p6"]


async def test_a_decision_while_drafts_are_written_leaves_no_draft_of_a_rejected_lead(
    db: Database, database_url: str
) -> None:
    campaign = await add_campaign(db)
    before, meanwhile, kept = await add_leads(db, campaign, 3)
    deciding = asyncio.Event()
    drafted = asyncio.Event()

    async def reject_slowly() -> None:
        async with db.transaction() as tx:
            await leads.decide(tx, meanwhile, accepted=False, now=NOW)
            deciding.set()
            await drafted.wait()
            await store.cancel_for_lead(tx, meanwhile, reason="r", now=NOW)

    async def hook(moment: str) -> None:
        if moment == "before insert_drafts" and not deciding.is_set():
            await leads.decide(db, before, accepted=False, now=NOW)
            rejecting.append(asyncio.create_task(reject_slowly()))
            await deciding.wait()

    rejecting: list[asyncio.Task[None]] = []
    async with watched(database_url, hook) as other, asyncio.timeout(10):
        report = await draft(other, campaign, now=NOW)
        drafted.set()
        await asyncio.gather(*rejecting)
    found = await rows(db, "select lead_id, state from messages")
    assert (found, report.drafted) == ([{"lead_id": kept, "state": "pending"}], 1)


@pytest.mark.parametrize(
    ("state", "drafted"),
    [("pending", 0), ("approved", 0), ("ambiguous", 0), ("sent", 0), ("failed", 1)],
)
async def test_an_open_conversation_of_another_campaign_is_left_alone(
    db: Database, state: str, drafted: int
) -> None:
    first, second = await add_campaign(db), await add_campaign(db, name="Second")
    await add_leads(db, first, 1)
    await draft(db, first, now=NOW)
    await rows(db, "update messages set state = :state, sent_at = :now", state=state, now=NOW)
    await add_leads(db, second, 1)
    assert (await draft(db, second, now=NOW + timedelta(days=1))).drafted == drafted
    if state == "sent":
        assert (await draft(db, second, now=NOW + CONVERSATION)).drafted == 1


async def test_what_cannot_be_drafted_is_said_in_words(db: Database) -> None:
    campaign = await add_campaign(db)
    await add_leads(db, campaign, 2)
    await rows(db, "update leads set reasons = '[]' where platform_id = 'p1'")
    empty = await draft(db, replace(campaign, message_template=" \n"), now=NOW)
    paused = await draft(db, replace(campaign, status="paused"), now=NOW)
    assert (empty.drafted, paused.drafted) == (0, 0)
    assert "template" in empty.note
    assert "paused" in paused.note
    with pytest.raises(Rejected) as caught:
        await draft(db, replace(campaign, message_template="{{ nme }}"), now=NOW)
    assert caught.value.field == "message_template"
    report = await draft(db, campaign, now=NOW)
    assert (report.drafted, report.note) == (1, "")
    assert [("reason" in words, count) for words, count in report.skipped.items()] == [(True, 1)]


async def test_a_hostile_profile_is_only_text(db: Database) -> None:
    campaign = await add_campaign(db)
    (lead_id,) = await add_leads(db, campaign, 1)
    name = "'); drop table leads; --\n{{ 7 * 7 }}<script>\u202e" + "x" * 9_000
    await rows(db, "update leads set display_name = :name where id = :id", name=name, id=lead_id)
    await draft(db, campaign, now=NOW)
    (message,) = await store.list_messages(db, campaign_id=campaign.id)
    assert message.body.startswith("Hi '); drop table leads; -- {{ 7 * 7 }}<script>xxx")
    assert len(message.body) < 400
    assert "\n" not in message.body
