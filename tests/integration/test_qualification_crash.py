"""kill -9 of workers throughout a qualification: everybody is judged, and every call is counted."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from time import monotonic, sleep
from uuid import uuid4

import pytest

from omni.storage.db import Database
from tests.integration.qualify_process import CONCURRENCY
from tests.llm_fixtures import ModelServer, running_model_server
from tests.qualification_fixtures import FITTING, add_campaign, add_person, count, rows

pytestmark = pytest.mark.long

LONG = os.environ.get("OMNI_TEST_LONG") == "1"
PEOPLE, KILLS = (2_000, 40) if LONG else (60, 4)


def kill_again_and_again(server: ModelServer, command: list[str]) -> int:
    """Begin a worker, and kill it once the server has heard a part more; return how many died."""
    died = 0
    for number in range(1, KILLS + 1):
        worker = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = monotonic() + 240
        while len(server.requests) < number * PEOPLE // (KILLS + 1) and worker.poll() is None:
            assert monotonic() < until
            sleep(0.01)
        died += worker.poll() is None
        worker.kill()
        worker.wait(60)
    return died


async def test_killed_workers_lose_nobody_and_pay_twice_only_for_what_was_under_way(
    db: Database, database_url: str
) -> None:
    campaign = await add_campaign(db)
    for number in range(PEOPLE):
        await add_person(db, f"p{number}", f"{FITTING} {number}", candidate_of=campaign)
    job = str(uuid4())
    with running_model_server() as server:
        server.latency_s = 0.05
        asked = [database_url, server.url, str(campaign.id), job]
        command = [sys.executable, "-m", "tests.integration.qualify_process", *asked]
        kills = await asyncio.to_thread(kill_again_and_again, server, command)
        last = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
        assert await asyncio.wait_for(last.wait(), 600) == 0
        calls = len(server.requests)
    assert kills >= KILLS // 2
    assert await count(db, "llm_scores", "outcome = 'verdict'") == PEOPLE
    (judged,) = await rows(db, "select count(distinct profile_id)::int as n from llm_scores")
    assert judged["n"] == PEOPLE
    assert await count(db, "llm_flights") == 0
    (marked,) = await rows(
        db, "select count(*)::int as n from campaign_candidates where judged_epoch > 0"
    )
    assert marked["n"] == PEOPLE
    # Calls on the wire, and answers that were being written down: one for each hand of the run.
    under_way = kills * (CONCURRENCY + CONCURRENCY // 2 + 1)
    assert calls <= PEOPLE + under_way
    # A call is in the ledger before it is on the wire: of those that were cut off, some never were.
    assert calls <= await count(db, "llm_calls") <= calls + under_way
    assert await count(db, "llm_calls", "outcome = 'answered'") >= PEOPLE
    assert await count(db, "llm_calls", "outcome = 'open'") <= under_way
