"""What the candidates benchmark measures against: people and campaigns, made by the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from omni.base.clock import utc_now
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.candidates.plan import SCORE_SQL, score_params
from omni.candidates.types import Target
from omni.predicate.plan import compile_criteria
from omni.profiles import store as profiles
from omni.profiles.store import FeatureRow, RawRow
from omni.profiles.types import SIGNALS, Features
from omni.storage.db import Database, Row
from omni.storage.sql import Fragment, Query

Json = dict[str, object]
Kind = Literal["all", "text", "domains"]

TAGS, WORDS = 500, 2_000
COUNTRIES = [
    "de", "at", "ch", "fr", "it", "es", "pt", "nl", "be", "dk", "se", "no", "fi", "pl", "cz", "us",
    "ca", "mx", "br", "ar", "gb", "ie", "au", "nz", "jp", "kr", "in",
]  # fmt: skip
LANGUAGES = ["en", "de", "fr", "it", "es", "pt", "nl", "pl", "sv", "ja"]

RAW = Query(
    "raw",
    """
    insert into profiles_raw (
        profile_id, platform, platform_id, username, payload, content_hash
    ) overriding system value
    select
        k, 'bench', 'id' || k, 'user' || k || '.example', jsonb_build_object(
            'bio', post, 'followers', k % 5000, 'posts',
            (select jsonb_agg(jsonb_build_object('text', post || n, 'likes', n))
            from generate_series(1, 8) n)
        ), md5(k::text)
    from generate_series(1, :count::bigint) k, lateral (
        select repeat('I write about word' || k % 1993 || ' and more of what I do all day. ', 3)
            as post
    ) p
    """,
)
PROFILES = Query(
    "profiles",
    """
    insert into profile_features (
        profile_id, platform, username, display_name, bio, language, country, followers, follows,
        posts, posts_per_week, engagement, account_created_at, last_post_at, has_avatar, is_bot,
        accepts_messages, hashtags, keywords, domains, signals, search, view, view_hash,
        version_hash
    )
    select
        k, 'bench', 'user' || k || '.example', 'Person ' || k, bio,
        (:languages::text[])[1 + k * 31 % 10], (:countries::text[])[1 + k * 7 % 29],
        exp(k * 7919 % 1000003 / 1000003.0 * 14)::bigint, k * 31 % 5000, k * 17 % 3000,
        k % 40 / 4.0, k % 100 / 1000.0, now() - k % 3000 * interval '1 day',
        now() - k * 13 % 400 * interval '1 day', k % 5 > 0, k % 50 = 0, k % 3 > 0,
        array['tag' || k * 3 % :tags::int, 'tag' || k * 11 % 499, 'tag' || k / 7 % 487],
        array['word' || k % :words::int, 'word' || k * 13 % 1999, 'word' || k / 3 % 1997], '{}',
        array[
            k % 7 / 6.0, k % 11 / 10.0, k % 13 / 12.0, k % 17 / 16.0, k % 19 / 18.0, k % 23 / 22.0,
            k % 3 / 2.0, k % 29 / 28.0
        ]::double precision[],
        to_tsvector('simple', bio), jsonb_build_object('bio', bio), md5(k::text), md5(k::text)
    from generate_series(1, :count::bigint) k, lateral (
        select 'I write about word' || k % 1993 || ' word' || k * 5 % 1987 || ' and word'
            || k * 7 % 1979 || ', word' || k / 11 % 1973 || '. More of what I do all day' as bio
    ) b
    """,
)
TRUSTED = Query("trusted", "set local session_replication_role = replica")
VACUUM = Query("vacuum", "vacuum (analyze) {{table}}")

FEATURES = Query(
    "features", "select * from profile_features where profile_id = any(:ids::bigint[])"
)
SEEDS_UPSERT = Query(
    "seeds_upsert",
    """
    insert into campaign_candidates as cc
        (profile_id, campaign_id, username, candidate_score_cheap, updated_at)
    select pf.profile_id, :campaign_id::bigint, pf.username, {{score}}, now()
    from profile_features pf
    where {{where}}
    on conflict (profile_id, campaign_id) do update
    set candidate_score_cheap = excluded.candidate_score_cheap, updated_at = now()
    """,
)
SEEDS_EVICT = Query(
    "seeds_evict",
    """
    delete from campaign_candidates cc
    using profile_features pf
    where cc.campaign_id = :campaign_id::bigint and pf.profile_id = cc.profile_id
      and not ({{where}})
    """,
)
EXPECTED = Query(
    "expected",
    """
    select pf.profile_id, pf.username, {{score}} as score
    from profile_features pf where pf.profile_id = any(:ids::bigint[]) and ({{where}})
    """,
)


async def add_people(db: Database, count: int) -> None:
    """Add profiles with the ids 1 to `count`, and tell the planner about them."""
    async with db.transaction() as tx:
        await tx.execute(TRUSTED)
        await tx.execute(RAW, count=count)
        await tx.execute(
            PROFILES, count=count, countries=COUNTRIES, languages=LANGUAGES, tags=TAGS, words=WORDS
        )
    for table in ("profiles_raw", "profile_features"):
        await vacuum(db, table)


async def add_campaigns(db: Database, first: int, last: int) -> list[Campaign]:
    """Add the campaigns with these numbers; the same numbers look for the same people."""
    return [
        await campaigns.create(
            db,
            name=f"Campaign {number}",
            brief="",
            compiled=compile_criteria(criteria(number)),
            threshold=0.6,
            shortlist_size=50,
            message_template="",
            now=utc_now(),
        )
        for number in range(first, last + 1)
    ]


async def vacuum(db: Database, table: str) -> None:
    """Clean up, so that what was done before does not count."""
    await db.execute(VACUUM, {"table": Fragment(table)})


@dataclass(frozen=True, slots=True)
class Batch:
    """People with new content: what the product has when it has read and enriched them."""

    raw: list[tuple[int, RawRow]]
    features: list[FeatureRow]

    @property
    def ids(self) -> list[int]:
        """Who they are."""
        return [profile_id for profile_id, _ in self.raw]


async def changed_people(
    db: Database, ids: Sequence[int], random: Random, kind: Kind = "all"
) -> Batch:
    """Return these people with new content.

    Args:
        kind: `all` gives everybody other counts, posts, dates and signals, so that whatever pairs
            they have must be written; `text` gives them another post and nothing else; `domains`
            other links, which no campaign here asks about.
    """
    rows = await db.fetch(FEATURES, ids=list(ids))
    change = _CHANGES[kind]
    batch = Batch([], [])
    for row in sorted(rows, key=lambda row: row["profile_id"]):
        profile_id, version = row["profile_id"], random.randbytes(16).hex()
        features = _changed(row, change(row, random))
        posts = [{"text": f"{row['bio']} {n} " * 2, "likes": random.randrange(9)} for n in range(8)]
        payload = json.dumps({"bio": row["bio"], "followers": features.followers, "posts": posts})
        raw = RawRow("bench", f"id{profile_id}", row["username"], payload, version)
        batch.raw.append((profile_id, raw))
        batch.features.append(FeatureRow(profile_id, features, version))
    return batch


async def ingest(db: Database, batch: Batch) -> dict[int, int]:
    """Write people by the product's own statements, as a crawl that finds all of them changed.

    Reading a platform, hashing and enriching are not in it; they would take longer than all this.
    """
    keys = [((raw.platform, raw.platform_id), raw.content_hash) for _, raw in batch.raw]
    async with db.transaction() as tx:
        await profiles.meet_known(tx, keys, utc_now())
        await profiles.write_changed(tx, batch.raw, utc_now())
        return await profiles.put_features(tx, batch.features, utc_now())


async def update_features(db: Database, batch: Batch) -> dict[int, int]:
    """Write the features alone: the least that an ingest could be."""
    async with db.transaction() as tx:
        return await profiles.put_features(tx, batch.features, utc_now())


def _changed(row: Row, changes: dict[str, Any]) -> Features:
    kept: dict[str, Any] = {name: row[name] for name in Features.__struct_fields__ if name in row}
    kept |= {name: tuple(row[name]) for name in ("domains", "hashtags", "keywords", "signals")}
    kept["search_text"] = _searched(row)
    return Features(**(kept | changes))


def _searched(row: Row) -> str:
    """Return what is searchable of a row, which only its view tells."""
    posts = row["view"].get("posts")
    return f"{row['bio']}\n{posts[0][: len(posts[0]) // 3]}" if posts else row["bio"]


def _everything(row: Row, random: Random) -> dict[str, Any]:
    return {
        **_text(row, random),
        "followers": int(10 ** random.uniform(0, 6)),
        "posts": random.randrange(3_000),
        "last_post_at": utc_now(),
        "signals": tuple(round(random.random(), 6) for _ in SIGNALS),
    }


def _text(row: Row, random: Random) -> dict[str, Any]:
    post = f"Today I saw word{random.randrange(WORDS)} and word{random.randrange(WORDS)}. "
    return {
        "view": {"bio": row["bio"], "posts": [post * 3] * 3},
        "view_hash": random.randbytes(16).hex(),
        "search_text": f"{row['bio']}\n{post}",
    }


def _domains(row: Row, random: Random) -> dict[str, Any]:
    return {"domains": (f"{random.randbytes(4).hex()}.example",)}


_CHANGES: Mapping[Kind, Callable[[Row, Random], dict[str, Any]]] = {
    "all": _everything, "text": _text, "domains": _domains,
}  # fmt: skip


async def run_seeds(db: Database, target: Target) -> None:
    """Run the seeds' two statements for one campaign, in full."""
    fragments = fragments_of(target)
    async with db.transaction() as tx:
        await tx.execute(SEEDS_UPSERT, fragments, campaign_id=target.campaign_id)
        await tx.execute(SEEDS_EVICT, fragments, campaign_id=target.campaign_id)


