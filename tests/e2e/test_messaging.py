"""Sending and stopping on the platforms' own servers: written to, answered, opted out, left alone.

The senders are the product's, and so are the steps of its jobs; between them and each server stands
a proxy that says 429, loses answers, and lets tokens run out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from omni.base.clock import utc_now
from omni.campaigns.types import Campaign
from omni.dispatch.accounts_store import list_accounts, resume_account
from omni.dispatch.drafting_work import draft
from omni.flow.world import World
from omni.jobs.types import DispatchMessages, JobArgs, ReconcileMessages, SweepFeedback
from omni.storage.db import Database
from tests.conformance.bluesky_messenger import bluesky
from tests.conformance.mastodon_messenger import mastodon
from tests.conformance.matrix_messenger import matrix
from tests.conformance.messenger_case import MakeCase, MessengerCase
from tests.dispatch_fixtures import VAULT, add_account, add_campaign, add_leads, approve_all, rows
from tests.flow_fixtures import run_step, running_world

PLATFORMS = [
    pytest.param(
        bluesky, id="bluesky", marks=[pytest.mark.node, pytest.mark.xdist_group("atproto")]
    ),
    pytest.param(mastodon, id="mastodon", marks=pytest.mark.xdist_group("mastodon")),
    pytest.param(matrix, id="matrix", marks=pytest.mark.xdist_group("matrix")),
]


@pytest.fixture(params=PLATFORMS)
async def case(request: pytest.FixtureRequest) -> AsyncIterator[MessengerCase]:
    make: MakeCase = request.param
    async with make(request) as made:
        yield made


@pytest.fixture
async def world(
    case: MessengerCase, tmp_path: Path, database_url: str, valkey_url: str, db: Database
) -> AsyncIterator[World]:
    platform = case.sender.platform
    assert case.inbox is not None
    parts = {
        "senders": {platform: case.sender}, "inboxes": {platform: case.inbox}, "vault": VAULT,
    }  # fmt: skip
    async with running_world(tmp_path, database_url, valkey_url, **parts) as built:
        assert case.me.secret is not None
        await add_account(
            db, platform=platform, handle=case.me.handle, secret=case.me.secret.encode(), hourly=50
        )
        yield built


async def approved(db: Database, case: MessengerCase, people: list[str], name: str) -> Campaign:
    """Write a campaign with an approved message to each of these people."""
    campaign = await add_campaign(db, name=name, template=f"Hello {case.nonce} of {name}!")
    platform = case.sender.platform
    await add_leads(db, campaign, len(people), platform=platform, prefix=f"{name}-")
    for number, person in enumerate(people, 1):
        await rows(
            db,
            "update leads set platform_id = :person where platform_id = :known returning 1",
            person=person,
            known=f"{name}-{number}",
        )
    await draft(db, campaign, now=utc_now())
    await approve_all(db, campaign, utc_now())
    return campaign


async def step(world: World, db: Database, args: JobArgs) -> None:
    """Run a job's step when everything is due again."""
    await asyncio.sleep(0.3)  # as long as a server that said 429 wants to be left alone
    await rows(
        db,
        "update messages set eligible_at = now(), look_at = null"
        " where state in ('approved', 'ambiguous') returning 1",
    )
    await run_step(world, args)


async def state_of(db: Database, person: str) -> tuple[str, str | None]:
    """Return the state of somebody's first message, and the gate that holds it."""
    found = await rows(
        db,
        "select state, held_by from messages where platform_id = :person order by id limit 1",
        person=person,
    )
    return found[0]["state"], found[0]["held_by"]


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is there, for platforms show things late."""
    for _ in range(100):
        if await found():
            return
        await asyncio.sleep(0.2)
    raise AssertionError("it did not come")


async def test_people_are_written_to_answer_and_are_left_alone(
    case: MessengerCase, world: World, db: Database
) -> None:
    friendly, annoyed, closed = case.people[0], case.people[1], case.closed
    await approved(db, case, [friendly, annoyed, closed], "first")

    case.fail_next("rate limit")
    await step(world, db, DispatchMessages())
    assert (await state_of(db, friendly)) == ("approved", "platform unavailable")
    assert not await case.texts(friendly), "who was in the middle of a 429 waits"
    await step(world, db, DispatchMessages())
    assert await case.texts(friendly) == [f"Hello {case.nonce} of first!"]
    assert await case.texts(annoyed) == [f"Hello {case.nonce} of first!"]
    assert (await state_of(db, friendly))[0] == (await state_of(db, annoyed))[0] == "sent"
    assert await state_of(db, closed) == ("approved", "recipient")
    assert await case.taken(closed) == 0

    await case.reply(friendly, "Yes, tell me more")
    await case.reply(annoyed, "Stop writing to me")

    async def read() -> bool:
        await step(world, db, SweepFeedback())
        found = await rows(
            db,
            "select kind from feedback_events where body is not null and platform_id in (:a, :b)",
            a=friendly,
            b=annoyed,
        )
        return len(found) >= 2

    await until(read)
    suppressed = {row["platform_id"] for row in await rows(db, "select * from suppressions")}
    assert annoyed in suppressed
    assert suppressed <= {annoyed, closed}, "who has left a room on Matrix is, as well"
    leads = await rows(db, "select platform_id from leads where state = 'replied' order by id")
    assert {lead["platform_id"] for lead in leads} == {friendly, annoyed}

    await approved(db, case, [annoyed, friendly], "second")
    await step(world, db, DispatchMessages())
    assert len(await case.texts(friendly)) == len(await case.texts(annoyed)) == 1


async def test_a_lost_answer_is_found_in_the_thread_and_nothing_is_sent_again(
    case: MessengerCase, world: World, db: Database
) -> None:
    person = case.people[2]
    await approved(db, case, [person], "first")
    case.fail_next("lost answer")
    await step(world, db, DispatchMessages())
    assert (await state_of(db, person))[0] == "ambiguous"
    await step(world, db, DispatchMessages())

    async def found() -> bool:
        await step(world, db, ReconcileMessages())
        return (await state_of(db, person))[0] == "sent"

    await until(found)
    await step(world, db, DispatchMessages())
    assert await case.texts(person) == [f"Hello {case.nonce} of first!"]
    assert await case.taken(person) == 1


async def test_a_token_that_runs_out_in_the_middle_sends_nothing_twice(
    case: MessengerCase, world: World, db: Database
) -> None:
    person = case.people[3]
    await approved(db, case, [person], "first")
    case.fail_next("stale token")
    await step(world, db, DispatchMessages())
    state, gate = await state_of(db, person)
    assert state == "approved"
    assert gate in ("platform unavailable", "account credentials")
    assert await case.taken(person) == 0
    (account,) = await list_accounts(db)
    if account.status == "paused":
        await step(world, db, DispatchMessages())
        assert await case.taken(person) == 0, "until a person has entered another token"
        await resume_account(db, account.id, now=utc_now())
    await step(world, db, DispatchMessages())
    assert (await state_of(db, person))[0] == "sent"
    assert await case.taken(person) == 1
