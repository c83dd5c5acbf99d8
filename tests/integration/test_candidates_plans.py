"""The plan of every hot query of the room, on 100,000 profiles: its index, its blocks, its rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from omni.campaigns import store as campaigns
from omni.candidates import work
from omni.candidates.store import QUERIES
from omni.jobs.types import Progress
from omni.predicate.plan import compile_criteria
from omni.storage.db import Database
from omni.storage.sql import Fragment, Query
from tests.candidates_fixtures import NOW, add_campaign, add_profiles, target_of

PROFILES = 100_000
OTHERS = 1_000
IDS = list(range(50, PROFILES, 100))
LARGE = {"profile_features", "campaign_candidates", "candidate_refreshes"}
FEATURES, PAIRS, RANKED, PLACES = (
    "profile_features_pkey", "campaign_candidates_pkey", "campaign_candidates_open",
    "candidate_refreshes_pkey",
)  # fmt: skip
JOB = UUID(int=1)
WHERE = Fragment("pf.followers >= :c_0::bigint", {"c_0": 950})  # half of the candidates go
SCORE = Fragment("pf.signals[1]")
ADD_OTHERS = Query(
    "add_others",
    """
    insert into campaigns (name, criteria, criteria_hash)
    select 'other', '{}', n::text from generate_series(1, :count::int) n
    """,
)
ADD_WEIGHTS = Query(
    "add_weights",
    """
    insert into campaign_weights (campaign_id, version, weights)
    select id, 1, '{}' from campaigns
    """,
)
ADD_PAIRS = Query(
    "add_pairs",
    """
    insert into campaign_candidates (profile_id, campaign_id, username, candidate_score_cheap)
    select pf.profile_id, 2 + (pf.profile_id + n) % 1000, pf.username, n
    from profile_features pf, generate_series(1, 4) n
    """,
)
ADD_PLACES = Query(
    "add_places",
    """
    insert into candidate_refreshes (campaign_id, job_id, criteria_hash, weights_version, upto)
    select id, :job_id::uuid, criteria_hash, 1, 0 from campaigns
    """,
)
VACUUM = Query("vacuum", "vacuum (analyze) {{table}}")


@dataclass(frozen=True)
class Expected:
    """What a query may cost.

    Attributes:
        indexes: Those that it uses, and no others but those of small tables.
        blocks: The most 8 kB blocks, of tables and indexes, from cache or disk.
        rows: The most rows that any step of the plan reads.
    """

    name: str
    indexes: set[str]
    blocks: int
    rows: int
    params: Mapping[str, object] = field(default_factory=dict[str, object])


CRITERIA = {"field": "followers", "op": ">=", "value": 900}
ONE = {
    "campaign_id": 1, "criteria_hash": compile_criteria(CRITERIA).criteria_hash,
    "weights_version": 1, "now": NOW,
}  # fmt: skip
PLACE = {"campaign_id": 1, "job_id": JOB}
WRITTEN = {
    "campaign_ids": [1, 2], "criteria_hashes": ["1", "2"], "weights_versions": [1, 1], "now": NOW,
    "new_profiles": IDS[:100], "new_campaigns": [2] * 100, "new_usernames": ["u"] * 100,
    "new_scores": [1.0] * 100, "profiles": IDS, "their_campaigns": [1] * len(IDS),
    "usernames": ["u"] * len(IDS), "scores": [2.0] * len(IDS), "out_profiles": [i + 1 for i in IDS],
    "out_campaigns": [1] * len(IDS), "out_gone": [True] * len(IDS),
}  # fmt: skip
HOT = (
    Expected("read_profiles", {FEATURES}, 4 * len(IDS), len(IDS), {"ids": IDS}),
    Expected("confirm_matches", {FEATURES}, 4 * len(IDS), len(IDS), {"ids": IDS}),
    Expected(
        "find_overtaken", {FEATURES}, 4 * len(IDS), len(IDS),
        {"ids": IDS, "row_versions": IDS},
    ),
    Expected("read_pairs", {PAIRS}, 10 * len(IDS), 5 * len(IDS), {"ids": IDS}),
    Expected(
        "refresh_pairs", {FEATURES, PAIRS}, 5_000, 10_000, {**ONE, "after": 50_000, "upto": 52_000},
    ),
    Expected("end_of_range", {FEATURES}, 400, 2_000, {"after": 50_000, "size": 2_000}),
    Expected("last_profile", {FEATURES}, 10, 1),
    Expected("count_candidates", {RANKED}, 300, 10_100, {"campaign_id": 1}),
    Expected(
        "find_place", {PLACES}, 5, 1, {**PLACE, "criteria_hash": "", "weights_version": 1}
    ),
    Expected("next_mark", {RANKED}, 10, 1, {"campaign_id": 1, "after": -1}),
    Expected("reopen_pairs", {PAIRS}, 10 * len(IDS), 5 * len(IDS), {"ids": IDS}),
    Expected(
        "mark_judged", {FEATURES, PAIRS}, 40 * len(IDS), len(IDS),
        {"campaign_id": 1, "epoch": 1, "ids": IDS, "view_hashes": [""] * len(IDS), "model": ""},
    ),
    Expected(
        "page_held", {RANKED}, 1_100, 1_000,
        {"campaign_id": 1, "judged_epoch": 0, "after_score": 0.5, "after_id": 0, "limit": 1_000},
    ),
    Expected("note_place", set(), 20, 0, {**ONE, **PLACE, "upto": 1}),
    Expected("forget_place", {PLACES}, 10, 1, PLACE),
    # The last one: what it rolls back leaves pages that an index-only scan must look into.
    Expected("write_differences", {PAIRS}, 40 * len(IDS), len(IDS), WRITTEN),
)  # fmt: skip
NO_TABLE = {"lock_lanes", "read_words"}
ELSEWHERE = {"find_held"}
"""What joins `campaigns` too, and is a probe of each of a few people."""


@pytest.fixture(scope="module")
def seeded(postgres_url: str, template_database: str) -> Iterator[str]:
    """URL of a database with a large table of profiles, and of pairs with one campaign."""
    head, _, query = postgres_url.partition("?")
    url = f"{head.rsplit('/', 1)[0]}/plans" + (f"?{query}" if query else "")

    async def admin(statement: str) -> None:
        db = await Database.connect(postgres_url, size=1)
        await db.execute(Query("admin", statement))
        await db.close()

    async def fill() -> None:
        db = await Database.connect(url, size=2)
        await add_profiles(db, PROFILES)
        campaign = await add_campaign(db, CRITERIA)
        await db.execute(ADD_OTHERS, count=OTHERS)
        await db.execute(ADD_WEIGHTS)
        await db.execute(VACUUM, {"table": Fragment("profile_features")})
        campaign = await campaigns.get(db, campaign.id)
        await work.refresh(db, target_of(campaign), now=NOW, report=ignore)
        await db.execute(ADD_PAIRS)
        await db.execute(ADD_PLACES, job_id=JOB)
        for table in LARGE | {"campaigns", "campaign_weights"}:
            await db.execute(VACUUM, {"table": Fragment(table)})
        await db.close()

    asyncio.run(admin(f"create database plans template {template_database}"))
    asyncio.run(fill())
    yield url
    asyncio.run(admin("drop database plans with (force)"))


@pytest.mark.parametrize("expected", HOT, ids=lambda expected: expected.name)
async def test_a_hot_query_names_its_index_and_reads_what_it_must(
    seeded: str, expected: Expected
) -> None:
    db = await Database.connect(seeded, size=1)
    plan = await explained(db, expected)
    await db.close()
    nodes = list(walk(plan))
    scanned = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    assert not scanned & LARGE
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    assert expected.indexes <= used
    assert not {FEATURES, PAIRS, RANKED} & used - expected.indexes
    blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert blocks <= expected.blocks
    reading = [node for node in nodes if "Scan" in node["Node Type"]]
    assert max((n["Actual Rows"] * n["Actual Loops"] for n in reading), default=0) <= expected.rows


def test_no_query_is_forgotten() -> None:
    assert {*QUERIES.by_name} == {expected.name for expected in HOT} | NO_TABLE | ELSEWHERE


async def explained(db: Database, expected: Expected) -> dict[str, Any]:
    """Run a query and return its plan; what it writes is rolled back."""
    query = QUERIES[expected.name]
    explain = Query("explain", f"explain (analyze, buffers, format json) {query.text}")
    slots = {
        "campaign": Fragment("cc.campaign_id + 0"),
        "where": WHERE,
        "score": SCORE,
        "columns": Fragment(", pf.followers"),
    }
    params = dict(expected.params)
    found: list[dict[str, Any]] = []
    try:
        async with db.transaction() as tx:
            found = await tx.fetchval(explain, slots, **params)
            raise Enough
    except Enough:
        return found[0]["Plan"]


class Enough(Exception):
    """Ends a transaction without a commit."""


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from walk(part)


def ignore(progress: Progress) -> None:
    """Take no notice."""
