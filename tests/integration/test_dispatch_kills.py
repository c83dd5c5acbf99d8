"""Workers killed at every boundary of a send, many times over: nobody gets a step twice.

The platform is an HTTP server that takes every message as often as it comes, and counts. In full,
with `OMNI_TEST_LONG=1`, a thousand workers are killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.fernet import Fernet

from omni.base.vault import Vault
from omni.connectors.http import HttpClient
from omni.connectors.synthetic.sender import SyntheticSender
from omni.dispatch import accounts_store
from omni.dispatch.plan import LOST_AFTER, body_hash
from omni.dispatch.reconcile_work import reconcile
from omni.dispatch.rules import message_key
from omni.dispatch.types import Message
from omni.dispatch.work import dispatch
from omni.jobs.types import Progress
from omni.storage.db import Database
from tests.counting_server import Counts, counting_server
from tests.dispatch_fixtures import (
    MINUTE,
    NOW,
    MovingClock,
    add_account,
    add_campaign,
    add_leads,
    rows,
    states,
)

LONG = os.environ.get("OMNI_TEST_LONG") == "1"
KILLS = 1_000 if LONG else 45
KEY = Fernet.generate_key().decode()
ROOT = Path(__file__).parents[2]
ROUND = LOST_AFTER + MINUTE
DUE_IN_A_ROUND = 5

MOMENTS = (
    "before lock_account", "after lock_account", "after pick_message", "before claim_message",
    "after claim_message", "before the question", "after the question", "before hold_person",
    "after lock_claim", "before start_sending", "after start_sending", "before the wire",
    "after the wire", "before record_outcome", "after record_outcome", "after the record",
)  # fmt: skip
"""Every boundary of a send, from before the claim until after the record."""

ADD_STEPS = """
insert into messages (campaign_id, lead_id, profile_id, platform, platform_id, username, step, body,
    body_hash, approved_hash, state, approved_at, eligible_at)
select l.campaign_id, l.id, l.profile_id, l.platform, l.platform_id, l.username, t.step, t.body,
    t.hash, t.hash, 'approved', t.due, t.due
from unnest(:people::text[], :steps::int[], :bodies::text[], :hashes::text[], :dues::timestamptz[])
    as t (person, step, body, hash, due)
