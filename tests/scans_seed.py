"""Big tables, written by the server itself: profiles, candidates, verdicts and leads."""

from __future__ import annotations

from omni.campaigns.types import Campaign
from omni.candidates.plan import SCORE_SQL, score_params
from omni.storage.db import Database, Tx
from omni.storage.sql import Fragment, Query
from tests.candidates_fixtures import add_campaign, target_of

LARGE = (
    "profiles_raw", "profile_features", "discoveries", "campaign_candidates", "llm_scores", "leads",
    "refreshes",
)  # fmt: skip
OTHERS = 9
"""How many campaigns there are beside the one that is looked at."""

CHOSEN = 2_000
"""How many candidates that one has, whatever the size of the tables."""

PROFILES = Query(
    "profiles",
    """
    insert into profiles_raw (platform, platform_id, username, payload, content_hash, last_seen)
    select
        'seeded', 'did:seeded:' || k, 'user' || k || '.example',
        jsonb_build_object('bio', repeat('words of many kinds ', 12), 'k', k), md5(k::text),
        now() - k * interval '1 second'
    from generate_series(1, :count::int) k
    """,
)
PLANS = Query(
    "plans",
    """
    insert into refreshes (profile_id, platform, interest, pace, changes, changed_s, still_s,
        looked_at, seen_hash, refresh_at)
    select profile_id, platform, 1, 11, 0, 0, 0, last_seen, content_hash, last_seen
    from profiles_raw
    """,
)
FEATURES = Query(
    "features",
    """
    insert into profile_features (
        profile_id, platform, username, display_name, bio, language, country, followers, follows,
        posts, posts_per_week, engagement, account_created_at, last_post_at, has_avatar, is_bot,
        accepts_messages, hashtags, keywords, signals, search, view, view_hash, version_hash
    )
    select
        r.profile_id, r.platform, r.username, 'Person ' || k, b.bio, 'en',
        (array['de', 'at', 'fr', null])[1 + k % 4], k * 7919 % 100000, k * 31 % 5000, k * 17 % 3000,
        k % 40 / 4.0, k % 100 / 1000.0, now() - k % 3000 * interval '1 day',
        now() - k % 200 * interval '1 day', true, k % 50 = 0, k % 3 > 0,
        array['tag' || k % :others::int] || case
            when k % (:count::int / :chosen::int) = 0 then array['chosen'] else '{}'
        end,
        array['solar', 'word' || k % 997],
        array[
            k % 7 / 6.0, k % 11 / 10.0, k % 13 / 12.0, k % 17 / 16.0, k % 19 / 18.0, k % 23 / 22.0,
            k % 3 / 2.0, k % 29 / 28.0
        ]::double precision[],
        to_tsvector('simple', b.bio),
        jsonb_build_object('username', r.username, 'name', 'Person ' || k, 'bio', b.bio),
        'view' || k, r.content_hash
    from profiles_raw r,
        lateral (select (r.payload ->> 'k')::int as k) n,
        lateral (
            select 'I build solar energy things, word' || k % 997 || ' and word' || k % 991
                || '. ' || 'More words about what I do all day' as bio
        ) b
    """,
)
PAIRS = Query(
    "pairs",
    """
    insert into campaign_candidates (profile_id, campaign_id, username, candidate_score_cheap)
    select pf.profile_id, :campaign_id::bigint, pf.username, {{score}}
    from profile_features pf where ({{where}})
    """,
)
DISCOVERIES = Query(
    "discoveries",
    """
    insert into discoveries (campaign_id, profile_id, job_id)
    select campaign_id, profile_id, gen_random_uuid() from campaign_candidates
    """,
)
VERDICTS = Query(
    "verdicts",
    """
    insert into llm_scores (
        campaign_id, profile_id, username, profile_hash, criteria_hash, model, prompt_version,
        outcome, qualified, score, confidence, raw, latency_ms
    )
    select
        cc.campaign_id, cc.profile_id, cc.username, pf.view_hash, c.criteria_hash, :model::text,
        :prompt_version::text, 'verdict', q.qualified, 0.6 * q.qualified::int + s.small, 0.5,
        repeat('{} ', 30), 1
    from campaign_candidates cc
    join profile_features pf using (profile_id)
    join campaigns c on c.id = cc.campaign_id,
        lateral (select cc.profile_id % 7 > 1 as qualified) q,
        lateral (select cc.profile_id % 997 / 2500.0 as small) s
    where cc.profile_id % 3 = 0
    """,
)
LEADS = Query(
    "leads",
    """
    insert into leads (
        campaign_id, profile_id, platform, platform_id, username, score_id, score, confidence,
        reasons, state
    )
    select
        s.campaign_id, s.profile_id, r.platform, r.platform_id, s.username, s.id, s.score, 0.5,
        '[]', (array['new', 'accepted', 'rejected'])[1 + s.id % 3]
    from llm_scores s
    join profiles_raw r using (profile_id)
    where s.qualified
    """,
)
TRUSTED = Query("trusted", "set local session_replication_role = replica")
"""Rows that are consistent by their making need no check of their foreign keys one by one."""

ASLEEP = Query(
    "asleep",
    """
    alter table {{table}} set (autovacuum_enabled = false, toast.autovacuum_enabled = false)
    """,
)
VACUUM = Query("vacuum", "vacuum (freeze, analyze) {{table}}")


async def seed(db: Database, profiles: int, *, model: str, prompt_version: str) -> list[Campaign]:
    """Fill the tables; return the campaigns, first the one with `CHOSEN` candidates.

    Autovacuum is kept away, since its reading would be counted with that of a step.
    """
    for table in LARGE:
        await db.execute(ASLEEP, {"table": Fragment(table)})
    async with db.transaction() as tx:
        await tx.execute(TRUSTED)
        campaigns = await _fill(tx, profiles, model=model, prompt_version=prompt_version)
    for table in LARGE:
        await db.execute(VACUUM, {"table": Fragment(table)})
    return campaigns


async def _fill(tx: Tx, profiles: int, *, model: str, prompt_version: str) -> list[Campaign]:
    await tx.execute(PROFILES, count=profiles)
    await tx.execute(PLANS)
    await tx.execute(FEATURES, count=profiles, others=OTHERS, chosen=CHOSEN)
    tags = ["chosen", *(f"tag{n}" for n in range(OTHERS))]
    campaigns = [await add_campaign(tx, _tagged(tag), name=tag) for tag in tags]
    for campaign in campaigns:
        await _add_pairs(tx, campaign)
    await tx.execute(DISCOVERIES)
    await tx.execute(VERDICTS, model=model, prompt_version=prompt_version)
    await tx.execute(LEADS)
    return campaigns


async def _add_pairs(tx: Tx, campaign: Campaign) -> None:
    target = target_of(campaign)
    fragments = {
        "where": Fragment(target.where.sql, target.where.params),
        "score": Fragment(SCORE_SQL, score_params(target.weights)),
    }
    await tx.execute(PAIRS, fragments, campaign_id=campaign.id)


def _tagged(tag: str) -> dict[str, object]:
    clauses = [
        {"field": "hashtags", "op": "contains any", "value": [tag]},
        {"field": "text", "op": "matches", "value": "solar energy"},
        {"field": "followers", "op": ">=", "value": 10},
    ]
    return {"all": clauses}
