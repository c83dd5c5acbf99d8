"""Campaigns and their weights in Postgres."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from omni.base.errors import NotFound, Rejected
from omni.campaigns import store
from omni.predicate.plan import compile_criteria
from omni.profiles.types import DEFAULT_WEIGHTS, SIGNALS
from omni.storage.db import Database
from tests.candidates_fixtures import NOW, add_campaign

MANY = {"field": "followers", "op": ">=", "value": 500}
FEW = {"field": "followers", "op": "<", "value": 500.5}
WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


async def test_a_campaign_is_read_as_it_was_written(db: Database) -> None:
    compiled = compile_criteria({"all": [FEW]})
    created = await store.create(
        db, name="Ünï'; --", brief="b\nc", compiled=compiled, threshold=0.25, shortlist_size=7,
        message_template="Hi {{ name }}", now=NOW,
    )  # fmt: skip
    assert created == await store.get(db, created.id)
    assert created.criteria == compiled.canonical
    assert compile_criteria(created.criteria).criteria_hash == created.criteria_hash
    assert (created.weights, created.weights_version) == (DEFAULT_WEIGHTS, 0)
    assert (created.status, created.created_at, created.updated_at) == ("active", NOW, NOW)


async def test_an_update_changes_what_is_given_and_nothing_else(db: Database) -> None:
    before = await add_campaign(db, MANY)
    later = NOW + timedelta(days=1)
    changed = await store.update(
        db, before.id, now=later, compiled=compile_criteria(FEW), status="paused", brief=""
    )
    assert changed == await store.get(db, before.id)
    assert changed.criteria == FEW
    assert changed.criteria_hash != before.criteria_hash
    assert (changed.status, changed.name) == ("paused", before.name)
    assert (changed.created_at, changed.updated_at) == (NOW, later)


async def test_what_is_not_there_is_not_found(db: Database) -> None:
    with pytest.raises(NotFound):
        await store.get(db, 1)
    with pytest.raises(NotFound):
        await store.update(db, 1, now=NOW, name="x")
    with pytest.raises(NotFound):
        await store.lock(db, 1)
    with pytest.raises(NotFound):
        await store.add_weights(db, 1, weights=WEIGHTS, trained_on=1, metrics={}, now=NOW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "), ("name", "x" * 301), ("name", "a\0"), ("brief", "x" * 8_001),
        ("brief", "\ud800"), ("message_template", "x" * 8_001), ("threshold", 1.01),
        ("threshold", float("nan")), ("shortlist_size", 0), ("shortlist_size", 10_001),
        ("status", "gone"),
    ],
)  # fmt: skip
async def test_values_out_of_bounds_are_refused_by_name(
    db: Database, field: str, value: object
) -> None:
    campaign = await add_campaign(db, MANY)
    changes: dict[str, object] = {field: value}
    with pytest.raises(Rejected) as refused:
        await store.update(db, campaign.id, now=NOW, **changes)  # pyright: ignore[reportArgumentType]
    assert refused.value.field == field
    assert await store.get(db, campaign.id) == campaign


async def test_pages_come_in_the_order_of_creation_and_active_ones_alone(db: Database) -> None:
    ids = [(await add_campaign(db, MANY, name=f"c{n}")).id for n in range(5)]
    await store.update(db, ids[1], now=NOW, status="paused")
    await store.update(db, ids[2], now=NOW, status="archived")
    first = await store.list_all(db, limit=3)
    rest = await store.list_all(db, limit=3, after_id=first[-1].id)
    assert [c.id for c in (*first, *rest)] == ids
    assert [c.id for c in await store.active(db, limit=10)] == [ids[0], ids[3], ids[4]]
    assert [c.id for c in await store.active(db, limit=1)] == ids[:1]


async def test_the_last_weights_are_the_current_ones_everywhere(db: Database) -> None:
    campaign = await add_campaign(db, MANY)
    async with db.transaction() as tx:
        for version in (1, 2):
            weights = [version / 10] * len(SIGNALS)
            assert version == await store.add_weights(
                tx, campaign.id, weights=weights, trained_on=9, metrics={"auc": 0.7}, now=NOW
            )
    current = await store.get(db, campaign.id)
    assert (current.weights, current.weights_version) == ((0.2,) * len(SIGNALS), 2)
    assert await store.active(db, limit=1) == await store.list_all(db, limit=1) == [current]
    renamed = await store.update(db, campaign.id, now=campaign.updated_at, name="Other")
    assert (renamed.weights, renamed.weights_version) == (current.weights, 2)


async def test_learners_at_once_get_versions_of_their_own(db: Database) -> None:
    campaign = await add_campaign(db, MANY)

    async def learn(n: int) -> tuple[int, float]:
        async with db.transaction() as tx:
            version = await store.add_weights(
                tx, campaign.id, weights=[n] * len(SIGNALS), trained_on=n, metrics={}, now=NOW
            )
        return version, float(n)

    learned = dict(await asyncio.gather(*map(learn, range(8))))
    assert sorted(learned) == list(range(1, 9))
    assert (await store.get(db, campaign.id)).weights[0] == learned[8]


@pytest.mark.parametrize(
    ("weights", "field"),
    [
        (WEIGHTS[1:], "weights"),
        ((*WEIGHTS, 1.0), "weights"),
        ((float("nan"), *WEIGHTS[1:]), "weights[0]"),
        ((*WEIGHTS[1:], 1e6), "weights[7]"),
    ],
)
async def test_weights_that_cannot_score_are_refused(
    db: Database, weights: tuple[float, ...], field: str
) -> None:
    campaign = await add_campaign(db, MANY)
    with pytest.raises(Rejected) as refused:
        await store.add_weights(db, campaign.id, weights=weights, trained_on=1, metrics={}, now=NOW)
    assert refused.value.field == field
    assert (await store.get(db, campaign.id)).weights_version == 0