join leads l on l.platform_id = t.person
"""

UNSETTLED = "select 1 from messages where state = 'ambiguous' and held_by is null limit 1"


@pytest.fixture
def network() -> Iterator[Counts]:
    with counting_server() as counts:
        yield counts


async def _approve_steps(db: Database, people: int) -> None:
    """Approve two steps for each person; a few fall due in each round."""
    campaign = await add_campaign(db)
    await add_leads(db, campaign, people)
    steps = [(f"p{number}", step) for step in (0, 1) for number in range(1, people + 1)]
    bodies = [f"Hello {person}, step {step}" for person, step in steps]
    await rows(
        db,
        ADD_STEPS,
        people=[person for person, _ in steps],
        steps=[step for _, step in steps],
        bodies=bodies,
        hashes=[
            body_hash("synthetic", person, body)
            for (person, _), body in zip(steps, bodies, strict=True)
        ],
        dues=[NOW + ROUND * (place / DUE_IN_A_ROUND) for place in range(len(steps))],
    )
    for handle in ("a", "b", "c"):
        await add_account(db, handle=handle, hourly=1_000, daily=10_000, secret=None)


@asynccontextmanager
async def _nursery(database_url: str, network_url: str) -> AsyncGenerator[Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.dispatch_nursery", database_url, network_url,
        KEY, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def bear(round_: list[dict[str, Any]]) -> list[int]:
        stdin.write(json.dumps(round_).encode() + b"\n")
        await stdin.drain()
        return json.loads(await asyncio.wait_for(stdout.readline(), 120))

    yield bear
    stdin.close()
    await asyncio.wait_for(process.wait(), 60)


def _spec(rng: Random, now: datetime, wanted: str) -> dict[str, Any]:
    """Return how one worker dies: at a boundary, or at any moment at all."""
    spec: dict[str, Any] = {"now": now.isoformat()}
    if wanted:
        return spec | {"moment": wanted, "nth": rng.choice([1, 1, 2, 3])}
    return spec | {"after_s": rng.uniform(0.01, 0.25)}


@pytest.mark.long
@pytest.mark.timeout(7_200)
async def test_a_thousand_killed_workers_write_to_nobody_twice(
    db: Database, database_url: str, network: Counts
) -> None:
    rng, now, killed = Random(6), NOW, Counter[str]()
    await _approve_steps(db, people=KILLS * 2 + 50)
    async with _nursery(database_url, network.url) as bear:
        for number in range(KILLS * 3):
            if killed.total() >= KILLS and set(killed) >= set(MOMENTS):
                break
            wanted = (*MOMENTS, "")[number % (len(MOMENTS) + 1)]
            other = rng.choice((*MOMENTS, ""))
            statuses = await bear([_spec(rng, now, wanted), _spec(rng, now, other)])
            assert set(statuses) <= {0, -signal.SIGKILL}, statuses
            for moment, status in zip((wanted, other), statuses, strict=True):
                killed[moment] += status == -signal.SIGKILL
            now += ROUND
            await _resume(db, now)
            assert max(network.keys.values(), default=0) <= 1
    assert killed.total() >= KILLS
    assert min(killed[moment] for moment in MOMENTS) > 0, killed
    await _settle(db, network, now + timedelta(days=30), lost=killed.total())
    print(f"{killed.total()} workers killed, {network.keys.total()} messages on the wire: {killed}")


async def _resume(db: Database, now: datetime) -> None:
    """Let accounts go on that were stopped for so many messages in doubt, as a person would."""
    for account in await accounts_store.list_accounts(db):
        if account.status == "paused":
            await accounts_store.resume_account(db, account.id, now=now)


async def _settle(db: Database, network: Counts, now: datetime, *, lost: int) -> None:
    """Let healthy workers end what was left, and hold the ledger against the wire."""
    clock, vault = MovingClock(now), Vault(KEY)

    def report(progress: Progress) -> None:
        assert progress.done > 0

    async with HttpClient(user_agent="omni-tests", loopback=True) as http:
        sender = SyntheticSender(http, network.url)
        senders = {sender.platform: sender}
        for _ in range(100):
            await _resume(db, clock())
            await dispatch(db, senders, vault, clock=clock, report=report)
            clock.advance(timedelta(hours=7))
            left = await states(db)
            if not left.keys() & {"approved", "claimed", "sending"}:
                break
        found = await states(db)
        assert found.keys() == {"sent", "ambiguous"}, found
        assert found["ambiguous"] <= 3 * lost, "a worker has three messages on the wire at most"
        await _check(db, network)
        for _ in range(100):
            await reconcile(db, senders, vault, clock=clock, report=report)
            clock.advance(timedelta(hours=1))
            if not await rows(db, UNSETTLED):
                break
    await _check(db, network)
    doubtful = await _keys(db, "ambiguous")
    assert doubtful
    assert not doubtful & set(network.keys), "what has arrived is found in its thread"


async def _keys(db: Database, state: str) -> set[str]:
    """Return the names of the steps in this state."""
    found = await rows(db, "select * from messages where state = :state", state=state)
    return {
        message_key(Message(**{name: row[name] for name in Message.__slots__})) for row in found
    }


async def _check(db: Database, network: Counts) -> None:
    """What is sent was taken once; what nobody knows of, once at most; nothing else was."""
    assert max(network.keys.values()) == 1
    assert max(network.texts.values()) == 1
    sent, doubtful = await _keys(db, "sent"), await _keys(db, "ambiguous")
    assert sent <= set(network.keys) <= sent | doubtful
