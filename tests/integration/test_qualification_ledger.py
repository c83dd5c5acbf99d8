"""The ledger of calls: as many rows as calls were made, and a day's budget that holds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from omni.base.errors import Transient
from omni.campaigns.types import Campaign
from omni.jobs.types import Progress
from omni.llm.pace import Retries
from omni.llm.pool import Pool
from omni.llm.ports import Answer, Health, Prompt, Resting, Unfinished
from omni.llm.types import Price, Prices
from omni.qualification import ledger
from omni.qualification.types import BudgetSpent, QualificationReport, Spent
from omni.qualification.work import qualify
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.qualification_fixtures import (
    ENGLISH,
    NOW,
    WatchedJudge,
    add_campaign,
    add_person,
    count,
    once,
    rows,
)

PRICES = Prices({"rules-1": Price(prompt=1.0, answer=10.0)}, "EUR")


async def limit(db: Database, campaign: Campaign, column: str, most: int) -> None:
    await db.execute(
        Query("set", f"update campaigns set {column} = :most where id = :id"),
        most=most,
        id=campaign.id,
    )


async def test_a_call_that_was_noted_and_never_made_takes_nothing(db: Database) -> None:
    campaign = await add_campaign(db)
    meter = ledger.LedgerMeter(db, lambda: NOW, "qualify", PRICES, campaign_id=campaign.id)
    made, unmade = [await meter.before("rules-1", Prompt("s", "u", {})) for _ in range(2)]
    await meter.after(unmade, Resting("it was not made"))
    await meter.after(made, Transient("it failed"))
    for late in (made, unmade):  # what is settled or forgotten stays so
        await meter.after(late, Resting("it was not made"))
    assert await count(db, "llm_calls") == 1
    assert await ledger.spent(db, campaign.id, NOW.date()) == Spent(1, 0)


async def test_who_waits_for_a_place_when_the_judge_begins_to_rest_pays_nothing(
    db: Database,
) -> None:
    campaign = await add_campaign(db)
    meter = ledger.LedgerMeter(db, lambda: NOW, "qualify", PRICES, campaign_id=campaign.id)
    judge = Failing()
    pool = Pool(judge, retries=Retries(attempts=1))
    asks = [pool.ask(Prompt("s", f"u{n}", {}), meter) for n in range(40)]
    ended = await asyncio.gather(*asks, return_exceptions=True)
    assert any(isinstance(one, Resting) for one in ended)
    assert await count(db, "llm_calls") == judge.asked < 40
    assert (await ledger.spent(db, campaign.id, NOW.date())).calls == judge.asked


class Failing:
    """A judge whose server is down."""

    model = "rules-1"
    concurrency = 4
    asked = 0

    async def ask(self, prompt: Prompt) -> Answer:
        self.asked += 1
        await asyncio.sleep(0.01)
        raise Transient("down")

    async def health(self) -> Health:
        return Health(ok=False, detail="down")

    async def close(self) -> None:
        """Hold nothing."""


def unheard(progress: Progress) -> None:
    del progress


async def run(
    db: Database, judge: WatchedJudge | Pool, campaign: Campaign, **parts: Any
) -> QualificationReport:
    way = judge if isinstance(judge, Pool) else once(judge)
    given: dict[str, Any] = {"limit": 50, "clock": lambda: NOW, "report": unheard}
    return await qualify(db, [way], campaign, ENGLISH, **{**given, **parts})


async def crowd(db: Database, campaign: Campaign, size: int) -> None:
    for number in range(size):
        await add_person(db, f"p{number}", candidate_of=campaign)


def costing(bio: str) -> Answer:
    text = '{"reasons": [], "qualified": false, "score": 0.1, "confidence": 0.5}'
    return Answer(text, complete=True, latency_ms=3.0, prompt_tokens=100, answer_tokens=20)


async def test_every_attempt_is_a_call_of_the_ledger(db: Database) -> None:
    campaign = await add_campaign(db)
    await crowd(db, campaign, 6)
    faults = iter([Transient("busy"), Transient("busy again")])
    judge = WatchedJudge(instead=lambda bio: next(faults, None))

    async def at_once(seconds: float) -> None:
        del seconds

    await run(db, Pool(judge, sleep=at_once), campaign, prices=PRICES)
    found = await rows(db, "select * from llm_calls order by id")
    assert len(found) == len(judge.asked) == 8
    assert [row["outcome"] for row in found].count("failed") == 2
    assert {row["campaign_id"] for row in found} == {campaign.id}
    assert all(row["ended_at"] and row["profile_id"] and row["recording_key"] for row in found)
    assert (await ledger.spent(db, campaign.id, NOW.date())).calls == 8
    (cost,) = await ledger.costs(db, campaign.id, since=NOW.date())
    assert (cost.calls, cost.answered, cost.failed) == (8, 6, 2)


async def test_what_a_call_really_cost_takes_the_place_of_what_was_reserved(db: Database) -> None:
    campaign = await add_campaign(db)
    await crowd(db, campaign, 3)
    await run(db, WatchedJudge(instead=costing), campaign, prices=PRICES)
    assert await ledger.spent(db, campaign.id, NOW.date()) == Spent(3, 3 * (100 + 200))
    found = await rows(db, "select cost_micros, prompt_tokens, answer_tokens from llm_calls")
    assert [tuple(row.values()) for row in found] == [(300, 100, 20)] * 3


async def test_an_answer_that_broke_off_keeps_what_was_reserved(db: Database) -> None:
    campaign = await add_campaign(db)
    await crowd(db, campaign, 2)
    faults = iter([Unfinished("broke off"), Transient("busy")])
    judge = WatchedJudge(instead=lambda bio: next(faults, None) or costing(bio))

    async def at_once(seconds: float) -> None:
        del seconds

    await run(db, Pool(judge, sleep=at_once), campaign, prices=PRICES)
    found = await rows(db, "select cost_micros, error from llm_calls order by cost_micros")
    assert [row["cost_micros"] for row in found[:3]] == [0, 300, 300]
    assert found[3]["cost_micros"] > 600 * 10, "the most that it may have cost"
    assert "broke off" in found[3]["error"]
    spent = await ledger.spent(db, campaign.id, NOW.date())
    assert spent == Spent(4, sum(row["cost_micros"] for row in found))


async def test_a_run_ends_cleanly_where_the_budget_of_the_day_ends(db: Database) -> None:
    campaign = await add_campaign(db)
    await crowd(db, campaign, 8)
    await limit(db, campaign, "daily_call_limit", 5)
    judge = WatchedJudge()
    done = await run(db, judge, campaign)
    assert (done.verdicts, done.calls, done.failed) == (5, 5, 0)
    assert done.held == "budget until 2026-03-02T00:00:00+00:00"
    assert len(judge.asked) == await count(db, "llm_calls") == 5
    again = await run(db, judge, campaign)
    assert (again.calls, again.held) == (0, done.held)
    tomorrow = await run(db, judge, campaign, clock=lambda: NOW + timedelta(days=1))
    assert (tomorrow.verdicts, tomorrow.held) == (3, None)


async def test_a_limit_of_cost_never_lets_a_call_begin_that_could_break_it(db: Database) -> None:
    campaign = await add_campaign(db)
    await crowd(db, campaign, 6)
    await limit(db, campaign, "daily_cost_limit_micros", 10_000)
    done = await run(db, WatchedJudge(instead=costing), campaign, prices=PRICES)
    spent = await ledger.spent(db, campaign.id, NOW.date())
    assert spent.cost_micros == done.calls * 300 <= 10_000
    assert done.held
    assert 0 < done.calls < 6


async def test_the_budget_holds_for_all_workers_together(db: Database, database_url: str) -> None:
    campaign = await add_campaign(db)
    await crowd(db, campaign, 30)
    await limit(db, campaign, "daily_call_limit", 11)
    other = await Database.connect(database_url, size=4)
    judges = [WatchedJudge(concurrency=4), WatchedJudge(concurrency=4)]
    try:
        await asyncio.gather(run(db, judges[0], campaign), run(other, judges[1], campaign))
    finally:
        await other.close()
    assert len(judges[0].asked) + len(judges[1].asked) == 11
    assert await count(db, "llm_calls") == 11


async def test_a_spent_budget_does_not_leave_a_resting_judge_alone_for_ever(db: Database) -> None:
    campaign = await add_campaign(db)
    await limit(db, campaign, "daily_call_limit", 0)
    now = 0.0
    broken = WatchedJudge(instead=lambda bio: Transient("down"))
    pool = Pool(broken, retries=Retries(attempts=1), monotonic=lambda: now)
    prompt = Prompt("", "", {}, facts={"profile": {}, "criteria": {}, "brief": ""})
    free = ledger.LedgerMeter(db, lambda: NOW, "test")
    for _ in range(5):
        await asyncio.gather(pool.ask(prompt, free), return_exceptions=True)
    assert pool.resting
    now = 1_000.0
    poor = replace(free, campaign_id=campaign.id)
    for _ in range(2):
        (spent,) = await asyncio.gather(pool.ask(prompt, poor), return_exceptions=True)
        assert isinstance(spent, BudgetSpent)
