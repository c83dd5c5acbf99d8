"""What the hot queries of dispatch, feedback and weights read: their own work, not the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from omni.dispatch import accounts_store, drafts_store, held_store, ledger, pacing_store, store
from omni.dispatch.plan import DAY
from omni.feedback.store import QUERIES as FEEDBACK
from omni.storage.db import Database
from omni.storage.sql import Query
from omni.weights.plan import KINDS
from omni.weights.work import QUERIES as WEIGHTS
from tests.dispatch_fixtures import NOW, add_account, add_campaign, add_leads

LARGE = {"messages", "feedback_events", "leads", "profile_features", "suppressions"}
PEOPLE = 30_000

SEED = (
    # A third was sent over the last year, a third waits for an account, a third for approval.
    "insert into messages (campaign_id, lead_id, profile_id, platform, platform_id, username, body,"
    " body_hash, state, account_id, eligible_at, approved_at, claimed_at, sending_at, sent_at,"
    " charged_at)"
    " select l.campaign_id, l.id, l.profile_id, l.platform, l.platform_id, l.username,"
    " repeat('x', 200), 'h', s.state, a.account_id, a.at, a.at, a.at, a.sent_at, a.sent_at,"
    " a.sent_at"
    " from leads l,"
    " lateral (select (array['sent', 'approved', 'pending'])[l.id % 3 + 1] as state) s,"
    " lateral (select case when s.state = 'sent' then 1 end as account_id,"
    " :now::timestamptz - l.id * interval '15 minutes' as at,"
    " case when s.state = 'sent' then :now::timestamptz - l.id * interval '15 minutes' end"
    " as sent_at) a",
    "insert into feedback_events (source, event_id, kind, campaign_id, lead_id, platform,"
    " platform_id, occurred_at) select 'synthetic:1', 'e' || id,"
    " (array['delivered', 'interested', 'not_interested'])[id / 3 % 3 + 1], campaign_id, lead_id,"
    " platform, platform_id, sent_at from messages where state = 'sent'",
    "insert into suppressions (platform, platform_id, reason, source)"
    " select 'synthetic', 's' || n, 'r', 's' from generate_series(1, 10000) n",
)

DISPATCH: Mapping[str, Query] = {
    name: query
    for topic in (
        pacing_store,
        accounts_store,
        drafts_store,
        held_store,
        ledger,
        pacing_store,
        store,
    )
    for name, query in topic.QUERIES.by_name.items()
}
_PERSON = {"platform": "synthetic", "platform_id": "p30", "now": NOW}
COSTS: dict[str, tuple[Query, Mapping[str, object], int]] = {
    "pick": (DISPATCH["pick_message"], {"platform": "synthetic", "now": NOW, "passed": [1, 2]}, 40),
    "charges": (
        DISPATCH["list_charges"],
        {"account_id": 1, "since": NOW - DAY, "limit": 50},
        80,
    ),
    "facts": (
        DISPATCH["read_facts"],
        {"id": 100, "account_id": 1, "conversation_since": NOW - 14 * DAY},
        90,  # each of a dozen probes, the person under both names included
    ),
    "own": (DISPATCH["pick_own"], {"account_id": 1, "now": NOW}, 20),
    "places": (
        DISPATCH["list_places"],
        {"account_id": 1, "since": NOW - 300 * DAY, "places": [600, 900]}, 60,
    ),
    "tries": (
        DISPATCH["count_tries"],
        {"account_id": 1, "since": NOW - 300 * DAY, "awaited_before": NOW, "limit": 200}, 260,
    ),
    "came back": (DISPATCH["mark_messages"], _PERSON | {"kind": "blocked", "at": NOW}, 60),
    "bind": (DISPATCH["bind_person"], _PERSON | {"account_id": 1}, 60),
    "platforms": (DISPATCH["list_waiting_platforms"], {}, 40),
    "head": (
        DISPATCH["mark_waiting"],
        {"platform": "synthetic", "gate": "hourly limit", "now": NOW, "limit": 20},
        900,
    ),
    "page": (
        DISPATCH["page_messages_in_state"],
        {"campaign_id": 1, "state": "approved", "before_id": 20_000, "limit": 50},
        200,
    ),
    "lost claims": (DISPATCH["give_back_lost"], {"lost_before": NOW, "now": NOW, "limit": 9}, 20),
    "lost sendings": (
        DISPATCH["doubt_lost"],
        {"lost_before": NOW, "now": NOW, "limit": 9, "error": "lost"},
        20,
    ),
    "cancel": (
        DISPATCH["cancel_for_person"],
        _PERSON | {"reason": "r", "for_good": True, "held_by": "approval"},
        60,
    ),
    "cancel lead": (
        DISPATCH["cancel_for_lead"], {"lead_id": 30, "reason": "r", "now": NOW}, 60,
    ),
    "reopen lead": (
        DISPATCH["reopen_for_lead"],
        {"lead_id": 30, "reason": "r", "held_by": "approval", "now": NOW},
        60,
    ),
    "release": (
        DISPATCH["release_platform"],
        {"platform": "synthetic", "gates": ["account paused"], "now": NOW, "limit": 20},
        60,
    ),
    "drafts": (
        DISPATCH["insert_drafts"],
        {
            "campaign_id": 1, "step": 0, "states": ["new", "accepted"], "held_by": "approval",
            "now": NOW, "writers": ["template"] * 200, "claims": ["[]"] * 200,
            "lead_ids": list(range(1, 201)), "profile_ids": list(range(1, 201)),
            "platforms": ["synthetic"] * 200, "platform_ids": [f"n{n}" for n in range(200)],
            "usernames": ["u"] * 200, "bodies": ["x"] * 200, "body_hashes": ["h"] * 200,
        },
        9_000,
    ),
    "contacted": (
        DISPATCH["list_contacted"],
        {"since": NOW - timedelta(hours=12), "limit": 100},
        300,
    ),
    "recipients": (
        DISPATCH["page_recipients"],
        {
            "campaign_id": 1, "state": "new", "before_score": 0.8, "before_id": 2**62,
            "open_states": ["pending"], "conversation_since": NOW, "limit": 20,
        },
        1_500,
    ),
    "in conversation": (
        DISPATCH["count_in_conversation"],
        {"campaign_id": 1, "open_states": ["pending"], "conversation_since": NOW, "limit": 20},
        1_500,
    ),
    "due": (
        DISPATCH["page_due"],
        {
            "campaign_id": 1, "step": 1, "states": ["contacted", "new"], "limit": 20,
            "sent_after": NOW - 30 * DAY, "sent_before": NOW, "after_id": 0,
        },
        1_500,
    ),
    "autopilot": (DISPATCH["count_autopilot"], {"campaign_id": 1, "since": NOW - DAY}, 20),
    "approve alone": (
        DISPATCH["approve_automatically"],
        {"campaign_id": 1, "states": ["new"], "now": NOW, "limit": 20},
        900,
    ),
    "events": (
        FEEDBACK["insert_events"],
        {
            "source": "synthetic:1", "platform": "synthetic", "account_id": 1, "now": NOW,
            "event_ids": ["n1", "n2"], "kinds": ["replied"] * 2, "platform_ids": ["p2", "p3"],
            "bodies": ["hi", None], "occurred_at": [NOW, NOW],
            "replies_to": [None, "m1"], "classed_by": ["rules"] * 2,
        },
        250,
    ),
    "outcomes": (
        WEIGHTS["list_outcomes"],
        {"campaign_id": 1, "kinds": list(KINDS), "silent_since": NOW - 7 * DAY, "limit": 25},
        900,
    ),
}  # fmt: skip


@pytest.fixture
async def filled(db: Database) -> Database:
    """One campaign over many people, with statistics as autovacuum leaves them."""
    campaign = await add_campaign(db)
    await add_account(db)
    await add_leads(db, campaign, PEOPLE)
    for number, text in enumerate(SEED):
        await db.execute(
            Query(f"seed{number}", text), None, **({"now": NOW} if ":now" in text else {})
        )
    for table in sorted(LARGE):
        await db.execute(Query("vacuum", f"vacuum analyze {table}"))
    return db


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


async def test_hot_queries_read_what_they_need(filled: Database) -> None:
    problems: list[str] = []
    for name, (query, params, bound) in COSTS.items():
        explain = Query("explain", f"explain (analyze, buffers, format json) {query.text}")
        (explained,) = await filled.fetchval(explain, None, **params)
        plan = explained["Plan"]
        blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        whole = {
            node["Relation Name"]
            for node in _nodes(plan)
            if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE
        }
        if whole or blocks > bound:
            problems.append(f"{name}: {blocks} blocks (bound {bound}), read in whole: {whole}")
    assert not problems, "\n".join(problems)
