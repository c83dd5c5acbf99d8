"""Whoever has answered gets no further step, also where no sweep has read the answer yet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from omni.base.errors import Transient
from omni.campaigns.types import FollowUp
from omni.connectors.types import Credentials, InboxEvent, InboxPage
from omni.dispatch.drafting_work import follow_up
from omni.jobs.types import DispatchMessages, SweepFeedback
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    VAULT,
    CountingSender,
    MovingClock,
    add_account,
    approve_all,
    ready,
    rows,
)
from tests.flow_fixtures import run_step, running_world

HOUR = timedelta(hours=1)


@dataclass
class KeptInbox:
    """Gives each event once, after the cursor; or fails."""

    platform: str = "synthetic"
    events: list[InboxEvent] = field(default_factory=list[InboxEvent])
    polls: int = 0
    down: bool = False

    async def poll(self, owner: Credentials, cursor: str | None) -> InboxPage:
        self.polls += 1
        if self.down:
            raise Transient("the inbox is away")
        after = int(cursor or 0)
        return InboxPage(tuple(self.events[after:]), str(len(self.events)))


async def test_an_answer_that_no_sweep_has_read_stops_the_next_step(
    db: Database, tmp_path: Path, database_url: str, valkey_url: str
) -> None:
    clock, inbox = MovingClock(), KeptInbox()
    sender = CountingSender(clock)
    await add_account(db, hourly=100, daily=100)
    campaign = replace(await ready(db, 3), follow_ups=(FollowUp(1, "Once more, {{ name }}"),))
    parts = {
        "db": db, "senders": {sender.platform: sender}, "inboxes": {inbox.platform: inbox},
        "vault": VAULT, "clock": clock,
    }  # fmt: skip
    async with running_world(tmp_path, database_url, valkey_url, **parts) as world:
        await run_step(world, DispatchMessages())
        assert (len(sender.calls), inbox.polls) == (3, 0), "nobody can have answered before"
        await run_step(world, SweepFeedback())
        clock.advance(30 * HOUR)
        assert (await follow_up(db, campaign, now=clock())).drafted == 3
        await approve_all(db, campaign, clock())
        inbox.events.append(InboxEvent("e1", "replied", "p2", "Hmm", clock() - HOUR))

        inbox.down = True
        done = await run_step(world, DispatchMessages())
        (next_run,) = done.follow_ups
        assert next_run.run_at is not None
        assert clock() < next_run.run_at - timedelta(minutes=5) < clock() + timedelta(minutes=1)
        assert len(sender.calls) == 3, "who may have answered is not written to"
        held = await rows(
            db, "select held_by, error, eligible_at from messages where state = 'approved'"
        )
        assert {row["held_by"] for row in held} == {"platform unavailable"}
        assert all("the inbox is away" in row["error"] for row in held)
        assert {row["eligible_at"] for row in held} == {clock() + timedelta(minutes=5)}

        inbox.down = False
        clock.advance(timedelta(minutes=5))
        await run_step(world, DispatchMessages())
        assert sender.people[3:] == ["p1", "p3"]
        (answered,) = await rows(
            db, "select state, error from messages where platform_id = 'p2' and step = 1"
        )
        assert (answered["state"], answered["error"]) == ("cancelled", "has replied")

        polls = inbox.polls
        await rows(
            db,
            "update messages set state = 'approved', sent_at = null, charged_at = null,"
            " eligible_at = approved_at where step = 1 and platform_id = 'p1' returning 1",
        )
        await run_step(world, DispatchMessages())
        assert inbox.polls == polls, "it was read a moment ago"
