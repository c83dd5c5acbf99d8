"""Profiles, campaigns and a full evaluation to hold candidates against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.candidates.plan import SCORE_SQL, score_params
from omni.candidates.types import Crowd, Target
from omni.flow import crowds
from omni.predicate.parse import parse
from omni.predicate.plan import compile_criteria
from omni.storage.db import Database, Executor
from omni.storage.sql import Fragment, Query

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

INSERT_PROFILES = Query(
    "insert_profiles",
    """
    with raw as (
        insert into profiles_raw (platform, platform_id, username, payload, content_hash)
        select 'test', 'id' || n, 'user' || n, '{}', ''
        from generate_series(:first::int, :first::int + :count::int - 1) n
        returning profile_id, username, platform_id
    )
    insert into profile_features (
        profile_id, platform, username, bio, country, followers, posts, is_bot, has_avatar,
        hashtags, signals, search, view, view_hash, version_hash
    )
    select
        r.profile_id, 'test', r.username, case when k % 7 > 0 then 'we do solar energy' end,
        (array['de', 'at', 'fr', null])[1 + k % 4], nullif(k % 1000, 13), k % 50, k % 10 = 0, true,
        array['tag' || k % 20, 'tag' || k % 3],
        array[k % 2, k % 3 / 2.0, k % 5 / 4.0, k % 7 / 6.0, 0.5, 0.25, 1, k % 11 / 10.0]::float8[],
        to_tsvector('simple', 'we do solar energy'), '{}', '', ''
    from raw r, lateral (select substr(r.platform_id, 3)::int as k) n
    returning profile_id
    """,
)
CHANGE = Query(
    "change",
    """
    with ordered as (
        select profile_id from profile_features
        where profile_id = any(:ids::bigint[]) order by profile_id for update
    )
    update profile_features pf
    set followers = (followers + :by) % 1000,
        signals[1] = case when :by % 2 = 0 then signals[1] else 1 - signals[1] end
    from ordered
    where pf.profile_id = ordered.profile_id
    """,
)
CHANGE_WORDS = Query(
    "change_words",
    """
    with ordered as (
        select profile_id from profile_features
        where profile_id = any(:ids::bigint[]) order by profile_id for update
    )
    update profile_features pf
    set bio = case when bio is null then 'we do solar energy' end
    from ordered
    where pf.profile_id = ordered.profile_id
    """,
)
COUNTS, WORDS = ("followers", "signals"), ("bio",)
"""What `change_profiles` and `change_words` change, as marks."""

DELETE = Query("delete", "delete from profiles_raw where profile_id = any(:ids::bigint[])")
HELD = Query(
    "held",
    """
    select profile_id, username, candidate_score_cheap as score
    from campaign_candidates where campaign_id = :campaign_id order by profile_id
    """,
)
EVALUATED = Query(
    "evaluated",
    """
    select pf.profile_id, pf.username, {{score}} as score
    from profile_features pf where ({{where}}) is true order by pf.profile_id
    """,
)


async def add_profiles(db: Executor, count: int, first: int = 1) -> list[int]:
    """Add profiles that differ in their features; return their ids."""
    rows = await db.fetch(INSERT_PROFILES, first=first, count=count)
    return [row["profile_id"] for row in rows]


async def change_profiles(db: Executor, ids: Sequence[int], by: int) -> None:
    """Change the features of these profiles."""
    await db.execute(CHANGE, ids=ids, by=by)


async def change_words(db: Executor, ids: Sequence[int]) -> None:
    """Take their bio from these profiles, or give them one."""
    await db.execute(CHANGE_WORDS, ids=ids)


async def delete_profiles(db: Executor, ids: Sequence[int]) -> None:
    """Delete these profiles, as erasing a person does."""
    await db.execute(DELETE, ids=ids)


async def add_campaign(db: Executor, criteria: object, name: str = "Solar") -> Campaign:
    """Add a campaign."""
    return await campaigns.create(
        db,
        name=name,
        brief="",
        compiled=compile_criteria(criteria),
        threshold=0.6,
        shortlist_size=10,
        message_template="",
        now=NOW,
    )


def target_of(campaign: Campaign) -> Target:
    """Return what candidates are kept for."""
    return crowds.target_of(campaign, parse(campaign.criteria))


async def crowd_of(db: Database, *found: Campaign) -> Crowd:
    """Compile campaigns together."""
    return await crowds.compile_crowd(db, found)


async def held(db: Database, campaign_id: int) -> list[tuple[int, str, float]]:
    """Return the pairs that are held."""
    rows = await db.fetch(HELD, campaign_id=campaign_id)
    return [(row["profile_id"], row["username"], row["score"]) for row in rows]


async def evaluated(db: Database, campaign_id: int) -> list[tuple[int, str, float]]:
    """Return the pairs that a full evaluation of the campaign as it is now gives."""
    target = target_of(await campaigns.get(db, campaign_id))
    fragments = {
        "where": Fragment(target.where.sql, target.where.params),
        "score": Fragment(SCORE_SQL, score_params(target.weights)),
    }
    rows = await db.fetch(EVALUATED, fragments)
    return [(row["profile_id"], row["username"], row["score"]) for row in rows]
