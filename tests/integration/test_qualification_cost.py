"""What the hot queries of qualification and leads read: their own work, not the tables' size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pytest

from omni.leads.store import QUERIES as LEADS
from omni.leads.types import PROFILE_URLS
from omni.leads.work import BATCH
from omni.qualification.shortlist_store import QUERIES as SHORTLIST
from omni.qualification.store import QUERIES as SCORES
from omni.qualification.types import MOST_REFUSALS, VerdictKey
from omni.storage.db import Database
from omni.storage.sql import Fragment, Query
from tests.qualification_fixtures import NOW, add_campaign

PEOPLE = 30_000
JUDGED = 2_000
KEY = VerdictKey(campaign_id=1, criteria_hash="c", model="m", prompt_version="p")
TOP = {"after_score": float("inf"), "after_id": 2**63 - 1}
ANY_STATE, ONE_STATE = Fragment(""), Fragment("and l.state = :state")
LARGE = {"profiles_raw", "profile_features", "campaign_candidates", "llm_scores", "leads"}

SEED = (
    "insert into profiles_raw (platform, platform_id, username, payload, content_hash)"
    " select 'synthetic', 'id:' || n, 'u' || n, '{}', 'x' from generate_series(1, :people::int) n",
    "insert into profile_features"
    " (profile_id, platform, username, signals, search, view, view_hash, version_hash)"
    " select profile_id, platform, username, '{}', ''::tsvector,"
    " jsonb_build_object('bio', repeat(md5(username), 10)), md5(username), 'x' from profiles_raw",
    "insert into campaign_candidates (profile_id, campaign_id, username, candidate_score_cheap)"
    " select profile_id, campaign, username, profile_id % 9973"
    " from profiles_raw, generate_series(1, 2) campaign",
    # The best of campaign 1 are judged, half of them with yes; campaign 2 is judged in full.
    "insert into llm_scores (campaign_id, profile_id, username, profile_hash, criteria_hash, model,"
    " prompt_version, outcome, qualified, score, raw, latency_ms)"
    " select campaign_id, profile_id, username, md5(username), 'c', 'm', 'p', 'verdict',"
    " profile_id % 2 = 0, 0.9, '', 1 from (select *, row_number() over"
    " (partition by campaign_id order by candidate_score_cheap desc, profile_id) as place"
    " from campaign_candidates) ranked where campaign_id = 2 or place <= :judged::int",
    "insert into leads (campaign_id, profile_id, platform, platform_id, username, score_id, score,"
    " reasons) select s.campaign_id, s.profile_id, 'synthetic', 'id:' || s.profile_id, s.username,"
    " s.id, s.profile_id % 1000 / 1000.0, '[]' from llm_scores s where qualified"
    " and (s.campaign_id = 2 or s.profile_id % 4 = 0)",
)


@pytest.fixture
async def filled(db: Database) -> Database:
    """Two campaigns over many people, with statistics as autovacuum leaves them."""
    for _ in range(2):
        await add_campaign(db)
    await db.execute(Query("hash", "update campaigns set criteria_hash = 'c'"))
    for number, text in enumerate(SEED):
        await db.execute(Query(f"seed{number}", text), people=PEOPLE, judged=JUDGED)
    for table in sorted(LARGE):
        await db.execute(Query("vacuum", f"vacuum analyze {table}"))
    return db


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def cost(
    db: Database, query: Query, params: Mapping[str, object], in_state: Fragment = ANY_STATE
) -> int:
    """Return how many blocks the query touched; reading a large table, or a large part, fails."""
    explain = Query("explain", f"explain (analyze, buffers, format json) {query.text}")
    (explained,) = await db.fetchval(explain, {"in_state": in_state}, **params)
    plan = explained["Plan"]
    whole = [
        node["Relation Name"]
        for node in nodes(plan)
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE
    ]
    assert not whole
    most = max(node["Actual Rows"] * node["Actual Loops"] for node in nodes(plan))
    assert most <= JUDGED + 200, "reads rows that it does not need"
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


async def test_the_shortlist_walks_past_the_settled_only_until_they_are_marked(
    filled: Database,
) -> None:
    page = {"marked": 0, "after_score": math.inf, "after_id": 0, "most_refusals": MOST_REFUSALS}
    walk = asdict(KEY) | page | {"limit": 200}
    assert await cost(filled, SHORTLIST["page_unmarked"], walk) < 15 * 200
    fresh = asdict(KEY) | {"criteria_hash": "another"}
    views = {"profile_ids": [77], "most_refusals": MOST_REFUSALS}
    assert await cost(filled, SCORES["list_views"], fresh | views) < 25
    groups = {"campaign_id": KEY.campaign_id, "epoch": 7}
    assert await cost(filled, SHORTLIST["list_groups"], groups) < 30


async def test_counting_reads_the_campaigns_own_verdicts(filled: Database) -> None:
    present = {name: value for name, value in asdict(KEY).items() if name != "model"}
    # Each verdict is probed in two keys.
    count = present | {"threshold": 0.6}
    assert await cost(filled, SCORES["count_verdicts"], count) < 8 * JUDGED
    assert await cost(filled, LEADS["count_by_state"], {"campaign_id": 1}) < JUDGED / 20


@pytest.mark.parametrize("campaign_id", [1, 2])
async def test_promotion_reads_a_page_and_what_hangs_on_it(
    filled: Database, campaign_id: int
) -> None:
    key = asdict(KEY) | {"campaign_id": campaign_id}
    before: list[str] = []
    page = key | {"threshold": 0.6, "batch": BATCH, "now": NOW, "before": before}
    # Each verdict is probed in five keys, and half of a page are written with their indexes.
    assert await cost(filled, LEADS["promote_page"], page | {"after": 0}) < 40 * BATCH
    # Each lead is probed in two keys, and in four places that may suppress the person.
    assert await cost(filled, LEADS["withdraw_page"], page | TOP) < 16 * BATCH
    done = await filled.fetchval(Query("last", "select max(id) from llm_scores"))
    assert await cost(filled, LEADS["promote_page"], page | {"after": done}) < 20


async def test_a_deep_page_reads_as_much_as_the_first(filled: Database) -> None:
    page = {"campaign_id": 2, "state": "new", "place": 50, "profile_urls": PROFILE_URLS}
    deep = {"after_score": 0.1, "after_id": 2**63 - 1}
    for in_state in (ANY_STATE, ONE_STATE):
        for place in (TOP, deep):
            assert await cost(filled, LEADS["page_leads"], page | place, in_state) < 150
