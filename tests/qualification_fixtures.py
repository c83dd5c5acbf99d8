"""People, candidates and campaigns, written straight into the tables that the judged rooms read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from omni.base.hashing import digest
from omni.campaigns.types import Campaign
from omni.jobs.types import Progress
from omni.llm.pace import Retries
from omni.llm.pool import Pool
from omni.llm.ports import Answer, Health, Judge, Prompt
from omni.llm.rules import RulesJudge
from omni.profiles.types import DEFAULT_WEIGHTS
from omni.qualification.types import QualificationReport
from omni.qualification.work import qualify
from omni.storage.db import Database
from omni.storage.sql import Query

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BRIEF = "Photographers who shoot landscapes on film"
ENGLISH = "followers is at least 1"
FITTING = "Landscape photographer on film"
UNFITTING = "I collect stamps and stories"


def criteria(least: int) -> dict[str, Any]:
    return {"field": "followers", "op": ">=", "value": least}


async def add_campaign(
    db: Database, *, brief: str = BRIEF, least: int = 1, threshold: float = 0.6
) -> Campaign:
    document = criteria(least)
    campaign_id = await db.fetchval(
        Query(
            "add",
            "insert into campaigns (name, brief, criteria, criteria_hash, threshold)"
            " values ('test', :brief, :criteria::jsonb, :hash, :threshold) returning id",
        ),
        brief=brief,
        criteria=document,
        hash=digest(document),
        threshold=threshold,
    )
    return Campaign(
        id=campaign_id, name="test", brief=brief, criteria=document, criteria_hash=digest(document),
        status="active", threshold=threshold, shortlist_size=50, message_template="",
        weights=DEFAULT_WEIGHTS, weights_version=0, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


async def with_criteria(
    db: Database, campaign: Campaign, least: int = 1, *, words: str | None = None
) -> Campaign:
    """Change the campaign's criteria, in the table too; `words` are asked of the bio."""
    document = criteria(least)
    if words is not None:
        document = {"all": [{"field": "bio", "op": "matches", "value": words}, document]}
    await db.execute(
        Query("set", "update campaigns set criteria = :c::jsonb, criteria_hash = :h where id = :i"),
        c=document,
        h=digest(document),
        i=campaign.id,
    )
    return replace(campaign, criteria=document, criteria_hash=digest(document))


async def add_person(
    db: Database,
    name: str,
    bio: str = FITTING,
    *,
    candidate_of: Campaign | None = None,
    score: float = 0.5,
    last_post_at: datetime | None = None,
) -> int:
    """Write a profile with its features, and make it a candidate if a campaign is given."""
    view: dict[str, Any] = {
        "platform": "synthetic", "username": name, "name": name.title(), "bio": bio,
        "is_bot": False, "followers": 10, "hashtags": [], "posts": [], "links": [], "images": [],
    }  # fmt: skip
    profile_id = await db.fetchval(
        Query(
            "add",
            "with raw as (insert into profiles_raw"
            " (platform, platform_id, username, payload, content_hash)"
            " values ('synthetic', 'id:' || :name, :name, '{}', 'x') returning profile_id)"
            " insert into profile_features (profile_id, platform, username, display_name, bio,"
            " last_post_at, signals, search, view, view_hash, version_hash)"
            " select profile_id, 'synthetic', :name, initcap(:name), :bio, :last_post_at, '{}',"
            " ''::tsvector, :view::jsonb, :hash, 'x' from raw returning profile_id",
        ),
        name=name,
        bio=bio,
        last_post_at=last_post_at,
        view=view,
        hash=digest(view),
    )
    if candidate_of is not None:
        await add_candidate(db, candidate_of, profile_id, score)
    return profile_id


async def add_candidate(
    db: Database, campaign: Campaign, profile_id: int, score: float = 0.5
) -> None:
    await db.execute(
        Query(
            "add",
            "insert into campaign_candidates"
            " (profile_id, campaign_id, username, candidate_score_cheap)"
            " select profile_id, :campaign_id, username, :score from profile_features"
            " where profile_id = :profile_id",
        ),
        campaign_id=campaign.id,
        profile_id=profile_id,
        score=score,
    )


async def evict(db: Database, campaign: Campaign, profile_id: int) -> None:
    await db.execute(
        Query(
            "evict",
            "delete from campaign_candidates"
            " where profile_id = :profile_id and campaign_id = :campaign_id",
        ),
        profile_id=profile_id,
        campaign_id=campaign.id,
    )


async def rewrite_bio(db: Database, profile_id: int, bio: str) -> None:
    """Change what a judge sees of a person."""
    view = await db.fetchval(
        Query("view", "select view from profile_features where profile_id = :id"), id=profile_id
    )
    view["bio"] = bio
    await db.execute(
        Query(
            "set",
            "update profile_features set bio = :bio, view = :view::jsonb, view_hash = :hash"
            " where profile_id = :id",
        ),
        bio=bio,
        view=view,
        hash=digest(view),
        id=profile_id,
    )


async def count(db: Database, table: str, where: str = "true") -> int:
    return await db.fetchval(Query("count", f"select count(*) from {table} where {where}"))


async def rows(db: Database, sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await db.fetch(Query("rows", sql))]


def bio_of(prompt: Prompt) -> str:
    return str(prompt.facts["profile"].get("bio", ""))


@dataclass
class WatchedJudge:
    """The rules judge, with what it was asked, and with another answer where a test wants one.

    `instead` gets the person's bio: an Answer or an error takes the place of the rules' own.
    """

    model: str = "rules-1"
    concurrency: int = 3
    instead: Callable[[str], Answer | Exception | None] = lambda bio: None
    asked: list[str] = field(default_factory=list[str])
    rules: RulesJudge = field(default_factory=RulesJudge)

    async def ask(self, prompt: Prompt) -> Answer:
        bio = bio_of(prompt)
        self.asked.append(bio)
        other = self.instead(bio)
        if isinstance(other, Exception):
            raise other
        return other or await self.rules.ask(prompt)

    async def health(self) -> Health:
        return await self.rules.health()

    async def close(self) -> None:
        await self.rules.close()


def once(judge: Judge) -> Pool:
    """Return a way to this judge on which nothing is asked twice."""
    return Pool(judge, retries=Retries(attempts=1))


async def judge_all(
    db: Database,
    judge: WatchedJudge,
    campaign: Campaign,
    *,
    limit: int = 50,
    report: Callable[[Progress], None] = lambda progress: None,
) -> QualificationReport:
    return await qualify(
        db, [once(judge)], campaign, ENGLISH, limit=limit, clock=lambda: NOW, report=report
    )
