"""Two judges on the same people, a person's word on who is right, and what comes of it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from omni.cli.judging import read_contender
from omni.cli.main import run
from omni.client.client import ApiProblem
from omni.flow.judging import Contender, compare_on
from omni.leads import store as leads
from omni.leads.work import promote
from omni.llm.ollama import OllamaJudge
from omni.llm.pool import Pool
from omni.llm.rules import RulesJudge
from omni.qualification.plan import PROMPT_VERSION
from omni.storage.db import Database
from tests.api_fixtures import served
from tests.llm_fixtures import running_model_server
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

TASK = "Say yes to everybody."


async def people(db: Database) -> int:
    """Three who fit and two who do not, by the rules; return the campaign's id."""
    campaign = await add_campaign(db)
    for number in range(5):
        bio = FITTING if number < 3 else UNFITTING
        await add_person(db, f"p{number}", bio, candidate_of=campaign)
    await judge_all(db, WatchedJudge(), campaign)
    await promote(db, campaign, models=["rules-1"], prompt_version=PROMPT_VERSION, now=NOW)
    return campaign.id


async def test_two_judges_are_compared_settled_and_evaluated(
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    campaign_id = await people(db)
    with running_model_server() as server:  # it says yes to everybody who has a bio
        eager = Pool(
            OllamaJudge(server.url, "llama3.1", timeout_s=60, max_tokens=600, concurrency=2)
        )
        rules = Contender(Pool(RulesJudge()))
        other = Contender(eager, TASK)
        _, found, apart = await compare_on(
            db, campaign_id, rules, other, sample=5, clock=lambda: NOW
        )
        await eager.close()
        assert all(TASK in asked.text for asked in server.requests)
    assert (found.both, found.left.yes, found.right.yes) == (5, 3, 5)
    assert (found.agreement.hits, found.disagreements, len(apart)) == (3, 2, 2)
    assert found.kappa == pytest.approx(0)
    assert found.right.model.startswith("ollama/llama3.1@")
    assert await count(db, "llm_scores") == 5, "a comparison records no verdict"
    assert await count(db, "llm_calls", "purpose = 'compare'") == 10
    assert await count(db, "llm_recordings") == 15
    lead = (await rows(db, "select id from leads order by id limit 1"))[0]
    async with db.transaction() as tx:
        await leads.decide(tx, lead["id"], accepted=False, now=NOW + timedelta(days=1))
    async with served(db) as api:
        waiting = await api.client.disagreements(campaign_id)
        assert {one.username for one in waiting} == {"p3", "p4"}
        for one in waiting:
            await api.client.settle_disagreement(one.id, fits=one.username == "p3")
        assert await api.client.disagreements(campaign_id) == []
        assert len(await api.client.disagreements(campaign_id, only_open=False)) == 2
        with pytest.raises(ApiProblem, match="no disagreement"):
            await api.client.settle_disagreement(999, fits=True)
        assert [one.sample for one in await api.client.comparisons(campaign_id)] == [5]
        told = await api.client.evaluation(campaign_id)
        monkeypatch.setenv("OMNI_API_PORT", str(urlsplit(api.url).port))
        picture = tmp_path / "curve.svg"
        capsys.readouterr()
        command = ["judge", "eval", "--campaign", str(campaign_id), "--svg", str(picture)]
        assert await asyncio.to_thread(run, command) == 0
    # One lead was rejected; of the two to whom the rules say no, one fits.
    assert (told.labels, told.fit) == (3, 1)
    assert (told.precision.hits, told.precision.of) == (0, 1)
    assert (told.recall.hits, told.recall.of) == (0, 1)
    assert (told.accuracy.hits, told.accuracy.of) == (1, 3)
    printed = capsys.readouterr().out
    assert "3 labels, 1 of them fit" in printed
    assert "are few" in printed
    assert picture.read_text().startswith("<svg")


async def test_the_command_compares(
    db: Database,
    database_url: str,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    campaign_id = await people(db)
    (tmp_path / "task.txt").write_text(TASK)
    monkeypatch.setenv("OMNI_DATABASE_URL", database_url)
    monkeypatch.setenv("OMNI_REDIS_URL", valkey_url)
    command = ["judge", "compare", "rules", f"rules@{tmp_path / 'task.txt'}"]
    capsys.readouterr()
    options = ["--campaign", str(campaign_id), "--sample", "4", "--json"]
    assert await asyncio.to_thread(run, [*command, *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["sample"], told["disagreements"], told["agreement"]["value"]) == (4, 0, 1.0)
    assert await asyncio.to_thread(run, ["judge", "compare", "rules:x", "rules", *options]) == 2


def test_a_judge_is_named_with_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from omni.base.settings import Settings

    assert read_contender(Settings(), "ollama:qwen3:8b").model == "ollama/qwen3:8b"
