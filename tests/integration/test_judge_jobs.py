"""Comparisons and hostile profiles as jobs: asked for over the API, paid for once, kept once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from omni.base.clock import utc_now
from omni.base.errors import Conflict
from omni.client.client import ApiProblem
from omni.flow.types import StepResult
from omni.flow.world import World
from omni.jobs import store
from omni.jobs.plan import decode_args
from omni.llm.types import Price, Prices
from omni.qualification.attacks import attacks
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.api_fixtures import served
from tests.flow_fixtures import run_step, running_world
from tests.llm_fixtures import ModelServer, running_model_server
from tests.qualification_fixtures import FITTING, UNFITTING, add_campaign, add_person, count, rows

PRICES = Prices({"llama3.1": Price(1.0, 2.0)}, "EUR")


@pytest.fixture
def server() -> Generator[ModelServer]:
    with running_model_server() as running:
        yield running


@pytest.fixture
async def world(
    tmp_path: Path, database_url: str, valkey_url: str, server: ModelServer
) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url, prices=PRICES) as built:
        set_to = {"ollama_base_url": server.url, "llm_concurrency": 1}
        yield replace(built, settings=built.settings.model_copy(update=set_to))


async def run(world: World, job_id: UUID) -> StepResult:
    """Run a job of the ledger as a worker would."""
    job = await store.get_job(world.db, job_id)
    return await run_step(world, decode_args(job.kind, job.args), job_id)


async def test_a_comparison_is_a_job_that_is_paid_for_and_kept_once(
    db: Database, world: World, server: ModelServer
) -> None:
    campaign = await add_campaign(db)
    for number in range(4):
        await add_person(db, f"p{number}", UNFITTING if number else FITTING, candidate_of=campaign)
    async with served(db, clock=utc_now) as api:
        for left, right, field in (
            ("nobody", "rules", "left"),
            ("rules", "rules:big", "right"),
            ("rules", "rules", "right"),
        ):
            with pytest.raises(ApiProblem) as problem:
                await api.client.compare_judges(campaign.id, left=left, right=right)
            assert problem.value.field == field
        started = await api.client.compare_judges(
            campaign.id, left="rules", right="ollama", sample=4
        )
        server.next_faults("hang")  # the run is broken off in the middle of a call
        world = replace(world, settings=world.settings.model_copy(update={"llm_timeout_s": 4}))
        first = await run(world, started.job_id)
        assert first.result["report"]["right"]["without"] == 1
        asked = len(server.requests)
        assert asked == 4
        # A worker that died before it could say so: the comparison stands, and nobody is asked.
        assert (await run(world, started.job_id)).result["comparison_id"] == (
            first.result["comparison_id"]
        )
        assert len(server.requests) == asked
        # One that died before the comparison was kept pays only for what is missing.
        await db.execute(Query("forget", "delete from judge_comparisons"))
        again = await run(world, started.job_id)
        assert again.result["report"]["right"]["without"] == 0
        assert len(server.requests) == asked + 1
        (told,) = await api.client.comparisons(campaign.id)
        assert (told.left_model, told.right_model, told.sample) == ("rules-1", "ollama/llama3.1", 4)
        assert len(await api.client.disagreements(campaign.id)) == told.report["disagreements"] > 0
        paid = {
            (one.model, one.purpose): one for one in (await api.client.costs(campaign.id)).items
        }
        assert paid["ollama/llama3.1", "compare"].calls == len(server.requests)
        assert paid["ollama/llama3.1", "compare"].cost > 0
        assert await count(db, "llm_scores") == 0, "no verdict of it makes a lead"
        await api.client.update_campaign(campaign.id, judge_share=0)
        with pytest.raises(ApiProblem, match="judges are off"):
            await api.client.compare_judges(campaign.id, left="rules", right="ollama")
    late = await add_campaign(db, brief="x")
    await db.execute(Query("off", "update campaigns set judge_share = 0"))
    asked = {"campaign_id": late.id, "left": "rules", "right": "ollama"}
    args = decode_args("judge.compare", asked)
    async with db.transaction() as tx:
        (job_id,) = await store.enqueue(tx, [store.NewJob(args)], now=utc_now())
    with pytest.raises(Conflict, match="off"):
        await run_step(world, args, job_id)


async def test_hostile_profiles_are_a_job_whose_calls_are_in_the_ledger(
    db: Database, world: World, server: ModelServer
) -> None:
    async with served(db, prices=PRICES) as api:
        with pytest.raises(ApiProblem) as problem:
            await api.client.attack_judge("gpt")
        assert problem.value.field == "judge"
        started = await api.client.attack_judge("ollama:llama3.1")
        done = await run(world, started.job_id)
        assert len(server.requests) == done.result["attacks"] == len(attacks())
        assert (await run(world, started.job_id)).result == done.result
        assert len(server.requests) == len(attacks()), "it is paid for once"
        (told,) = await api.client.attacks()
        assert told.model == "ollama/llama3.1"
        assert told.report["passed"] is done.result["passed"]
        assert len(told.report["findings"]) == len(attacks())
        (paid,) = (await api.client.all_costs()).items
        assert (paid.purpose, paid.calls, paid.answered) == (
            "redteam",
            len(attacks()),
            len(attacks()),
        )
        assert paid.cost == pytest.approx((paid.prompt_tokens + 2 * paid.answer_tokens) / 1e6)
    ledger = await rows(db, "select distinct campaign_id, job_id, outcome from llm_calls")
    assert ledger == [{"campaign_id": None, "job_id": started.job_id, "outcome": "answered"}]
    assert await count(db, "llm_budgets") == 0
