"""Who has written to us, first or in answer, gets no message that nobody wrote for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from omni.dispatch import drafts_store
from omni.dispatch.drafting_types import Draft, Recipient, Undrafted
from omni.dispatch.drafting_work import draft
from omni.dispatch.plan import CONVERSATION, OPEN_STATES
from omni.dispatch.rules import body_hash
from omni.dispatch.types import Gate
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    NOW,
    CountingSender,
    MovingClock,
    add_account,
    add_campaign,
    add_leads,
    approve_all,
    ready,
    rows,
    run,
    states,
    watched,
)
from tests.integration.test_inbox import LATER, told


async def test_who_wrote_to_us_first_gets_no_cold_message_from_any_campaign(db: Database) -> None:
    account, clock = await add_account(db), MovingClock(LATER)
    campaign = await add_campaign(db)
    await add_leads(db, campaign, 3)
    # An automatic answer is nobody who writes to us.
    await told(db, account, "I am on vacation until Monday", who="p3", name="o")
    await told(db, account, "Hello, is this you?", who="p1", name="first")
    assert (await draft(db, campaign, now=LATER)).drafted == 2
    await approve_all(db, campaign, LATER)
    talked_with = await drafts_store.count_in_conversation(
        db, campaign.id, open_states=OPEN_STATES, conversation_since=LATER - CONVERSATION
    )
    open_to_it = await drafts_store.count_recipients(
        db, campaign.id, open_states=OPEN_STATES, conversation_since=LATER - CONVERSATION
    )
    assert (talked_with, open_to_it) == (1, {})
    # Approved to somebody who has written meanwhile, by whatever way: the last gate names it.
    await rows(db, "insert into correspondents values ('synthetic', 'p2', :now)", now=LATER)
    sender = CountingSender(clock)
    assert (await run(db, sender, clock)).sent == 1
    assert sender.people == ["p3"]
    held = await rows(db, "select platform_id, held_by from messages where held_by is not null")
    assert held == [{"platform_id": "p2", "held_by": Gate.CONVERSATION}]


async def test_who_writes_between_claim_and_wire_gets_nothing(
    db: Database, database_url: str
) -> None:
    account, clock = await add_account(db), MovingClock(LATER)
    await ready(db, 1)

    async def write_first(moment: str) -> None:
        if moment == "before hold_person":
            await told(db, account, "Hello, is this you?", who="p1", name="first")

    async with watched(database_url, write_first) as slow:
        sender = CountingSender(clock)
        assert (await run(slow, sender, clock)).sent == 0
    assert (sender.people, await states(db)) == ([], {"cancelled": 1})


async def test_who_writes_while_a_text_is_written_gets_no_draft(db: Database) -> None:
    account = await add_account(db)
    campaign = await add_campaign(db)
    await add_leads(db, campaign, 2)

    async def write(people: Sequence[Recipient], step: int) -> AsyncIterator[Draft | Undrafted]:
        await told(db, account, "Hello, is this you?", who="p1", name="first")
        for person in people:
            yield Draft(person, "Hi", body_hash(person.platform, person.platform_id, "Hi"))

    by_model = replace(campaign, writer="model")
    assert (await draft(db, by_model, now=NOW, write=write)).drafted == 1
    assert [row["platform_id"] for row in await rows(db, "select * from messages")] == ["p2"]
