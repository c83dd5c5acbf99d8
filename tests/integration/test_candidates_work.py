"""Candidates are those in bounds: for changed profiles, and for a campaign as a whole."""

from __future__ import annotations

from datetime import timedelta

import pytest

from omni.campaigns import store as campaigns
from omni.candidates import store, work
from omni.candidates.differences import marks_of
from omni.candidates.types import CandidateReport
from omni.flow.crowds import Crowds
from omni.jobs.types import Progress
from omni.predicate.plan import compile_criteria
from omni.profiles.types import SIGNALS
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.candidates_fixtures import (
    COUNTS,
    NOW,
    WORDS,
    add_campaign,
    add_profiles,
    change_profiles,
    change_words,
    crowd_of,
    delete_profiles,
    evaluated,
    held,
    target_of,
)

POPULAR = {"field": "followers", "op": ">=", "value": 500}
PHRASE = {"field": "bio", "op": "matches", "value": '"solar energy"'}
LATER = NOW + timedelta(hours=1)
WRITTEN_AT = Query("written_at", "select count(*) from campaign_candidates where updated_at = :at")
FORGET = Query("forget", "update profile_features set followers = null where profile_id = :id")
RENAME = Query("rename", "update profile_features set username = 'new' where profile_id = :id")
CUT = Query("cut", "update profile_features set signals = '{1}' where profile_id = :id")


async def test_a_new_profile_enters_where_it_fits_and_only_it_is_looked_at(db: Database) -> None:
    ids = await add_profiles(db, 1000)
    popular, bots = [
        await add_campaign(db, criteria)
        for criteria in (POPULAR, {"field": "is_bot", "op": "=", "value": True})
    ]
    given = [i for i in ids if i % 3 == 0]
    report = await work.maintain(db, await crowd_of(db, popular, bots), given, now=NOW)
    for campaign in (popular, bots):
        fit = [pair for pair in await evaluated(db, campaign.id) if pair[0] in given]
        assert await held(db, campaign.id) == fit
        assert await store.count(db, campaign.id) == len(fit) > 30
    counts = [await store.count(db, campaign.id) for campaign in (popular, bots)]
    assert report == CandidateReport(entered=sum(counts))


async def test_a_second_run_writes_nothing(db: Database) -> None:
    ids = await add_profiles(db, 500)
    campaign = await add_campaign(db, POPULAR)
    target = target_of(campaign)
    first = await work.refresh(db, target, now=NOW, report=ignore)
    assert first == CandidateReport(entered=await store.count(db, target.campaign_id))
    for again in (
        await work.maintain(db, await crowd_of(db, campaign), ids, now=LATER),
        await work.refresh(db, target, now=LATER, report=ignore),
    ):
        assert again == CandidateReport(unchanged=first.entered)
    assert await db.fetchval(WRITTEN_AT, at=LATER) == 0


@pytest.mark.parametrize("whole", [False, True])
async def test_a_pair_goes_when_its_profile_is_out_of_bounds_unknown_or_gone(
    db: Database, whole: bool
) -> None:
    ids = await add_profiles(db, 1000)
    campaign = await add_campaign(db, POPULAR)
    target = target_of(campaign)
    await work.refresh(db, target, now=NOW, report=ignore)
    before = [pair[0] for pair in await held(db, target.campaign_id)]
    out, unknown, gone, last = before[0], before[1], before[2], max(before)
    await change_profiles(db, [out], by=500)
    await db.execute(FORGET, id=unknown)
    await delete_profiles(db, [gone, last, max(ids)])
    touched = [out, unknown, gone, last, max(ids)]
    if whole:
        report = await work.refresh(db, target, now=LATER, report=ignore)
    else:
        report = await work.maintain(db, await crowd_of(db, campaign), touched, now=LATER)
    assert (report.entered, report.left, report.rescored) == (0, len({*touched} & {*before}), 0)
    now_held = await held(db, target.campaign_id)
    assert not {out, unknown, gone, last} & {pair[0] for pair in now_held}
    assert now_held == await evaluated(db, target.campaign_id)


async def test_only_what_really_changed_is_written(db: Database) -> None:
    ids = await add_profiles(db, 1000)
    campaign = await add_campaign(db, POPULAR)
    target = target_of(campaign)
    await work.refresh(db, target, now=NOW, report=ignore)
    before = [pair[0] for pair in await held(db, target.campaign_id)]
    await change_profiles(db, before[:1], by=1)  # another score
    await db.execute(RENAME, id=before[1])
    await change_profiles(db, before[2:3], by=2)  # neither score nor username
    await db.execute(CUT, id=before[3])  # features of an older version: fewer signals
    report = await work.maintain(db, await crowd_of(db, campaign), ids, now=LATER)
    assert report == CandidateReport(rescored=3, unchanged=len(before) - 3)
    assert await db.fetchval(WRITTEN_AT, at=LATER) == 3
    assert await held(db, target.campaign_id) == await evaluated(db, target.campaign_id)


