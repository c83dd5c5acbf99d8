"""A message that is for one account says what it waits for, also where another account is free."""

from __future__ import annotations

from datetime import timedelta

from omni.storage.db import Database
from tests.dispatch_fixtures import NOW, CountingSender, MovingClock, add_account, ready, rows, run

STEP_ONE = """
insert into messages (campaign_id, lead_id, profile_id, platform, platform_id, username, step, body,
    body_hash, approved_hash, state, approved_at, eligible_at, bound_account_id)
select campaign_id, lead_id, profile_id, platform, platform_id, username, 1, body, body_hash,
    approved_hash, 'approved', :now, :now, account_id
from messages where state = 'sent' returning id
"""


async def test_a_message_for_an_account_at_its_limit_names_the_limit(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 1)
    await add_account(db, handle="a", hourly=1, daily=1, weekly_limit=1)
    await run(db, sender, clock)
    assert [handle for _, handle, _ in sender.calls] == ["a"]
    await add_account(db, handle="b")
    clock.advance(timedelta(days=2))
    await rows(db, STEP_ONE, now=clock.now)
    report = await run(db, sender, clock)
    assert len(sender.calls) == 1
    (waiting,) = await rows(db, "select held_by from messages where state = 'approved'")
    assert waiting["held_by"] == "weekly limit"
    assert report.next_eligible == NOW + timedelta(days=7)
