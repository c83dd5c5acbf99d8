"""An edit of the criteria asks again only about those whose verdict it can change."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest

from omni.candidates.marks_work import mark_judged
from omni.flow.replaying import replay
from omni.leads import store as leads
from omni.leads.types import LeadReport
from omni.leads.work import promote
from omni.llm.types import Price, Prices
from omni.qualification import carrying_store
from omni.qualification.plan import PROMPT_VERSION
from omni.qualification.types import QualificationReport
from omni.qualification.work import qualify
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.api_fixtures import served
from tests.qualification_fixtures import (
    ENGLISH,
    FITTING,
    NOW,
    UNFITTING,
    Campaign,
    WatchedJudge,
    add_campaign,
    add_candidate,
    add_person,
    count,
    judge_all,
    once,
    rewrite_bio,
    rows,
    with_criteria,
)

SAILOR = "Sailing photographer, landscapes on film"


async def promoted(db: Database, campaign: Campaign) -> LeadReport:
    return await promote(db, campaign, models=["rules-1"], prompt_version=PROMPT_VERSION, now=NOW)


async def test_an_edit_of_words_asks_again_about_those_who_show_them(db: Database) -> None:
    campaign = await with_criteria(db, await add_campaign(db), words="photographer or film")
    for name, bio in (("mara", FITTING), ("otto", UNFITTING), ("sia", SAILOR)):
        await add_person(db, name, bio, candidate_of=campaign)
    judge = WatchedJudge()
    assert (await judge_all(db, judge, campaign)).calls == 3
    first = await promoted(db, campaign)
    assert first.new >= 1
    judge.asked.clear()

    wider = await with_criteria(db, campaign, words="photographer or film or sailing")
    late = await add_person(db, "late", FITTING)
    await add_candidate(db, wider, late)
    done = await judge_all(db, judge, wider)
    assert (done.carried, done.calls) == (2, 2)
    assert sorted(judge.asked) == sorted([SAILOR, FITTING]), "who sails, and who is new"
    assert (await judge_all(db, judge, wider)).calls == 0

    second = await promoted(db, wider)
    assert (second.new, second.withdrawn, second.judged_later) == (1, 0, 0), "late alone"
    assert second.updated <= 1, "a verdict that stands changes no lead"

    back = await judge_all(db, judge, campaign)
    assert (back.calls, back.carried) == (1, 0), "only who came meanwhile was never asked about"


async def test_a_carried_verdict_is_no_news_to_a_lead_and_is_replayed(db: Database) -> None:
    campaign = await add_campaign(db)
    await add_person(db, "mara", candidate_of=campaign)
    await add_person(db, "ada", candidate_of=campaign)
    await judge_all(db, WatchedJudge(), campaign)
    await promoted(db, campaign)
    (mara, _) = await rows(db, "select id from leads order by id")
    async with db.transaction() as tx:
        await leads.decide(tx, mara["id"], accepted=True, now=NOW)
    for least in (2, 3):  # what was carried is carried on
        campaign = await with_criteria(db, campaign, least=least)
        done = await judge_all(db, WatchedJudge(), campaign)
        assert (done.calls, done.carried) == (0, 2)
        assert await promoted(db, campaign) == LeadReport()
    assert await count(db, "lead_changes", "cause in ('later', 'withdrawal')") == 0
    assert await count(db, "llm_calls") == 2
    again = await replay(db, campaign.id)
    assert again.identical
    assert (again.verdicts["identical"], again.leads["identical"]) == (2, 2)


async def test_what_changed_since_is_not_carried_and_neither_is_another_brief(db: Database) -> None:
    campaign = await add_campaign(db)
    mara = await add_person(db, "mara", candidate_of=campaign)
    await add_person(db, "ada", candidate_of=campaign)
    await judge_all(db, WatchedJudge(), campaign)
    await rewrite_bio(db, mara, "Film and landscapes")
    edited = await with_criteria(db, campaign, least=2)
    done = await judge_all(db, WatchedJudge(), edited)
    assert (done.calls, done.carried) == (1, 1)
    other = WatchedJudge(model="other")
    assert (await judge_all(db, other, edited)).carried == 0, "another judge says it by itself"


async def marked(db: Database, campaign: Campaign) -> QualificationReport:
    return await qualify(
        db, [once(WatchedJudge())], campaign, ENGLISH, limit=50, clock=lambda: NOW,
        report=lambda progress: None, mark=partial(mark_judged, db, campaign.id),
    )  # fmt: skip


async def test_who_is_carried_is_marked_and_a_carry_that_broke_off_goes_on(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await add_campaign(db)
    for number in range(7):
        await add_person(db, f"p{number}", candidate_of=campaign)
    await marked(db, campaign)
    edited = await with_criteria(db, campaign, least=2)
    monkeypatch.setattr("omni.qualification.carrying_store.PAGE", 2)
    carry = carrying_store.carry_verdicts
    pages = 0

    async def dying(*args: object, **more: object) -> int:
        nonlocal pages
        pages += 1
        if pages == 3:
            raise ConnectionError("killed")
        return await carry(*args, **more)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(carrying_store, "carry_verdicts", dying)
    with pytest.raises(ConnectionError):
        await marked(db, edited)
    assert await count(db, "llm_scores", "carried_from is not null") == 4
    done = await marked(db, edited)
    assert (done.calls, done.carried) == (0, 3)
    epochs = await rows(db, "select distinct judged_epoch from campaign_candidates")
    (epoch,) = await rows(db, "select max(epoch) as epoch from llm_epochs")
    assert [row["judged_epoch"] for row in epochs] == [epoch["epoch"]]
    assert await count(db, "llm_calls") == 7

    async def not_again(*_: object) -> list[tuple[str, Mapping[str, object]]]:
        raise AssertionError("an epoch is carried once")

    monkeypatch.setattr(carrying_store, "list_sources", not_again)
    assert (await marked(db, edited)).calls == 0


async def test_someone_erased_meanwhile_is_left_out(db: Database) -> None:
    campaign = await add_campaign(db)
    person = await add_person(db, "mara", candidate_of=campaign)
    await judge_all(db, WatchedJudge(), campaign)
    (score,) = await rows(db, "select id from llm_scores")
    await db.execute(Query("erase", "delete from profiles_raw where profile_id = :i"), i=person)
    assert await carrying_store.carry_verdicts(db, [score["id"]], criteria_hash="x", now=NOW) == 0


async def test_an_edit_is_estimated_before_it_is_saved(db: Database) -> None:
    campaign = await with_criteria(db, await add_campaign(db), words="photographer or film")
    for name, bio in (("mara", FITTING), ("sia", SAILOR), ("ada", FITTING)):
        person = await add_person(db, name, bio, candidate_of=campaign)
        await db.execute(
            Query("seen", "update profile_features set followers = 10 where profile_id = :i"),
            i=person,
        )
    judge = WatchedJudge()
    await judge_all(db, judge, campaign)
    wider = {"field": "bio", "op": "matches", "value": "photographer or film or sailing"}
    document = {"all": [wider, {"field": "followers", "op": ">=", "value": 1}]}
    async with served(db, judges=[once(judge)], prices=Prices({"rules-1": Price(1, 1)})) as api:
        edit = (await api.client.preview_criteria(document, campaign_id=campaign.id)).edit
        assert edit is not None
        assert edit.estimate is not None
        assert (edit.kept, edit.calls_in_all.value, edit.estimate.calls) == (2, 1, 1)
        assert (edit.estimate.model, edit.calls_next_run) == ("rules-1", 1)
        assert edit.estimate.prompt_tokens > 100
        assert edit.estimate.cost

        same = await api.client.preview_criteria(campaign_id=campaign.id, brief=campaign.brief)
        assert same.edit
        assert (same.edit.changes, same.edit.calls_in_all.value) == (False, 0)
        other = (await api.client.preview_criteria(campaign_id=campaign.id, brief="Bakers")).edit
        assert other is not None
        assert other.estimate is not None
        assert (other.kept, other.estimate.calls) == (0, 3), "another brief asks about everybody"
    saved = await with_criteria(db, campaign, words="photographer or film or sailing")
    async with served(db, judges=[once(judge)]) as api:
        told = await api.client.estimate(saved.id)
        assert (told.calls, told.carried) == (edit.estimate.calls, 2), "as the next run will be"
        short = await api.client.estimate(saved.id, limit=1)
        assert short.calls == 1, "who is not asked again makes room"
        assert (await judge_all(db, judge, saved)).calls == told.calls
        after = await api.client.estimate(saved.id)
        assert (after.calls, after.carried) == (0, 0)
