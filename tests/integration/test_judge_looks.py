"""What people are told of the judges: by the API, its client, and the command line."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from omni.cli.main import run
from omni.client.client import ApiProblem
from omni.llm.ollama import OllamaJudge
from omni.llm.pool import Pool
from omni.llm.rules import RulesJudge
from omni.qualification.plan import PROMPT_VERSION
from omni.storage.db import Database
from tests.api_fixtures import served
from tests.llm_fixtures import running_model_server
from tests.qualification_fixtures import BRIEF, add_campaign, add_person

STEERS = "\x1b[2Jnice bio\x07"


async def test_the_api_tells_how_the_judges_do(db: Database) -> None:
    with running_model_server() as server:
        missing = Pool(OllamaJudge(server.url, "gone", timeout_s=10, max_tokens=9, concurrency=1))
        async with served(db, judges=[Pool(RulesJudge()), missing]) as api:
            told = await api.client.judges()
            assert server.requests == [], "no model was called"
        await missing.close()
    assert told.prompt_version == PROMPT_VERSION
    assert [(judge.model, judge.ok) for judge in told.judges] == [
        ("rules-1", True), ("ollama/gone", False),
    ]  # fmt: skip
    assert "omni judge pull" in told.judges[1].detail
    assert told.judges[1].models == ["llama3.1:latest"]


async def test_the_prompt_is_told_with_its_version(
    db: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = await add_campaign(db)
    person = await add_person(db, "mara", STEERS)
    async with served(db) as api:
        bare = await api.client.prompt()
        whole = await api.client.prompt(campaign_id=campaign.id, profile_id=person)
        with pytest.raises(ApiProblem, match="no profile"):
            await api.client.prompt(profile_id=person + 1)
        monkeypatch.setenv("OMNI_API_PORT", str(urlsplit(api.url).port))
        command = ["prompt", "show", str(campaign.id), "--profile", str(person)]
        assert await asyncio.to_thread(run, command) == 0
    assert bare.version == PROMPT_VERSION
    assert whole.version.startswith(f"{PROMPT_VERSION}/")
    assert BRIEF in whole.system
    assert "nice bio" in whole.user
    printed = capsys.readouterr().out
    assert whole.version in printed
    assert "nice bio" in printed
    assert "\x1b" not in printed


async def test_the_command_line_tells_health_and_fetches_models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_model_server() as server:
        monkeypatch.setenv("OMNI_JUDGE", "ollama")
        monkeypatch.setenv("OMNI_OLLAMA_BASE_URL", server.url)
        monkeypatch.setenv("OMNI_OLLAMA_MODEL", "tiny")
        assert await asyncio.to_thread(run, ["judge", "health", "--json"]) == 1
        (seen,) = json.loads(capsys.readouterr().out)
        assert (seen["model"], seen["ok"]) == ("ollama/tiny", False)
        assert await asyncio.to_thread(run, ["judge", "pull"]) == 0
        assert "50 %" in capsys.readouterr().out
        assert await asyncio.to_thread(run, ["judge", "health"]) == 0
        assert "tiny" in capsys.readouterr().out
        monkeypatch.setenv("OMNI_OLLAMA_MODEL", "no-such")
        assert await asyncio.to_thread(run, ["judge", "pull"]) == 1