async def test_postgres_is_spared_where_it_would_look_at_nothing_new(db: Database) -> None:
    """A phrase needs Postgres; with the same words, candidates stay, and others stay out."""
    ids = await add_profiles(db, 1_000)
    campaign = await add_campaign(db, PHRASE)
    crowd = await crowd_of(db, campaign)
    await work.maintain(db, crowd, ids[:500], now=NOW)
    before = await held(db, campaign.id)
    await change_profiles(db, ids, by=501)
    counts, words = (dict.fromkeys(ids, marks_of(marks)) for marks in (COUNTS, WORDS))
    report = await work.maintain(db, crowd, ids, now=LATER, changes=counts)
    assert report == CandidateReport(rescored=len(before))
    await change_words(db, ids)
    report = await work.maintain(db, crowd, ids, now=LATER, changes=words)
    assert report.left == len(before) > 400
    assert report.entered > 100
    assert await held(db, campaign.id) == await evaluated(db, campaign.id)


async def test_new_weights_score_again_and_move_nobody(db: Database) -> None:
    await add_profiles(db, 3_000)
    campaign = await add_campaign(db, POPULAR)
    first = await work.refresh(db, target_of(campaign), now=NOW, report=ignore)
    await campaigns.add_weights(
        db, campaign.id, weights=[-2.5] * len(SIGNALS), trained_on=9, metrics={}, now=NOW
    )
    target = target_of(await campaigns.get(db, campaign.id))
    report = await work.refresh(db, target, now=LATER, report=ignore)
    assert report == CandidateReport(rescored=first.entered)
    assert await held(db, campaign.id) == await evaluated(db, campaign.id)


async def test_a_refresh_goes_by_ranges_and_tells_how_far_it_is(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "PROFILES_PER_RANGE", 100)
    await add_profiles(db, 250)
    told: list[Progress] = []
    campaign = await add_campaign(db, POPULAR)
    target = target_of(campaign)
    await work.refresh(db, target, now=NOW, report=told.append)
    assert [(p.done, p.total) for p in told] == [(100, 250), (200, 250), (250, 250)]
    assert await held(db, target.campaign_id) == await evaluated(db, target.campaign_id)


async def test_nobody_at_all_is_fine(db: Database) -> None:
    campaign = await add_campaign(db, POPULAR)
    target = target_of(campaign)
    assert await work.refresh(db, target, now=NOW, report=ignore) == CandidateReport()
    assert await work.maintain(db, await crowd_of(db, campaign), [], now=NOW) == CandidateReport()
    assert await work.maintain(db, await crowd_of(db), [1], now=NOW) == CandidateReport()
    assert (
        await work.maintain(db, await crowd_of(db, campaign), [2**63 - 1, -1], now=NOW)
        == CandidateReport()
    )


async def test_who_is_gone_leaves_a_campaign_that_is_paused_even_if_none_runs(
    db: Database,
) -> None:
    ids = await add_profiles(db, 900)
    campaign = await add_campaign(db, POPULAR)
    await work.maintain(db, await crowd_of(db, campaign), ids, now=NOW)
    before = await held(db, campaign.id)
    await campaigns.update(db, campaign.id, now=NOW, status="paused")
    gone = [before[0][0], before[1][0]]
    await delete_profiles(db, gone)
    async for crowd in Crowds().pages(db):
        await work.maintain(db, crowd, ids, now=NOW)
    assert await held(db, campaign.id) == before[2:] != []


async def test_criteria_that_were_replaced_write_nothing(db: Database) -> None:
    ids = await add_profiles(db, 100)
    campaign = await add_campaign(db, POPULAR)
    old, old_crowd = target_of(campaign), await crowd_of(db, campaign)
    compiled = compile_criteria({"field": "followers", "op": "<", "value": 500})
    current = target_of(await campaigns.update(db, campaign.id, now=NOW, compiled=compiled))
    await work.refresh(db, current, now=NOW, report=ignore)
    before = await held(db, campaign.id)
    assert await work.maintain(db, old_crowd, ids, now=LATER) == CandidateReport(stale=1)
    assert (await work.refresh(db, old, now=LATER, report=ignore)).stale == 1
    assert await held(db, campaign.id) == before == await evaluated(db, campaign.id)


def ignore(progress: Progress) -> None:
    """Take no notice."""
