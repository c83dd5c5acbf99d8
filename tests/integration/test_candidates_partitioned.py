"""The tables that grow, hash-partitioned as in docs/scale.md: same queries, same pairs."""

from __future__ import annotations

import asyncio

from omni.api.preview import preview
from omni.api.schemas import PreviewIn
from omni.candidates import store, work
from omni.storage.db import Database
from omni.storage.sql import Fragment, Query
from tests.candidates_fixtures import (
    NOW,
    add_campaign,
    add_profiles,
    change_profiles,
    crowd_of,
    delete_profiles,
    evaluated,
    held,
    target_of,
)

PARTITIONS = 8
CRITERIA = {
    "any": [
        {"field": "country", "op": "in", "value": ["de", "at"]},
        {"field": "followers", "op": ">=", "value": 300},
        {"field": "bio", "op": "matches", "value": "wind"},
    ]
}
MAKE = Query("make", "create table parted (like {{table}} including all) partition by {{key}}")
PART = Query("part", "create table {{name}} partition of parted for values with {{values}}")
REPLACE = (
    Query("drop", "drop table {{table}}"),
    Query("rename", "alter table parted rename to {{table}}"),
)
PARTED = Query(
    "parted", "select count(*) from pg_partitioned_table where partrelid = any(:names::regclass[])"
)
SPREAD = Query("spread", "select count(distinct tableoid) from {{table}}")


async def partition(db: Database, table: str, key: str) -> None:
    """Put a partitioned table in the place of an empty one, with the same columns and indexes."""
    named = {"table": Fragment(table)}
    async with db.transaction() as tx:
        await tx.execute(MAKE, {**named, "key": Fragment(f"hash ({key})")})
        for rest in range(PARTITIONS):
            values = Fragment(f"(modulus {PARTITIONS}, remainder {rest})")
            await tx.execute(PART, {"name": Fragment(f"{table}_{rest}"), "values": values})
        for query in REPLACE:
            await tx.execute(query, named)


async def test_the_same_statements_keep_partitioned_tables_right(db: Database) -> None:
    await partition(db, "profile_features", "profile_id")
    await partition(db, "campaign_candidates", "campaign_id")
    names = ["profile_features", "campaign_candidates"]
    assert await db.fetchval(PARTED, names=names) == 2
    ids = await add_profiles(db, 600)
    campaigns = [await add_campaign(db, CRITERIA), await add_campaign(db, CRITERIA["any"][1])]
    crowd = await crowd_of(db, *campaigns)
    await work.maintain(db, crowd, ids[:300], now=NOW)
    await asyncio.gather(
        *(work.refresh(db, target_of(c), now=NOW, report=lambda _: None) for c in campaigns)
    )
    await _check(db, [c.id for c in campaigns])
    await change_profiles(db, ids[::3], 250)
    await delete_profiles(db, ids[1::50])
    await work.maintain(db, crowd, [*ids[::3], *ids[1::50]], now=NOW)
    await _check(db, [c.id for c in campaigns])
    again = await work.maintain(db, crowd, ids, now=NOW)
    assert (again.entered, again.left, again.rescored) == (0, 0, 0)
    assert await db.fetchval(SPREAD, {"table": Fragment("profile_features")}) == PARTITIONS


async def test_a_preview_reads_partitioned_tables_alike(db: Database) -> None:
    await partition(db, "profile_features", "profile_id")
    await partition(db, "campaign_candidates", "campaign_id")
    await add_profiles(db, 500)
    campaign = await add_campaign(db, CRITERIA)
    await work.refresh(db, target_of(campaign), now=NOW, report=lambda _: None)
    told = await preview(db, PreviewIn(campaign_id=campaign.id))
    assert told.fits is not None
    assert told.fits.value == await store.count(db, campaign.id) > 0
    assert told.edit is not None
    assert told.edit.leaves.value == told.edit.enters.value == 0


async def _check(db: Database, campaign_ids: list[int]) -> None:
    for campaign_id in campaign_ids:
        pairs = await held(db, campaign_id)
        assert pairs == await evaluated(db, campaign_id)
        assert pairs
