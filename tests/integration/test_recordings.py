"""What a judge was asked and answered is kept, found again, bounded, and goes with the person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from omni.base.errors import Transient
from omni.llm.pool import Pool
from omni.llm.ports import Answer, Prompt, Unmetered, recording_key
from omni.llm.replay import ReplayJudge
from omni.qualification import recordings_store as recordings
from omni.qualification.recordings import About
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.qualification_fixtures import (
    FITTING,
    NOW,
    UNFITTING,
    WatchedJudge,
    add_campaign,
    add_person,
    count,
    judge_all,
    rows,
)

PROMPT = Prompt("system \ud800", "user", {"type": "object"}, facts={"profile": {"bio": "hm"}})
LONG = Answer("x" * 300_000, complete=True, latency_ms=1.0)


async def test_every_answer_of_a_run_is_kept_and_replayed(db: Database) -> None:
    campaign = await add_campaign(db)
    mara = await add_person(db, "mara", FITTING, candidate_of=campaign)
    await add_person(db, "otto", UNFITTING, candidate_of=campaign)
    judge = WatchedJudge()
    await judge_all(db, judge, campaign)
    assert await count(db, "llm_recordings") == 2
    assert await count(db, "llm_texts") == 1, "the static part is kept once"
    (kept,) = await recordings.list_of_person(db, campaign.id, mara)
    assert kept.asked.profile["bio"] == FITTING
    assert FITTING in kept.asked.user
    assert kept.answered.complete
    raw = {row["profile_id"]: row["raw"] for row in await rows(db, "select * from llm_scores")}
    assert kept.answered.text == raw[mara]
    again = Prompt(kept.system, kept.asked.user, kept.asked.schema)
    assert recording_key(kept.model, again) == kept.key
    replay = Pool(ReplayJudge(recordings.KeptRecordings(db), kept.model))
    assert (await replay.ask(again, Unmetered())).text == raw[mara]


async def test_the_same_answer_is_kept_once_and_the_newest_counts(db: Database) -> None:
    key = recording_key("m", PROMPT)
    answers = [
        Answer(text, complete=True, latency_ms=1.0) for text in ("1 \ud800", "2", "1 \ud800")
    ]
    for hour, answer in enumerate(answers):
        now = NOW + timedelta(hours=hour)
        assert await recordings.keep(db, About(), "m", PROMPT, answer, now=now)
    assert await count(db, "llm_recordings") == 2
    found = await recordings.KeptRecordings(db).find(key)
    assert found is not None
    assert found.text == "1 \ud800", "half a character as it came"


async def test_a_huge_answer_is_cut_and_never_read_as_whole(db: Database) -> None:
    assert await recordings.keep(db, About(), "m", PROMPT, LONG, now=NOW)
    found = await recordings.KeptRecordings(db).find(recording_key("m", PROMPT))
    assert found is not None
    assert len(found.text) == recordings.MAX_KEPT
    assert not found.complete
    assert await db.fetchval(Query("size", "select length(answered) from llm_recordings")) < 2_000


async def test_an_erased_person_leaves_nothing(db: Database) -> None:
    campaign = await add_campaign(db)
    mara = await add_person(db, "mara", candidate_of=campaign)
    await judge_all(db, WatchedJudge(), campaign)
    assert await count(db, "llm_recordings") == 1
    await db.execute(Query("erase", "delete from profiles_raw where profile_id = :id"), id=mara)
    assert await count(db, "llm_recordings") == 0
    about = About(campaign.id, mara)
    answer = Answer("late", complete=True, latency_ms=1.0)
    assert not await recordings.keep(db, about, "m", PROMPT, answer, now=NOW)
    assert await count(db, "llm_recordings") == 0


async def test_old_recordings_go_and_what_they_shared_with_them(db: Database) -> None:
    for day in range(3):
        answer = Answer(f"day {day}", complete=True, latency_ms=1.0)
        now = NOW + timedelta(days=day)
        await recordings.keep(db, About(), "m", PROMPT, answer, now=now)
    assert await recordings.delete_old(db, before=NOW + timedelta(days=2), limit=10) == 2
    assert await count(db, "llm_texts") == 1
    assert await recordings.delete_old(db, before=NOW + timedelta(days=9), limit=10) == 1
    assert await count(db, "llm_texts") == 0


async def test_a_failed_call_is_told_to_the_meter_and_leaves_nothing(db: Database) -> None:
    told: list[object] = []

    class Inner(Unmetered):
        async def before(self, model: str, prompt: Prompt) -> object:
            return (model, "ticket")

        async def after(self, ticket: object, outcome: Answer | BaseException) -> None:
            told.extend([ticket, outcome])

    recorder = recordings.Recorder(Inner(), db, About(), lambda: NOW)
    fault = Transient("gone")
    await recorder.after(await recorder.before("m", PROMPT), fault)
    assert told == [("m", "ticket"), fault]
    assert await count(db, "llm_recordings") == 0


async def test_a_spent_budget_ends_a_call_before_it_is_made(db: Database) -> None:
    class Spent(Unmetered):
        async def before(self, model: str, prompt: Prompt) -> object:
            raise Transient("spent")

    with pytest.raises(Transient, match="spent"):
        await recordings.Recorder(Spent(), db, About(), lambda: NOW).before("m", PROMPT)
