"""Campaigns over HTTP: their life, their work, their funnel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from omni.client.client import ApiProblem
from omni.qualification.plan import PROMPT_VERSION
from omni.storage.db import Database
from tests.api_fixtures import CAMPAIGN, CRITERIA, PLATFORMS, Served, problem, served

OTHER = {"any": [{"field": "bio", "op": "matches", "value": "solar"}]}


@pytest.fixture
async def api(db: Database) -> AsyncIterator[Served]:
    async with served(db) as running:
        yield running


async def jobs(api: Served, kind: str) -> list[dict[str, object]]:
    return await api.rows("select * from jobs where kind = :kind order by created_at", kind=kind)


async def test_a_campaign_is_created_with_its_criteria_in_words(api: Served) -> None:
    response = await api.http.post("/campaigns", json=CAMPAIGN)
    assert response.status_code == 201
    made = response.json()
    assert made["criteria_hash"]
    assert "followers" in made["english"]
    assert made["status"] == "active"
    assert made["threshold"] == 0.6
    assert made["weights"]["audience"] == 1.0
    assert await api.client.get_campaign(made["id"]) == await _as_listed(api, made["id"])
    (refresh,) = await jobs(api, "candidates.refresh")
    assert refresh["campaign_id"] == made["id"]


async def _as_listed(api: Served, campaign_id: int) -> object:
    page = await api.client.list_campaigns()
    return next(campaign for campaign in page.items if campaign.id == campaign_id)


async def test_campaigns_are_listed_by_pages(api: Served) -> None:
    made = [await api.campaign_id() for _ in range(5)]
    seen: list[int] = []
    cursor: str | None = None
    for size in (2, 2, 1):
        page = await api.client.list_campaigns(limit=2, cursor=cursor)
        assert len(page.items) == size
        seen += [campaign.id for campaign in page.items]
        cursor = page.next_cursor
    assert cursor is None
    assert seen == made


async def test_new_criteria_ask_for_new_candidates_and_other_changes_do_not(api: Served) -> None:
    campaign_id = await api.campaign_id()
    before = len(await jobs(api, "candidates.refresh"))
    renamed = await api.client.update_campaign(campaign_id, name="Solar", shortlist_size=7)
    assert (renamed.name, renamed.shortlist_size) == ("Solar", 7)
    same = await api.client.update_campaign(campaign_id, criteria=CRITERIA)
    assert len(await jobs(api, "candidates.refresh")) == before
    changed = await api.client.update_campaign(campaign_id, criteria=OTHER)
    assert changed.criteria_hash != same.criteria_hash
    assert len(await jobs(api, "candidates.refresh")) == before + 1
    await api.client.update_campaign(campaign_id, criteria=CRITERIA)
    assert len(await jobs(api, "candidates.refresh")) == before + 2


async def test_a_campaign_that_wakes_asks_for_candidates(api: Served) -> None:
    campaign_id = await api.campaign_id()
    await api.client.update_campaign(campaign_id, status="archived")
    before = len(await jobs(api, "candidates.refresh"))
    for start in (
        api.client.discover(
            campaign_id, platform="synthetic", seed_type="search", seed_value="solar"
        ),
        api.client.qualify(campaign_id),
    ):
        with pytest.raises(ApiProblem) as caught:
            await start
        assert caught.value.status == 409
    await api.client.update_campaign(campaign_id, status="active")
    assert len(await jobs(api, "candidates.refresh")) == before + 1


async def test_an_empty_patch_changes_nothing(api: Served) -> None:
    campaign = await api.client.create_campaign(**CAMPAIGN)
    assert await api.client.update_campaign(campaign.id) == campaign


async def test_discover_writes_a_crawl_to_the_ledger(api: Served) -> None:
    campaign_id = await api.campaign_id()
    response = await api.http.post(
        f"/campaigns/{campaign_id}/discover",
        json={
            "platform": "bluesky",
            "seed_type": "followers",
            "seed_value": "ada.example",
            "crawl_config": {"max_profiles": 12},
        },
    )
    assert response.status_code == 202
    accepted = response.json()
    assert accepted["queue"] == "crawl"
    (job,) = await jobs(api, "crawl.seed")
    assert str(job["id"]) == accepted["job_id"]
    assert job["args"] == {
        "platform": "bluesky",
        "seed_type": "followers",
        "seed_value": "ada.example",
        "config": {
            "max_profiles": 12,
            "max_pages": 200,
            "max_depth": 0,
            "max_breadth": 1_000,
            "max_bytes": 500_000_000,
            "max_seconds": 900,
        },
        "campaign_id": campaign_id,
    }
    followed = (await api.http.get(accepted["status_url"])).json()
    assert followed["state"] == "queued"
    assert followed["campaign_id"] == campaign_id


async def test_qualify_takes_a_limit_or_no_body_at_all(api: Served) -> None:
    campaign_id = await api.campaign_id()
    accepted = await api.client.qualify(campaign_id, limit=3)
    assert accepted.kind == "qualify.campaign"
    assert (await api.http.post(f"/campaigns/{campaign_id}/qualify")).status_code == 202
    assert [job["args"] for job in await jobs(api, "qualify.campaign")] == [
        {"campaign_id": campaign_id, "limit": 3},
        {"campaign_id": campaign_id, "limit": None},
    ]


async def test_jobs_are_listed_newest_first_and_cancelled(api: Served) -> None:
    campaign_id = await api.campaign_id()
    ids = [(await api.client.qualify(campaign_id)).job_id for _ in range(5)]
    seen: list[UUID] = []
    cursor: str | None = None
    while True:
        page = await api.client.list_jobs(campaign_id=campaign_id, limit=2, cursor=cursor)
        seen += [job.id for job in page.items if job.kind == "qualify.campaign"]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ids[::-1]
    cancelled = await api.client.cancel_job(ids[0])
    assert cancelled.state == "cancelled"
    found = await api.client.list_jobs(state="cancelled")
    assert [job.id for job in found.items] == [ids[0]]
    problem(await api.http.post(f"/jobs/{ids[0]}/cancel"), 409)
    problem(await api.http.get(f"/jobs/{uuid4()}"), 404)


async def test_a_job_is_waited_for(api: Served) -> None:
    job_id = (await api.client.qualify(await api.campaign_id())).job_id
    with pytest.raises(TimeoutError):
        await api.client.wait_for_job(job_id, timeout=0.3)
    seen: list[str] = []
    await api.client.cancel_job(job_id)
    job = await api.client.wait_for_job(job_id, 5, lambda job: seen.append(job.state))
    assert job.state == "cancelled"
    assert seen == ["cancelled"]


async def test_the_funnel_equals_the_tables(api: Served) -> None:
    campaign_id = await api.campaign_id()
    other = await api.campaign_id()
    await api.add_leads(other, range(100, 104))
    lead_ids = await api.add_leads(campaign_id, range(6))
    now = datetime.now(UTC)
    await api.rows(
        """
        with found as (
            insert into discoveries (campaign_id, profile_id, job_id)
            select :campaign_id, profile_id, :job_id::uuid from profiles_raw returning profile_id
        ), candidates as (
            insert into campaign_candidates
                (campaign_id, profile_id, username, candidate_score_cheap)
            select :campaign_id, profile_id, 'x', 0.5 from found order by profile_id desc limit 8
        ), features as (
            insert into profile_features
                (profile_id, platform, username, signals, search, view, view_hash, version_hash)
            select profile_id, platform, username, '{}', ''::tsvector, '{}', case
                when username = 'user2.example' then 'changed since' else 'v' end, 'x'
            from profiles_raw
        ), judged as (
            update llm_scores s set criteria_hash = c.criteria_hash, prompt_version = :prompt,
                score = case when username = 'user3.example' then 0.3 else s.score end
            from campaigns c where c.id = s.campaign_id
        ), sent as (
            insert into messages (campaign_id, lead_id, platform, platform_id, username, body,
                body_hash, state, sent_at, step)
            select campaign_id, id, platform, platform_id, username, 'hi', 'h',
                case when id = :first then 'sent' else 'pending' end, :now, step
            from leads, unnest('{0,1,1000}'::int[]) step
            where id = :first or (id = :second and step = 0)
        )
        insert into feedback_events (source, event_id, kind, campaign_id, lead_id, platform,
            platform_id, occurred_at)
        select 'bluesky:1', kind, kind, campaign_id, id, platform, platform_id, :now
        from leads, unnest('{seen,replied,interested}'::text[]) kind where id = :first
        """,
        campaign_id=campaign_id,
        job_id=uuid4(),
        prompt=PROMPT_VERSION,
        first=lead_ids[0],
        second=lead_ids[1],
        now=now,
    )
    await api.client.decide_lead(lead_ids[2], "rejected")
    await api.client.decide_lead(lead_ids[3], "accepted")
    status = await api.client.campaign_status(campaign_id)
    assert status.funnel.model_dump() == {
        "discovered": 10,
        "candidates": 8,
        "judged": 5,  # one has changed since
        "qualified": 4,  # one scores too little, and is a lead by a person's decision
        "leads": 6,
        "contacted": 1,  # in three messages
        "replied": 1,
    }
    assert {state: count for state, count in status.leads.items() if count} == {
        "new": 4,
        "accepted": 1,
        "rejected": 1,
    }
    assert status.messages == {"sent": 3, "pending": 1}
    assert status.open_jobs["candidates.refresh"] == 1


async def test_what_there_is_to_choose_from(api: Served) -> None:
    platforms = await api.client.platforms()
    assert {each.platform: set(each.seed_types) for each in platforms} == PLATFORMS
    for each in platforms:
        # Told of or not, each one is listed.
        assert sorted(seed.name for seed in each.seeds) == each.seed_types
    fields = {field.name: field for field in await api.client.criteria_fields()}
    assert "between" in fields["followers"].operators
    assert "contains any" in fields["hashtags"].operators
