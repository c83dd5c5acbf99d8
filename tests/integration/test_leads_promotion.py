"""Verdicts become leads, and leads are taken back; what a person decided stays."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from omni.campaigns.types import Campaign
from omni.leads import store, work
from omni.leads import suppressions_store as suppressions
from omni.leads.types import LeadReport
from omni.leads.work import promote
from omni.qualification.plan import PROMPT_VERSION
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.qualification_fixtures import (
    FITTING,
    NOW,
    UNFITTING,
    WatchedJudge,
    add_campaign,
    add_candidate,
    add_person,
    count,
    evict,
    judge_all,
    rewrite_bio,
    rows,
    with_criteria,
)

LATER = NOW + timedelta(hours=1)


async def run(db: Database, campaign: Campaign, model: str = "rules-1") -> LeadReport:
    return await promote(db, campaign, models=[model], prompt_version=PROMPT_VERSION, now=LATER)


async def judge_and_run(db: Database, campaign: Campaign) -> LeadReport:
    await judge_all(db, WatchedJudge(), campaign)
    return await run(db, campaign)


async def suppress(db: Database, platform_id: str) -> None:
    await suppressions.suppress(
        db, platform="synthetic", platform_id=platform_id, reason="r", source="s", now=NOW
    )


async def states(db: Database) -> dict[str, str]:
    found = await rows(db, "select username, state from leads order by username")
    return {row["username"]: row["state"] for row in found}


async def test_positive_verdicts_become_leads_with_their_reasons(db: Database) -> None:
    campaign = await add_campaign(db)
    await add_person(db, "mara", candidate_of=campaign)
    await add_person(db, "otto", UNFITTING, candidate_of=campaign)
    assert await judge_and_run(db, campaign) == LeadReport(new=1)
    (lead,) = await rows(db, "select * from leads")
    (score,) = await rows(db, "select * from llm_scores where qualified")
    assert (lead["username"], lead["display_name"]) == ("mara", "Mara")
    assert (lead["platform"], lead["platform_id"]) == ("synthetic", "id:mara")
    assert lead["score_id"] == score["id"]
    assert lead["reasons"] == score["reasons"] != []
    assert lead["state"] == "new"
    assert lead["created_at"] == LATER


async def test_running_again_writes_nothing(db: Database) -> None:
    campaign = await add_campaign(db)
    for number in range(7):
        await add_person(db, f"p{number}", candidate_of=campaign)
    assert (await judge_and_run(db, campaign)).new == 7
    before = await rows(db, "select xmin::text, * from leads order by id")
    assert await run(db, campaign) == LeadReport()
    assert await rows(db, "select xmin::text, * from leads order by id") == before


async def test_many_verdicts_go_in_pages(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "BATCH", 3)
    campaign = await add_campaign(db)
    people = [await add_person(db, f"p{n}", candidate_of=campaign) for n in range(10)]
    assert (await judge_and_run(db, campaign)).new == 10
    for person in people[::2]:
        await evict(db, campaign, person)
    assert await run(db, campaign) == LeadReport(withdrawn=5)
    assert await store.count_by_state(db, campaign.id) == {
        "new": 5, "accepted": 0, "rejected": 0, "contacted": 0, "replied": 0, "withdrawn": 5,
    }  # fmt: skip


async def test_the_threshold_decides_and_may_move(db: Database) -> None:
    campaign = await add_campaign(db, threshold=0.6)
    await add_person(db, "full", candidate_of=campaign)  # 0.9
    await add_person(db, "half", "Film photographer", candidate_of=campaign)  # 0.6
    assert (await judge_and_run(db, campaign)).new == 2
    assert await run(db, replace(campaign, threshold=0.7)) == LeadReport(withdrawn=1)
    assert await states(db) == {"full": "new", "half": "withdrawn"}
    assert await run(db, campaign) == LeadReport(updated=1)
    assert await states(db) == {"full": "new", "half": "new"}


async def test_who_no_longer_fits_is_withdrawn_and_may_come_back(db: Database) -> None:
    campaign = await add_campaign(db)
    person = await add_person(db, "mara", candidate_of=campaign)
    await judge_and_run(db, campaign)

    await evict(db, campaign, person)
    assert (await run(db, campaign)).withdrawn == 1
    await add_candidate(db, campaign, person)
    assert (await run(db, campaign)).updated == 1

    await rewrite_bio(db, person, UNFITTING)
    assert await run(db, campaign) == LeadReport()  # no verdict on the new view yet
    assert (await judge_and_run(db, campaign)).withdrawn == 1
    await rewrite_bio(db, person, "On film: landscape photography")
    assert await judge_and_run(db, campaign) == LeadReport(updated=1)
    (lead,) = await rows(db, "select * from leads")
    assert any("On film" in reason["evidence"] for reason in lead["reasons"])


async def test_only_verdicts_on_the_present_criteria_and_view_count(db: Database) -> None:
    campaign = await add_campaign(db)
    await judge_all(db, WatchedJudge(), campaign)
    mara = await add_person(db, "mara", candidate_of=campaign)
    await judge_all(db, WatchedJudge(), campaign)
    changed = await with_criteria(db, campaign, least=2)
    assert await run(db, changed) == LeadReport()
    assert await run(db, campaign, model="another") == LeadReport()
    assert await run(db, replace(campaign, brief="Bakers")) == LeadReport()
    await rewrite_bio(db, mara, UNFITTING)
    assert await run(db, campaign) == LeadReport()
    assert await count(db, "leads") == 0


async def test_what_a_person_decided_or_who_was_written_to_is_never_flipped(db: Database) -> None:
    campaign = await add_campaign(db)
    names = ["accepted", "rejected", "contacted", "replied"]
    people = {name: await add_person(db, name, candidate_of=campaign) for name in names}
    await judge_and_run(db, campaign)
    ids = {row["username"]: row["id"] for row in await rows(db, "select id, username from leads")}
    async with db.transaction() as tx:
        await store.decide(tx, ids["accepted"], accepted=True, now=NOW)
        await store.decide(tx, ids["rejected"], accepted=False, now=NOW)
        await store.mark_contacted(tx, [ids["contacted"], ids["replied"]], NOW)
        await store.mark_replied(tx, [ids["replied"]], NOW)
    decided = "select id, state, score, score_id, decided_at from leads order by id"
    before = await rows(db, decided)

    for person in people.values():
        await rewrite_bio(db, person, UNFITTING)
    assert await judge_and_run(db, campaign) == LeadReport(judged_later=4)
    for person in people.values():
        await rewrite_bio(db, person, FITTING + " again")
    assert await judge_and_run(db, campaign) == LeadReport(judged_later=4)
    for person in people.values():
        await evict(db, campaign, person)
    assert await run(db, campaign) == LeadReport()
    assert await rows(db, decided) == before


async def test_who_must_not_be_written_to_is_no_lead(db: Database) -> None:
    campaign = await add_campaign(db)
    for name in ("mara", "otto"):
        await add_person(db, name, candidate_of=campaign)
    await suppress(db, "id:otto")
    assert (await judge_and_run(db, campaign)).new == 1
    await suppress(db, "id:mara")
    assert await run(db, campaign) == LeadReport(withdrawn=1)
    assert await run(db, campaign) == LeadReport()


async def test_two_promotions_at_once_make_one_lead_each(db: Database) -> None:
    campaign = await add_campaign(db)
    for number in range(30):
        await add_person(db, f"p{number}", candidate_of=campaign)
    await judge_all(db, WatchedJudge(), campaign)
    reports = await asyncio.gather(*(run(db, campaign) for _ in range(3)))
    assert sum(report.new for report in reports) == 30
    assert await count(db, "leads") == 30


async def test_an_erased_profile_takes_its_leads_along(db: Database) -> None:
    campaign = await add_campaign(db)
    person = await add_person(db, "mara", candidate_of=campaign)
    await judge_and_run(db, campaign)
    await db.execute(Query("erase", "delete from profiles_raw where profile_id = :id"), id=person)
    assert await count(db, "leads") == 0
    assert await run(db, campaign) == LeadReport()


async def test_a_lead_tells_what_became_of_it_and_never_flips_what_a_person_decided(
    db: Database,
) -> None:
    campaign = await add_campaign(db)
    mara = await add_person(db, "mara", candidate_of=campaign)
    await judge_and_run(db, campaign)
    (lead_id,) = [row["id"] for row in await rows(db, "select id from leads")]
    async with db.transaction() as tx:
        await store.decide(tx, lead_id, accepted=True, now=LATER)
    await rewrite_bio(db, mara, UNFITTING)
    report = await judge_and_run(db, campaign)
    assert (report.judged_later, report.updated, report.withdrawn) == (1, 0, 0)
    assert (await judge_and_run(db, campaign)).judged_later == 0
    lead = await store.get_lead(db, lead_id)
    assert (lead.state, lead.score, lead.later_qualified) == ("accepted", 0.9, False)
    changes = await store.list_changes(db, lead_id, limit=10)
    assert [(each.cause, each.old_state, each.new_state) for each in changes] == [
        ("later", "accepted", "accepted"),
        ("decision", "new", "accepted"),
        ("verdict", None, "new"),
    ]
    async with db.transaction() as tx:
        assert (await store.decide(tx, lead_id, accepted=False, now=LATER)).later_score is None
