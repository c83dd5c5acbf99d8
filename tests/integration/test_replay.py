"""A replay says what the run said, without a model, and notices what was changed or lost."""

from __future__ import annotations

import asyncio
import json

import pytest

from omni.cli.main import run
from omni.flow.replaying import replay
from omni.leads.work import promote
from omni.llm.ollama import OllamaJudge
from omni.llm.pool import Pool
from omni.qualification.plan import PROMPT_VERSION
from omni.qualification.work import qualify
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.llm_fixtures import running_model_server
from tests.qualification_fixtures import ENGLISH, NOW, add_campaign, add_person, rewrite_bio


async def judged(db: Database, people: int = 6) -> int:
    """Judge people by a model server and make leads of them; return the campaign's id."""
    campaign = await add_campaign(db)
    for number in range(people):
        bio = "" if number == 0 else f"Person number {number} \u202e shoots landscapes on film"
        await add_person(db, f"p{number}", bio, candidate_of=campaign)
    with running_model_server() as server:
        pool = Pool(
            OllamaJudge(server.url, "llama3.1", timeout_s=60, max_tokens=600, concurrency=2)
        )
        await qualify(
            db, [pool], campaign, ENGLISH, limit=50, clock=lambda: NOW, report=lambda progress: None
        )
        await promote(db, campaign, models=[pool.model], prompt_version=PROMPT_VERSION, now=NOW)
        await pool.close()
    return campaign.id


async def change(db: Database, sql: str) -> None:
    await db.execute(Query("change", sql))


async def test_the_leads_come_out_the_same_with_the_server_gone(
    db: Database,
    database_url: str,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    campaign_id = await judged(db)
    report = await replay(db, campaign_id)
    assert report.identical
    assert dict(report.verdicts) == {"identical": 6}
    assert dict(report.leads) == {"identical": 5}
    await rewrite_bio(db, 2, "Another bio since then")
    assert (await replay(db, campaign_id)).identical, "a lead keeps what it was made of"
    monkeypatch.setenv("OMNI_DATABASE_URL", database_url)
    monkeypatch.setenv("OMNI_REDIS_URL", valkey_url)
    capsys.readouterr()  # what was logged until here
    assert await asyncio.to_thread(run, ["replay", str(campaign_id), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["leads"] == {"identical": 5}
    await change(db, "update leads set score = 0.99 where id = (select min(id) from leads)")
    assert await asyncio.to_thread(run, ["replay", str(campaign_id)]) == 1
    assert "score" in capsys.readouterr().out
    assert await asyncio.to_thread(run, ["replay", "999"]) == 2


@pytest.mark.parametrize(
    ("harm", "verdicts", "leads"),
    [
        (
            "delete from llm_recordings where id = (select max(id) from llm_recordings)",
            {"identical": 5, "missing": 1}, {"identical": 4, "missing": 1},
        ),
        (
            "update llm_scores set reasons = '[]' where qualified",
            {"identical": 1, "different": 5}, {"identical": 5},
        ),
        (
            "update llm_recordings set key = 'another' where id = (select max(id)"
            " from llm_recordings)",
            {"identical": 5, "missing": 1}, {"identical": 4, "missing": 1},
        ),
    ],
    ids=["lost", "edited", "not what its key says"],
)  # fmt: skip
async def test_what_was_changed_or_lost_is_noticed(
    db: Database, harm: str, verdicts: dict[str, int], leads: dict[str, int]
) -> None:
    campaign_id = await judged(db)
    await change(db, harm)
    report = await replay(db, campaign_id)
    assert not report.identical
    assert (dict(report.verdicts), dict(report.leads)) == (verdicts, leads)
    assert report.problems
