"""A worker that is killed at any moment of a send never makes anyone be written to twice."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet

from omni.base.vault import Vault
from omni.connectors.http import HttpClient
from omni.connectors.synthetic.sender import SyntheticSender
from omni.connectors.synthetic.world import person_id
from omni.dispatch.drafting_work import draft
from omni.dispatch.plan import DAY, LOST_AFTER
from omni.dispatch.work import dispatch
from omni.jobs.types import Progress
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    MINUTE,
    NOW,
    add_account,
    add_campaign,
    add_leads,
    approve_all,
    rows,
    states,
)
from tests.synthetic_fixtures import running_network

ROOT = Path(__file__).parents[2]
HANDLE = "me"

# Where the worker dies, and what becomes of its message.
MOMENTS = {
    "before lock_account": "sent",
    "before claim_message": "sent",
    "after claim_message": "sent",
    "before hold_person": "sent",
    "after lock_claim": "sent",
    "after start_sending": "sent",
    "before the wire": "ambiguous",
    "after the wire": "ambiguous",
    "before record_outcome": "ambiguous",
    "after record_outcome": "sent",
    "after the record": "sent",
}


@pytest.fixture
def network(tmp_path: Path) -> Iterator[str]:
    with running_network(tmp_path / "network.sqlite") as url:
        yield url


async def _get(url: str, **params: str) -> Any:
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {HANDLE}"}) as client:
        return (await client.get(url, params=params)).json()


async def _approved(db: Database, network: str, count: int) -> None:
    """Approve a message to each of some people who take messages; none is eligible yet."""
    ids = ",".join(person_id(number) for number in range(1, 51))
    people = (await _get(f"{network}/people", ids=ids))["people"]
    willing = [person["id"] for person in people if person["accepts_messages"]][:count]
    campaign = await add_campaign(db)
    for person in willing:
        prefix, _, number = person.partition(":")
        await add_leads(db, campaign, 1, prefix=f"{prefix}:", first=int(number))
    await draft(db, campaign, now=NOW)
    assert await approve_all(db, campaign, now=NOW + 365 * DAY) == count


async def _worker(*arguments: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.dispatch_process", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    return await asyncio.wait_for(process.wait(), 60)


async def _healthy_run(db: Database, network: str, vault: Vault, now: datetime) -> None:
    def report(progress: Progress) -> None:
        assert progress.done > 0

    async with HttpClient(user_agent="omni-tests", loopback=True) as http:
        sender = SyntheticSender(http, network)
        await dispatch(db, {sender.platform: sender}, vault, clock=lambda: now, report=report)


async def test_a_worker_killed_at_any_moment_writes_to_nobody_twice(
    db: Database, database_url: str, network: str
) -> None:
    await _approved(db, network, len(MOMENTS))
    key = Fernet.generate_key().decode()
    await add_account(db, handle=HANDLE, hourly=100, daily=100, secret=None, vault=Vault(key))

    now = NOW
    for number, (moment, end) in enumerate(MOMENTS.items(), 1):
        message_id = await _open_next(db, now)
        arguments = (database_url, network, key)
        assert await _worker(*arguments, now.isoformat(), moment) == -signal.SIGKILL, moment
        await _locks_are_free(db)
        now += LOST_AFTER + MINUTE
        await _healthy_run(db, network, Vault(key), now)
        (message,) = await rows(db, "select * from messages where id = :id", id=message_id)
        assert message["state"] == end, moment
        assert (await states(db)).get("approved", 0) == len(MOMENTS) - number

    calls = (await _get(f"{network}/messages", limit="100"))["messages"]
    assert {letter["calls"] for letter in calls} == {1}
    assert len({letter["to"] for letter in calls}) == len(calls) == len(MOMENTS) - 1


async def _locks_are_free(db: Database) -> None:
    """Wait until Postgres has noticed that the worker is gone, and has given its locks back."""
    for _ in range(600):
        (others,) = await rows(
            db,
            "select count(*) as n from pg_stat_activity where datname = current_database()"
            " and backend_type = 'client backend' and application_name <> :own",
            own="omni-test",
        )
        if not others["n"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the dead worker's sessions are still there")


async def _open_next(db: Database, now: datetime) -> int:
    """Let one more message go."""
    (opened,) = await rows(
        db,
        "update messages set eligible_at = :now where id = (select id from messages"
        " where state = 'approved' and eligible_at > :now order by id limit 1) returning id",
        now=now,
    )
    return opened["id"]