def fragments_of(target: Target) -> dict[str, Fragment]:
    """Return the criteria and the score as SQL."""
    return {
        "where": Fragment(target.where.sql, target.where.params),
        "score": Fragment(SCORE_SQL, score_params(target.weights)),
    }


def criteria(number: int) -> Json:
    """Return the criteria of a campaign: one of several kinds, most meant by about 0.2 %."""
    random = Random(number)
    if number % 100 == 50:  # one in a hundred asks for a phrase, which Postgres must confirm
        word = random.randrange(1_900)
        return _all(_matches(f'"word{word} word{word * 5 % 1987}"'), _countries(random, 8))
    kinds = (_by_tags, _by_reach, _by_words, _either, _by_exclusion)
    return kinds[number % len(kinds)](random)


def _by_tags(random: Random) -> Json:
    return _all(_countries(random, 3), _tags(random, 3))


def _by_reach(random: Random) -> Json:
    low = 10 ** random.uniform(0, 4)
    reach = _test("followers", "between", [int(low), int(low * 100)])
    return _all(_test("language", "=", random.choice(LANGUAGES)), reach, _keywords(random, 4))


def _by_words(random: Random) -> Json:
    words = " or ".join(f"word{random.randrange(1_900)}" for _ in range(2))
    recent = _test("last_post_at", ">=", f"{random.randrange(60, 300)} days ago")
    return _all(_matches(words), recent, _test("is_bot", "=", False))


