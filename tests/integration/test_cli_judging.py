"""`omni judge` over the API: jobs that are started and waited for, and what was recorded."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from omni.cli.main import run
from omni.storage.db import Database
from tests.api_fixtures import served
from tests.dispatch_fixtures import rows
from tests.qualification_fixtures import WatchedJudge, add_campaign, add_person, judge_all


async def cli(*arguments: str) -> int:
    """Run a command as a person would, while the test goes on."""
    return await asyncio.to_thread(run, list(arguments))


async def end_job(
    db: Database, state: str, result: dict[str, int] | None, error: str | None = None
) -> UUID:
    """End the job that comes, as a worker would."""
    for _ in range(600):
        if found := await rows(db, "select id from jobs where state = 'queued'"):
            await rows(
                db,
                "update jobs set state = 'running', started_at = now(),"
                ' progress = \'{"done": 1, "total": 2}\' where id = :id',
                id=found[0]["id"],
            )
            await asyncio.sleep(1)
            await rows(
                db,
                "update jobs set state = :state, result = :result::jsonb, error = :error,"
                " finished_at = now() where id = :id",
                id=found[0]["id"], state=state, result=result, error=error,
            )  # fmt: skip
            return found[0]["id"]
        await asyncio.sleep(0.1)
    raise AssertionError("no job came")


async def test_a_comparison_is_started_followed_and_told(
    db: Database, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    campaign = await add_campaign(db)
    asked = ["judge", "compare", "rules", "ollama:m", "--campaign", str(campaign.id), "--job"]
    async with served(db) as api:
        monkeypatch.setenv("OMNI_API_PORT", str(urlsplit(api.url).port))
        assert await cli(*asked, "--no-wait", "--json") == 0
        queued = json.loads(capfd.readouterr().out)
        await rows(db, "update jobs set state = 'cancelled', finished_at = now()")
        _, code = await asyncio.gather(
            end_job(db, "succeeded", {"id": 7, "both": 2}), cli(*asked, "--json")
        )
        told = capfd.readouterr()
        assert code == 0, told
        done = json.loads(told.out)
        assert (done["state"], done["result"]["id"]) == ("succeeded", 7)
        assert done["id"] != queued["job_id"]
        assert "running: 1 of 2" in told.err
        _, code = await asyncio.gather(end_job(db, "failed", None, "it is down"), cli(*asked))
        assert (code, "it is down" in capfd.readouterr().out) == (1, True)


async def test_a_judge_that_does_harm_ends_with_1(
    db: Database, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async with served(db) as api:
        monkeypatch.setenv("OMNI_API_PORT", str(urlsplit(api.url).port))
        asked = ["judge", "redteam", "--judge", "rules", "--job"]
        _, code = await asyncio.gather(end_job(db, "succeeded", {"harmful": 1}), cli(*asked))
        assert (code, "harmful 1" in capfd.readouterr().out) == (1, True)
        assert await cli("judge", "redteam", "--job") == 2


async def test_what_was_said_of_a_person_is_told(
    db: Database, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    campaign = await add_campaign(db)
    person = await add_person(db, "mara", candidate_of=campaign)
    await judge_all(db, WatchedJudge(), campaign)
    async with served(db) as api:
        monkeypatch.setenv("OMNI_API_PORT", str(urlsplit(api.url).port))
        whom = ["--campaign", str(campaign.id), "--profile", str(person)]
        capfd.readouterr()  # what was logged until now
        assert await cli("judge", "recordings", *whom, "--json") == 0
        (one,) = json.loads(capfd.readouterr().out)
        assert one["model"] == "rules-1"
        assert await cli("judge", "recordings", *whom) == 0
        assert "answered:" in capfd.readouterr().out
        assert await cli("judge", "recordings") == 2
