"""A run over the shortlist: what it pays for, what it records, and what it never does twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from omni.base.errors import Fatal, Transient
from omni.campaigns.types import Campaign
from omni.jobs.types import Progress
from omni.llm.ollama import OllamaJudge
from omni.llm.pace import Retries
from omni.llm.pool import Pool
from omni.llm.ports import Answer, Prompt
from omni.qualification import store
from omni.qualification.plan import PROMPT_VERSION
from omni.qualification.types import MOST_REFUSALS, Refusal, VerdictKey
from omni.qualification.work import MAX_FAILED_IN_A_ROW, qualify
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.llm_fixtures import running_model_server
from tests.qualification_fixtures import (
    ENGLISH,
    FITTING,
    NOW,
    UNFITTING,
    WatchedJudge,
    add_campaign,
    add_candidate,
    add_person,
    count,
    evict,
    judge_all,
    rewrite_bio,
    rows,
    with_criteria,
)

GARBAGE = Answer("no JSON\x00 here", complete=True, latency_ms=1.0)


async def counted(db: Database, campaign: Campaign) -> tuple[int, int]:
    return await store.count_verdicts(db, campaign, prompt_version=PROMPT_VERSION)


async def test_verdicts_are_recorded_with_their_reasons(db: Database) -> None:
    campaign = await add_campaign(db)
    fitting = await add_person(db, "mara", candidate_of=campaign)
    other = await add_person(db, "otto", UNFITTING, candidate_of=campaign)
    seen: list[Progress] = []
    done = await judge_all(db, WatchedJudge(), campaign, report=seen.append)
    assert (done.shortlisted, done.calls, done.verdicts, done.qualified) == (2, 2, 2, 1)
    assert [progress.done for progress in seen] == [1, 2]
    assert {progress.total for progress in seen} == {2}
    found = {row["profile_id"]: row for row in await rows(db, "select * from llm_scores")}
    assert found[fitting]["qualified"]
    assert found[fitting]["score"] == 0.9
    assert {reason["criterion"] for reason in found[fitting]["reasons"]} == {
        "brief: Photographers", "brief: landscapes", "brief: film",
    }  # fmt: skip
    assert not found[other]["qualified"]
    assert found[other]["model"] == "rules-1"
    assert found[other]["prompt_version"].startswith(PROMPT_VERSION)
    assert found[other]["created_at"] == NOW
    assert await counted(db, campaign) == (2, 1)


async def test_a_run_again_pays_for_nothing_and_writes_nothing(db: Database) -> None:
    campaign = await add_campaign(db)
    for number in range(12):
        await add_person(db, f"p{number}", candidate_of=campaign)
    judge = WatchedJudge()
    await judge_all(db, judge, campaign)
    again = await judge_all(db, judge, campaign)
    assert (again.shortlisted, again.calls) == (0, 0)
    assert len(judge.asked) == 12
    assert await count(db, "llm_scores") == 12


async def test_only_what_the_judge_sees_or_is_asked_makes_a_verdict_stale(db: Database) -> None:
    campaign = await add_campaign(db)
    person = await add_person(db, "mara", candidate_of=campaign)
    await add_person(db, "otto", UNFITTING, candidate_of=campaign)
    judge = WatchedJudge()
    await judge_all(db, judge, campaign)

    unseen = "update profile_features set signals = '{1}', version_hash = 'y', updated_at = now()"
    await db.execute(Query("unseen", unseen))
    assert (await judge_all(db, judge, campaign)).calls == 0

    await rewrite_bio(db, person, "Landscapes and film")
    assert (await judge_all(db, judge, campaign)).calls == 1
    other_model = WatchedJudge(model="other")
    assert (await judge_all(db, other_model, campaign)).calls == 2
    rebriefed = replace(campaign, brief="Stamp collectors")
    assert (await judge_all(db, judge, rebriefed)).calls == 2
    assert (await judge_all(db, judge, campaign)).calls == 0

    changed = await with_criteria(db, campaign, least=2)
    assert await counted(db, changed) == (0, 0)
    done = await judge_all(db, judge, changed)
    assert (done.calls, done.carried) == (0, 2), "Omni holds a count against people by itself"
    assert await counted(db, changed) == (2, 1)


async def test_only_verdicts_that_hold_now_are_counted(db: Database) -> None:
    campaign = await add_campaign(db)
    mara = await add_person(db, "mara", candidate_of=campaign)  # 0.9
    half = await add_person(db, "half", "Film photographer", candidate_of=campaign)  # 0.6
    await add_person(db, "otto", UNFITTING, candidate_of=campaign)
    judge = WatchedJudge()
    await judge_all(db, judge, campaign)
    assert await counted(db, campaign) == (3, 2)
    assert await counted(db, replace(campaign, threshold=0.7)) == (3, 1)

    rebriefed = replace(campaign, brief="Stamp collectors")
    assert await counted(db, rebriefed) == (0, 0)

    await rewrite_bio(db, mara, UNFITTING)
    assert await counted(db, campaign) == (2, 1)
    await judge_all(db, judge, campaign)
    assert await counted(db, campaign) == (3, 1)
    await rewrite_bio(db, mara, FITTING)  # as it was: the first verdict holds again
    assert await counted(db, campaign) == (3, 2)

    await evict(db, campaign, half)
    assert await counted(db, campaign) == (2, 1)


async def test_of_several_judges_the_newest_verdict_counts(db: Database) -> None:
    campaign = await add_campaign(db)
    await add_person(db, "mara", candidate_of=campaign)
    await judge_all(db, WatchedJudge(), campaign)
    assert await counted(db, campaign) == (1, 1)
    no = '{"qualified": false, "score": 0.1, "confidence": 0.9, "reasons": []}'
    strict = WatchedJudge(model="strict", instead=lambda bio: Answer(no, True, 1.0))
    assert (await judge_all(db, strict, campaign)).verdicts == 1
    assert await counted(db, campaign) == (1, 0)


async def test_the_best_by_cheap_score_and_recency_are_judged_first(db: Database) -> None:
    campaign = await add_campaign(db)
    for name, score, days in [("a", 0.9, 900), ("b", 0.8, 1), ("c", 0.5, 1), ("d", 0.1, 1)]:
        await add_person(
            db, name, f"bio of {name}", candidate_of=campaign, score=score,
            last_post_at=NOW - timedelta(days=days),
        )  # fmt: skip
    judge = WatchedJudge(concurrency=1)
    await judge_all(db, judge, campaign, limit=3)
    assert judge.asked == ["bio of b", "bio of c", "bio of a"]
    assert (await judge_all(db, judge, campaign, limit=3)).calls == 1


async def test_refused_answers_are_kept_and_retried_within_bounds(db: Database) -> None:
    campaign = await add_campaign(db)
    person = await add_person(db, "mara", candidate_of=campaign)
    judge = WatchedJudge(instead=lambda bio: GARBAGE)
    for _ in range(MOST_REFUSALS + 2):
        await judge_all(db, judge, campaign)
    assert len(judge.asked) == MOST_REFUSALS
    kept = await rows(db, "select * from llm_scores")
    assert len(kept) == MOST_REFUSALS
    for row in kept:
        assert row["outcome"] == "refused"
        assert row["qualified"] is None
        assert row["raw"] == "no JSON� here"
        assert row["error"].startswith("not JSON")
    assert await counted(db, campaign) == (0, 0)
    await rewrite_bio(db, person, "Another landscape on film, photographed")
    judge.instead = lambda bio: None
    assert (await judge_all(db, judge, campaign)).qualified == 1


async def test_runs_at_once_pay_for_no_more_refused_answers_than_one(db: Database) -> None:
    campaign = await add_campaign(db)
    mara = await add_person(db, "mara", candidate_of=campaign)
    key = VerdictKey.of(campaign, model="m", prompt_version="p")
    for number in range(MOST_REFUSALS):
        # Each run has listed her before; what counts is what is so right before she is judged.
        shortlisted = await store.get_open(db, key, mara)
        assert shortlisted is not None, number
        refusal = Refusal("no JSON")
        assert await store.insert_answer(
            db, key, shortlisted, refusal, raw="", latency_ms=1, now=NOW
        )
    assert await store.get_open(db, key, mara) is None


async def test_single_failures_are_counted_and_asked_again_next_time(db: Database) -> None:
    campaign = await add_campaign(db)
    for number in range(6):
        await add_person(db, f"p{number}", f"{FITTING} {number}", candidate_of=campaign)
    failing = {f"{FITTING} 1", f"{FITTING} 4"}
    judge = WatchedJudge(instead=lambda bio: Transient("busy") if bio in failing else None)
    first = await judge_all(db, judge, campaign)
    assert (first.shortlisted, first.calls, first.verdicts, first.failed) == (6, 6, 4, 2)
    failing.clear()
    second = await judge_all(db, judge, campaign)
    assert (second.calls, second.failed) == (2, 0)
    assert await count(db, "llm_scores") == 6


async def test_a_judge_that_is_down_ends_the_run_and_keeps_what_was_judged(db: Database) -> None:
    campaign = await add_campaign(db)
    for number in range(40):
        await add_person(db, f"p{number}", f"{FITTING} {number}", candidate_of=campaign)
    answered = 0

    def dies_after_ten(bio: str) -> Exception | None:
        nonlocal answered
        answered += 1
        return Transient("down", retry_after=7) if answered > 10 else None

    judge = WatchedJudge(instead=dies_after_ten)
    with pytest.raises(Transient, match="in a row") as raised:
        await judge_all(db, judge, campaign)
    assert raised.value.retry_after == 7
    assert await count(db, "llm_scores") == 10
    assert len(judge.asked) <= 10 + MAX_FAILED_IN_A_ROW + judge.concurrency
    judge.instead = lambda bio: None
    assert (await judge_all(db, judge, campaign)).calls == 30


async def test_a_short_list_without_one_answer_is_tried_again_as_a_job(db: Database) -> None:
    campaign = await add_campaign(db)
    await add_person(db, "mara", candidate_of=campaign)
    with pytest.raises(Transient, match="none of 1"):
        await judge_all(db, WatchedJudge(instead=lambda bio: Transient("down")), campaign)


async def test_wrong_settings_end_the_run_with_their_own_error(db: Database) -> None:
    campaign = await add_campaign(db)
    for number in range(5):
        await add_person(db, f"p{number}", candidate_of=campaign)
    with pytest.raises(Fatal, match="ollama pull"):
        await judge_all(db, WatchedJudge(instead=lambda bio: Fatal("ollama pull x")), campaign)
    assert await count(db, "llm_scores") == 0


async def test_people_who_vanish_during_the_run_leave_nothing(db: Database) -> None:
    campaign = await add_campaign(db)
    gone = await add_person(db, "gone", "erased meanwhile", candidate_of=campaign, score=0.9)
    await add_person(db, "mara", candidate_of=campaign, score=0.1)
    key = VerdictKey.of(campaign, model="m", prompt_version="p")
    shortlisted = await store.get_open(db, key, gone)
    assert shortlisted is not None
    await db.execute(Query("erase", "delete from profiles_raw where profile_id = :id"), id=gone)
    refusal = Refusal("too late")
    assert not await store.insert_answer(
        db, key, shortlisted, refusal, raw="", latency_ms=1, now=NOW
    )
    assert await store.get_open(db, key, gone) is None
    assert (await judge_all(db, WatchedJudge(), campaign)).calls == 1


async def test_two_runs_at_once_record_each_verdict_once(db: Database) -> None:
    campaign = await add_campaign(db)
    for number in range(20):
        await add_person(db, f"p{number}", candidate_of=campaign)
    await asyncio.gather(*(judge_all(db, WatchedJudge(), campaign) for _ in range(3)))
    assert await count(db, "llm_scores") == 20


async def test_a_cancelled_run_stops_its_calls(db: Database) -> None:
    campaign = await add_campaign(db)
    for number in range(6):
        await add_person(db, f"p{number}", candidate_of=campaign)
    asked = asyncio.Semaphore(0)
    stopped = 0

    class Slow(WatchedJudge):
        async def ask(self, prompt: Prompt) -> Answer:
            nonlocal stopped
            asked.release()
            try:
                await asyncio.sleep(60)
            finally:
                stopped += 1
            return GARBAGE

    run = asyncio.create_task(judge_all(db, Slow(), campaign))
    for _ in range(3):
        await asyncio.wait_for(asked.acquire(), 60)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert stopped == 3
    assert await count(db, "llm_scores") == 0


async def test_the_same_run_on_ollama_over_http(db: Database) -> None:
    campaign = await add_campaign(db)
    for number in range(10):
        await add_person(db, f"p{number}", f"{FITTING} {number}", candidate_of=campaign)
    with running_model_server() as server:
        server.latency_s = 0.3
        server.next_faults("500", "half", "whitespace")
        judge = Pool(
            OllamaJudge(server.url, "llama3.1", timeout_s=10, max_tokens=200, concurrency=4),
            retries=Retries(attempts=3, base_s=0.001),
        )
        done = await qualify(
            db,
            [judge],
            campaign,
            ENGLISH,
            limit=50,
            clock=lambda: NOW,
            report=lambda progress: None,
        )
        await judge.close()
        assert 1 < server.most_in_flight <= 4
        assert len(server.requests) == await count(db, "llm_calls") == 13
    assert (done.calls, done.verdicts, done.refused, done.failed) == (11, 10, 1, 0)
    assert await count(db, "llm_scores", "model = 'ollama/llama3.1'") == 11


async def test_a_candidate_of_another_campaign_is_not_judged(db: Database) -> None:
    mine, theirs = await add_campaign(db), await add_campaign(db)
    both = await add_person(db, "mara", candidate_of=mine)
    await add_person(db, "otto", candidate_of=theirs)
    await add_candidate(db, theirs, both)
    assert (await judge_all(db, WatchedJudge(), mine)).calls == 1
    assert (await judge_all(db, WatchedJudge(), theirs)).calls == 2
