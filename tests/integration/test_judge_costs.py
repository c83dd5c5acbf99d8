"""What a run will take is told before it, and what it took is told after it."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from omni.cli.main import run
from omni.llm.ollama import OllamaJudge
from omni.llm.pool import Pool
from omni.llm.types import Price, Prices
from omni.qualification.costing_plan import Budget, estimate
from omni.qualification.types import Pace
from omni.qualification.work import qualify
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.api_fixtures import served
from tests.llm_fixtures import running_model_server
from tests.qualification_fixtures import ENGLISH, NOW, add_campaign, add_person

PRICES = Prices({"llama3.1": Price(1.0, 2.0)}, "EUR")


async def test_the_estimate_and_the_ledger_tell_of_a_run(
    db: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = await add_campaign(db)
    for number in range(7):
        await add_person(db, f"p{number}", candidate_of=campaign)
    with running_model_server() as server:
        ollama = OllamaJudge(server.url, "llama3.1", timeout_s=60, max_tokens=600, concurrency=2)
        pool = Pool(ollama)
        async with served(db, judges=[pool], prices=PRICES, clock=lambda: NOW) as api:
            before = await api.client.estimate(campaign.id)
            assert server.requests == []
            await qualify(
                db, [pool], campaign, ENGLISH, limit=6, clock=lambda: NOW,
                report=lambda progress: None, prices=PRICES,
            )  # fmt: skip
            after = await api.client.estimate(campaign.id)
            paid = await api.client.costs(campaign.id)
            await db.execute(Query("limit", "update campaigns set daily_call_limit = 6"))
            assert (await api.client.estimate(campaign.id)).budget_ends
            monkeypatch.setenv("OMNI_API_PORT", str(urlsplit(api.url).port))
            capsys.readouterr()
            told = ["costs", str(campaign.id)]
            assert await asyncio.to_thread(run, [*told, "--json"]) == 0
            listed = json.loads(capsys.readouterr().out)
            assert await asyncio.to_thread(run, told) == 0
        await pool.close()
        assert len(server.requests) == 6
    assert (before.calls, before.measured, before.seconds) == (7, False, None)
    assert before.prompt_tokens > 7 * 400
    assert before.cost == pytest.approx((before.prompt_tokens + 2 * before.answer_tokens) / 1e6)
    assert (after.calls, after.measured) == (1, True)
    assert after.seconds is not None
    (row,) = paid.items
    assert (row.calls, row.answered, row.failed, row.purpose) == (6, 6, 0, "qualify")
    assert row.cost == pytest.approx((row.prompt_tokens + 2 * row.answer_tokens) / 1e6)
    assert (paid.calls_today, paid.currency) == (6, "EUR")
    assert listed["items"][0]["calls"] == 6
    assert "6 calls" in capsys.readouterr().out


async def test_a_model_that_is_off_costs_nothing(db: Database) -> None:
    campaign = await add_campaign(db)
    async with served(db) as api:
        found = await api.client.estimate(campaign.id)
    assert (found.model, found.calls) == (None, 0)


def test_an_estimate_without_calls_and_prices_says_what_it_does_not_know() -> None:
    found = estimate(
        10, [100, 300], Pace(), model="ollama/x", prices=Prices(), concurrency=2, budget=Budget()
    )
    assert (found.prompt_tokens, found.cost_micros, found.seconds) == (2_000, None, None)
    timed = estimate(
        10, [100], Pace(9, 50.0, 10.0, 2_000.0), model="ollama/x", prices=Prices(), concurrency=2,
        budget=Budget(calls=9),
    )  # fmt: skip
    assert (timed.prompt_tokens, timed.answer_tokens, timed.seconds) == (500, 100, 10.0)
    assert timed.budget_ends
