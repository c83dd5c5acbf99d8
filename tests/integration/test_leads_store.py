"""Pages of leads, decisions on them, and suppression."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from omni.base.errors import Conflict, NotFound
from omni.campaigns.types import Campaign
from omni.leads import store
from omni.leads import suppressions_store as suppressions
from omni.leads.types import Lead
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.qualification_fixtures import NOW, add_campaign, rows

LATER = NOW + timedelta(hours=1)
FIELDS = {
    "id", "campaign_id", "profile_id", "platform", "platform_id", "profile_url", "username",
    "display_name", "score", "confidence", "reasons", "state", "decided_at", "created_at",
    "updated_at", "later_score", "later_qualified",
}  # fmt: skip

ADD = Query(
    "add",
    "with raw as (insert into profiles_raw (platform, platform_id, username, payload, content_hash)"
    " select :platform, 'did:' || n || ':' || :c::bigint, 'u' || n, '{}', 'x'"
    " from generate_series(:first::int, :last::int) n returning profile_id, platform_id, username),"
    " judged as (insert into llm_scores (campaign_id, profile_id, username, profile_hash,"
    " criteria_hash, model, prompt_version, outcome, qualified, score, raw, latency_ms)"
    " select :c, profile_id, username, 'h', 'c', 'm', 'p', 'verdict', true,"
    " (profile_id % 5) / 5.0, '', 1 from raw returning id, profile_id, score, username)"
    " insert into leads (campaign_id, profile_id, platform, platform_id, username, display_name,"
    " score_id, score, confidence, reasons, created_at)"
    " select :c, profile_id, :platform, platform_id, username, 'Name <b>\"é”</b>', id, score, 0.5,"
    ' \'[{"criterion": "c", "evidence": "e"}]\', :now::timestamptz'
    " from judged join raw using (profile_id, username)",
)


async def add_leads(
    db: Database, campaign: Campaign, first: int, last: int, platform: str = "synthetic"
) -> None:
    await db.execute(ADD, c=campaign.id, first=first, last=last, platform=platform, now=NOW)


async def page(
    db: Database,
    campaign: Campaign,
    after: tuple[float, int] | None = None,
    *,
    state: str | None = None,
) -> tuple[list[dict[str, Any]], tuple[float, int] | None]:
    found = await store.page_json(db, campaign.id, state=state, after=after, limit=10)
    return json.loads(found.items), found.next_after


async def all_pages(
    db: Database, campaign: Campaign, state: str | None = None
) -> list[dict[str, Any]]:
    found, after = await page(db, campaign, state=state)
    while after:
        batch, after = await page(db, campaign, after, state=state)
        found += batch
    return found


async def some_lead(db: Database) -> int:
    campaign = await add_campaign(db)
    await add_leads(db, campaign, 1, 1)
    (row,) = await rows(db, "select id from leads")
    return row["id"]


async def test_a_page_is_the_leads_as_json(db: Database) -> None:
    campaign = await add_campaign(db)
    assert await page(db, campaign) == ([], None)
    await add_leads(db, campaign, 1, 1, platform="bluesky")
    (found,), after = await page(db, campaign)
    assert after is None
    assert found.keys() == FIELDS
    lead = await store.get_lead(db, found["id"])
    assert found["display_name"] == lead.display_name == 'Name <b>"é”</b>'
    assert found["reasons"] == lead.reasons == [{"criterion": "c", "evidence": "e"}]
    assert found["score"] == lead.score
    assert found["profile_url"] == f"https://bsky.app/profile/{lead.platform_id}"
    assert datetime.fromisoformat(found["created_at"]) == lead.created_at == NOW
    assert found["decided_at"] is None


async def test_pages_hold_every_lead_once_in_order(db: Database) -> None:
    campaign, other = await add_campaign(db), await add_campaign(db)
    await add_leads(db, campaign, 1, 50)
    await add_leads(db, other, 100, 120)
    found = await all_pages(db, campaign)
    order = [(lead["score"], lead["id"]) for lead in found]
    assert len(set(order)) == 50
    assert order == sorted(order, reverse=True)
    assert {lead["profile_url"] for lead in found} == {None}


async def test_pages_stay_stable_while_leads_arrive(db: Database) -> None:
    campaign = await add_campaign(db)
    await add_leads(db, campaign, 1, 40)
    known = {lead["id"] for lead in await all_pages(db, campaign)}
    found, after = await page(db, campaign)
    arrived = 100
    while after:
        await add_leads(db, campaign, arrived, arrived + 4)
        arrived += 5
        batch, after = await page(db, campaign, after)
        found += batch
    seen = [lead["id"] for lead in found]
    assert len(seen) == len(set(seen))
    assert known <= set(seen)


async def test_a_page_of_one_state(db: Database) -> None:
    campaign = await add_campaign(db)
    await add_leads(db, campaign, 1, 30)
    await db.execute(Query("reject", "update leads set state = 'rejected' where id % 3 = 0"))
    assert len(await all_pages(db, campaign, "rejected")) == 10
    assert {lead["state"] for lead in await all_pages(db, campaign, "new")} == {"new"}
    assert await all_pages(db, campaign, "replied") == []
    counted = await store.count_by_state(db, campaign.id)
    assert (counted["new"], counted["rejected"], counted["replied"]) == (20, 10, 0)


async def test_a_person_decides_and_may_change_their_mind(db: Database) -> None:
    lead_id = await some_lead(db)

    async def decide(accepted: bool, now: datetime) -> Lead:
        async with db.transaction() as tx:
            return await store.decide(tx, lead_id, accepted=accepted, now=now)

    first = await decide(True, NOW)
    assert (first.state, first.decided_at) == ("accepted", NOW)
    assert await decide(True, LATER) == first
    second = await decide(False, LATER)
    assert (second.state, second.decided_at) == ("rejected", LATER)
    assert await store.get_lead(db, lead_id) == second


async def test_a_decision_that_makes_no_sense_is_a_conflict(db: Database) -> None:
    lead_id = await some_lead(db)
    async with db.transaction() as tx:
        assert await store.mark_contacted(tx, [lead_id], NOW) == 1
    with pytest.raises(Conflict, match="contacted"):
        async with db.transaction() as tx:
            await store.decide(tx, lead_id, accepted=False, now=NOW)
    with pytest.raises(NotFound):
        async with db.transaction() as tx:
            await store.decide(tx, 999, accepted=True, now=NOW)
    with pytest.raises(NotFound):
        await store.get_lead(db, 999)


async def test_contact_and_reply_move_a_lead_forward_only(db: Database) -> None:
    campaign = await add_campaign(db)
    await add_leads(db, campaign, 1, 3)
    ids = [row["id"] for row in await rows(db, "select id from leads order by id")]
    async with db.transaction() as tx:
        await store.decide(tx, ids[0], accepted=True, now=NOW)
        await store.decide(tx, ids[1], accepted=False, now=NOW)
        assert await store.mark_contacted(tx, ids[:2], LATER) == 1
        assert await store.mark_contacted(tx, ids[:2], LATER) == 0
        assert await store.mark_replied(tx, ids, LATER) == 2
        assert await store.mark_contacted(tx, ids, LATER) == 0
        assert await store.mark_replied(tx, [], LATER) == 0
    leads = [await store.get_lead(db, lead_id) for lead_id in ids]
    assert [lead.state for lead in leads] == ["replied", "rejected", "replied"]
    assert leads[0].decided_at == NOW


async def test_of_a_suppression_the_first_reason_stands(db: Database) -> None:
    person = {"platform": "bluesky", "platform_id": "did:plc:a"}
    assert not await suppressions.is_suppressed(db, **person)
    async with db.transaction() as tx:
        assert await suppressions.suppress(
            tx, **person, reason="wrote stop", source="bluesky", now=NOW
        )
        assert not await suppressions.suppress(
            tx, **person, reason="again", source="person", now=LATER
        )
    assert await suppressions.is_suppressed(db, **person)
    assert not await suppressions.is_suppressed(db, platform="synthetic", platform_id="did:plc:a")
    (found,) = await suppressions.list_suppressions(db, limit=10)
    assert (found.reason, found.source, found.created_at) == ("wrote stop", "bluesky", NOW)


async def test_suppressions_are_listed_in_pages(db: Database) -> None:
    for number in range(5):
        await suppressions.suppress(
            db, platform="x", platform_id=f"p{number}", reason="r", source="s", now=NOW
        )
    first = await suppressions.list_suppressions(db, limit=3)
    rest = await suppressions.list_suppressions(db, limit=3, before_id=first[-1].id)
    assert [each.platform_id for each in first + rest] == ["p4", "p3", "p2", "p1", "p0"]