def _either(random: Random) -> Json:
    one = _all(_countries(random, 4), _tags(random, 2))
    other = _all(_keywords(random, 3), _test("followers", ">=", random.randrange(1_000, 50_000)))
    return _all({"any": [one, other]}, _test("accepts_messages", "=", True))


def _by_exclusion(random: Random) -> Json:
    unwanted: Json = {"not": _test("username", "starts with", f"user{random.randrange(10)}")}
    foreign = _test("country", "not in", random.sample(COUNTRIES, 5))
    return _all(unwanted, foreign, _tags(random, 1), _test("posts", ">", random.randrange(1_000)))


def _all(*parts: Json) -> Json:
    return {"all": list(parts)}


def _test(field: str, op: str, value: object) -> Json:
    return {"field": field, "op": op, "value": value}


def _matches(words: str) -> Json:
    return _test("text", "matches", words)


def _countries(random: Random, count: int) -> Json:
    return _test("country", "in", random.sample(COUNTRIES, count))


def _tags(random: Random, count: int) -> Json:
    values = [f"tag{random.randrange(TAGS - 20)}" for _ in range(count)]
    return _test("hashtags", "contains any", values)


def _keywords(random: Random, count: int) -> Json:
    values = [f"word{random.randrange(WORDS - 20)}" for _ in range(count)]
    return _test("keywords", "contains any", values)
