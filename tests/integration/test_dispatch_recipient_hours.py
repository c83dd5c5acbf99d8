"""Nobody is written to at night where they are, and nobody's night keeps others waiting."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from omni.dispatch import accounts_store
from omni.dispatch.drafting_work import draft
from omni.dispatch.held import why_held
from omni.dispatch.held_store import count_waiting
from omni.dispatch.types import Pacing
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    NOW,
    CountingSender,
    MovingClock,
    add_account,
    add_campaign,
    add_leads,
    approve_all,
    live_in,
    ready,
    rows,
    run,
    watched,
)

HOUR = timedelta(hours=1)
NIGHT: dict[str, Any] = {"quiet_from": 20 * 60, "quiet_to": 8 * 60}
"""At `NOW`, noon in UTC, it is nine in the evening in Tokyo, and midday in Berlin."""


async def place(db: Database, country: str, *people: str, city: str | None = None) -> None:
    await live_in(db, dict.fromkeys(people, country), city=city)


async def held(db: Database) -> dict[str, tuple[str, datetime]]:
    found = await rows(db, "select * from messages where held_by is not null order by id")
    return {row["platform_id"]: (row["held_by"], row["eligible_at"]) for row in found}


async def test_a_night_holds_its_own_person_and_goes_on_when_it_is_over(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    campaign = await ready(db, 4)
    await place(db, "JP", "p1", "p2")
    await place(db, "DE", "p3")
    await add_account(db, **NIGHT)
    report = await run(db, sender, clock)
    # Those behind them in the queue go, the one of whom nothing is known by the account's clock.
    assert sender.people == ["p3", "p4"]
    morning = datetime.fromisoformat("2026-03-02T08:00+00:00")  # 17:00 in Tokyo
    assert await held(db) == dict.fromkeys(("p1", "p2"), ("quiet hours where they are", morning))
    assert report.next_eligible == morning
    (why,) = why_held(
        await count_waiting(db, campaign.id, clock()), [], frozenset({"synthetic"}),
        campaign_active=True, now=clock(),
    )  # fmt: skip
    assert (why.gate, why.messages, why.next_eligible) == (
        "quiet hours where they are", 2, morning,
    )  # fmt: skip
    clock.now = morning - timedelta(seconds=1)
    assert (await run(db, sender, clock)).sent == 0
    clock.now = morning
    assert (await run(db, sender, clock)).sent == 2


async def test_a_person_who_may_be_in_several_zones_waits_for_the_last_of_them(
    db: Database,
) -> None:
    clock = MovingClock(NOW + timedelta(hours=2))  # nine in New York, four in Honolulu
    sender = CountingSender(clock)
    await ready(db, 2)
    await place(db, "US", "p1")
    await place(db, "US", "p2", city="New York")
    await add_account(db, **NIGHT)
    await run(db, sender, clock)
    assert sender.people == ["p2"]
    assert await held(db) == {
        "p1": ("quiet hours where they are", datetime.fromisoformat("2026-03-01T18:00+00:00"))
    }


async def test_the_last_gate_asks_again_where_they_are(db: Database, database_url: str) -> None:
    clock = MovingClock()
    await ready(db, 1)
    account = await add_account(db, **NIGHT)

    async def move(moment: str) -> None:
        if moment == "before hold_person":
            await place(db, "JP", "p1")

    async with watched(database_url, move) as slow:
        sender = CountingSender(clock)
        assert (await run(slow, sender, clock)).sent == 0
    ((gate, _),) = (await held(db)).values()
    assert (gate, sender.calls) == ("quiet hours where they are", [])
    # It has cost the account nothing; without quiet hours there are none for anybody.
    assert await rows(db, "select id from messages where charged_at is not null") == []
    await accounts_store.set_pacing(db, account.id, Pacing(), now=clock())
    assert (await run(db, sender, clock)).sent == 1


async def test_where_no_hour_suits_both_it_is_said_until_something_is_changed(
    db: Database,
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    campaign = await ready(db, 1)
    await place(db, "JP", "p1")
    office: dict[str, Any] = {"zone": "America/New_York", "quiet_from": 1_020, "quiet_to": 540}
    clock.advance(4 * HOUR)
    account = await add_account(db, **office)
    assert (await run(db, sender, clock)).next_eligible is not None
    assert {gate for gate, _ in (await held(db)).values()} == {"no hour suits both"}
    (why,) = why_held(
        await count_waiting(db, campaign.id, clock()), [], frozenset({"synthetic"}),
        campaign_active=True, now=clock(),
    )  # fmt: skip
    assert (why.gate, why.next_eligible) == ("no hour suits both", None)
    longer = Pacing(zone="America/New_York", quiet_from=1_320, quiet_to=540)
    await accounts_store.set_pacing(db, account.id, longer, now=clock())
    await run(db, sender, clock)
    assert {gate for gate, _ in (await held(db)).values()} == {"quiet hours where they are"}
    assert sender.calls == []


@pytest.mark.parametrize("first", ["strict", "free"])
async def test_what_one_account_must_not_send_now_another_one_sends(
    db: Database, first: str
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 5)
    await place(db, "JP", "p1", "p2", "p3")
    accounts: dict[str, dict[str, Any]] = {"strict": NIGHT, "free": {}}
    for handle in sorted(accounts, key=lambda each: each != first):
        await add_account(db, handle=handle, **accounts[handle])
    await run(db, sender, clock)
    assert sorted(sender.people) == ["p1", "p2", "p3", "p4", "p5"]
    theirs = {out.platform_id: handle for _, handle, out in sender.calls}
    assert {theirs[person] for person in ("p1", "p2", "p3")} == {"free"}


async def test_a_whole_queue_of_people_who_sleep_keeps_nobody_waiting(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    campaign = await add_campaign(db)
    await add_leads(db, campaign, 320)
    await place(db, "JP", *(f"p{n}" for n in range(1, 301)))
    await draft(db, campaign, now=NOW)
    await approve_all(db, campaign)
    await add_account(db, hourly=20, daily=20, **NIGHT)
    assert (await run(db, sender, clock)).sent == 20
    assert set(sender.people) == {f"p{n}" for n in range(301, 321)}
    assert len(await held(db)) == 300
    # They are not looked at again before it is morning: a run finds nothing to do.
    clock.advance(3 * HOUR)
    assert (
        await rows(
            db,
            "select id from messages where state = 'approved' and eligible_at <= :now",
            now=clock(),
        )
        == []
    )
