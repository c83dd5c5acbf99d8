"""Follow-ups come after their delay, to those who have said nothing; autopilots keep their cap."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from omni.base.errors import Conflict
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign, FollowUp
from omni.dispatch import drafts_store, store
from omni.dispatch.drafting_plan import TOO_LATE
from omni.dispatch.drafting_work import approve_by_autopilot, draft, follow_up
from omni.leads import store as leads
from omni.leads import suppressions_store as suppressions
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

DAY = timedelta(days=1)
FOLLOW_UPS = (FollowUp(48, "{{ name }}, did you see this?"), FollowUp(72, "Last one, {{ name }}."))


async def _sent(db: Database, count: int) -> tuple[Campaign, MovingClock, CountingSender]:
    """A campaign with follow-ups, whose first messages have all been sent."""
    clock = MovingClock()
    sender = CountingSender(clock)
    await add_account(db, hourly=100, daily=1_000)
    campaign = await ready(db, count)
    campaign = await campaigns.update(db, campaign.id, now=NOW, follow_ups=FOLLOW_UPS)
    await run(db, sender, clock)
    assert len(sender.calls) == count
    return campaign, clock, sender


async def test_each_step_waits_for_the_one_before_it_to_be_sent(db: Database) -> None:
    campaign, clock, sender = await _sent(db, 2)
    clock.advance(timedelta(hours=47))
    assert (await follow_up(db, campaign, now=clock())).drafted == 0
    clock.advance(timedelta(hours=1))
    reports = await asyncio.gather(*(follow_up(db, campaign, now=clock()) for _ in range(3)))
    assert sum(report.drafted for report in reports) == 2
    assert (await states(db))["pending"] == 2
    clock.advance(10 * DAY)
    assert (await follow_up(db, campaign, now=clock())).drafted == 0
    await approve_all(db, campaign, clock())
    await run(db, sender, clock)
    clock.advance(3 * DAY)
    assert (await follow_up(db, campaign, now=clock())).drafted == 2
    bodies = [message.text for _, _, message in sender.calls]
    assert bodies[2:] == ["P1, did you see this?", "P2, did you see this?"]


@pytest.mark.parametrize("what", ["replied", "rejected", "suppressed", "hides", "pause", "late"])
async def test_nobody_is_followed_up_who_has_spoken_or_must_be_left_alone(
    db: Database, what: str
) -> None:
    campaign, clock, _ = await _sent(db, 2)
    (lead_id,) = [r["id"] for r in await rows(db, "select id from leads where platform_id = 'p1'")]
    clock.advance(2 * DAY)
    if what == "replied":
        other = await add_campaign(db, name="Another")
        (there,) = await add_leads(db, other, 1)
        await leads.mark_replied(db, [there], now=clock())
    elif what == "rejected":
        await leads.decide(db, lead_id, accepted=False, now=clock())
    elif what == "suppressed":
        await suppressions.suppress(
            db, platform="synthetic", platform_id="p1", reason="r", source="s", now=clock()
        )
    elif what == "hides":
        await rows(
            db, "update profile_features set accepts_messages = false where username = 'user-p1'"
        )
    elif what == "pause":
        campaign = replace(campaign, status="paused")
    else:
        clock.advance(TOO_LATE)
    expected = [] if what in ("pause", "late") else ["p2"]
    await follow_up(db, campaign, now=clock())
    found = await rows(db, "select platform_id from messages where step = 1")
    assert [row["platform_id"] for row in found] == expected


async def test_who_opts_out_while_the_text_is_written_gets_none(
    db: Database, database_url: str
) -> None:
    campaign, clock, _ = await _sent(db, 2)
    clock.advance(2 * DAY)

    async def hook(moment: str) -> None:
        if moment == "before insert_drafts":
            await suppressions.suppress(
                db, platform="synthetic", platform_id="p1", reason="r", source="s", now=clock()
            )

    async with watched(database_url, hook) as other:
        assert (await follow_up(other, campaign, now=clock())).drafted == 1


async def test_nobody_approves_a_message_to_the_suppressed(db: Database) -> None:
    campaign = await add_campaign(db)
    await add_leads(db, campaign, 1)
    await draft(db, campaign, now=NOW)
    await suppressions.suppress(
        db, platform="synthetic", platform_id="p1", reason="r", source="s", now=NOW
    )
    (message,) = await store.list_messages(db, campaign_id=campaign.id)
    with pytest.raises(Conflict, match="must not be written to"):
        await store.approve(db, message.id, body_hash=message.body_hash, now=NOW)


async def _autopilot(db: Database, count: int, cap: int) -> Campaign:
    campaign = await add_campaign(db)
    await add_leads(db, campaign, count)
    await draft(db, campaign, now=NOW)
    return await campaigns.set_autopilot(db, campaign.id, cap, now=NOW)


async def test_an_autopilot_keeps_its_cap_however_many_ask(db: Database) -> None:
    campaign = await _autopilot(db, 8, 3)
    approved = await asyncio.gather(
        *(approve_by_autopilot(db, campaign, now=NOW) for _ in range(4))
    )
    assert sum(approved) == 3
    marks = await rows(db, "select approved_by, approved_at from messages where state = 'approved'")
    assert [(row["approved_by"], row["approved_at"]) for row in marks] == [("autopilot", NOW)] * 3


async def test_no_more_than_the_cap_go_out_by_autopilot_in_any_day(db: Database) -> None:
    campaign = await _autopilot(db, 12, 3)
    clock = MovingClock()
    sender = CountingSender(clock)
    await add_account(db, hourly=100, daily=1_000)
    sent: list[datetime] = []
    for hours in (0, 5, 11, 23, 24, 26, 40, 47, 49, 60, 72):
        clock.now = NOW + timedelta(hours=hours)
        await approve_by_autopilot(db, campaign, now=clock())
        if hours not in (5, 24, 47):  # the account is away now and then
            await run(db, sender, clock)
        sent = [at for at, _, _ in sender.calls]
        assert all(sum(end - DAY < at <= end for at in sent) <= 3 for end in sent)
    assert len(sent) >= 8


async def test_people_who_take_no_messages_use_up_nothing_of_an_autopilots_cap(
    db: Database,
) -> None:
    campaign = await _autopilot(db, 6, 2)
    clock = MovingClock()
    refusals = dict.fromkeys(["p1", "p2", "p3"], "this person does not accept messages")
    sender = CountingSender(clock, refusals=refusals)
    await add_account(db, hourly=100, daily=1_000)
    for _ in range(4):
        clock.advance(timedelta(minutes=15))
        await approve_by_autopilot(db, campaign, now=clock())
        await run(db, sender, clock)
    assert len(sender.calls) == 2, "its cap, whoever refused before"
    await approve_by_autopilot(db, campaign, now=clock())
    refused = await rows(
        db, "select state, held_by, error from messages where error is not null order by id"
    )
    assert {tuple(row.values()) for row in refused} == {
        ("pending", "approval", "this person does not accept messages")
    }
    asked = len(refused)
    sender.refusals.clear()
    clock.advance(timedelta(hours=25))
    await approve_by_autopilot(db, campaign, now=clock())
    await run(db, sender, clock)
    assert len(sender.calls) == 4
    assert asked > 0
    assert {"p1", "p2"} & set(sender.people), "they are tried again a day later"


async def test_an_autopilot_leaves_to_people_what_they_have_touched(db: Database) -> None:
    campaign = await _autopilot(db, 3, 10)
    one, two, _ = await store.list_messages(db, campaign_id=campaign.id)
    await store.edit(db, one.id, body="In my own words", now=NOW)
    await store.reject(db, two.id, now=NOW)
    assert await approve_by_autopilot(db, campaign, now=NOW) == 1
    edited = await store.get_message(db, one.id)
    assert (edited.state, edited.writer, edited.edited_at) == ("pending", "person", NOW)


async def test_an_autopilot_that_is_turned_off_takes_its_approvals_back(db: Database) -> None:
    campaign = await _autopilot(db, 3, 10)
    (by_hand, *_) = await store.list_messages(db, campaign_id=campaign.id)
    await store.approve(db, by_hand.id, body_hash=by_hand.body_hash, now=NOW)
    assert await approve_by_autopilot(db, campaign, now=NOW) == 2
    async with db.transaction() as tx:
        off = await campaigns.set_autopilot(tx, campaign.id, None, now=NOW)
        assert await drafts_store.void_autopilot(tx, campaign.id, now=NOW) == 2
    assert await approve_by_autopilot(db, off, now=NOW) == 0
    assert await states(db) == {"pending": 2, "approved": 1}
    # A job that read the campaign before must not approve after.
    assert await approve_by_autopilot(db, campaign, now=NOW) == 0
