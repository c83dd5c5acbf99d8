"""What the recipient's own setting says right before the wire, as the platform tells it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from omni.base.errors import Rejected, Transient, Unauthorized
from omni.connectors.types import Credentials
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    CountingSender,
    MovingClock,
    add_account,
    ready,
    rows,
    run,
    states,
)


@dataclass
class AskedSender(CountingSender):
    """Answers the question whether somebody may be written to as it is told."""

    asked: list[str] = field(default_factory=list[str])
    on_asking: Callable[[str], Awaitable[None]] | None = None

    async def refusal(self, sender: Credentials, platform_id: str) -> str | None:
        """Note whom it was asked about."""
        self.asked.append(platform_id)
        if self.on_asking is not None:
            await self.on_asking(platform_id)
        return await super().refusal(sender, platform_id)


async def test_who_refuses_is_not_written_to_and_costs_nothing(db: Database) -> None:
    clock = MovingClock()
    sender = AskedSender(clock, refusals={"p1": "this person does not accept messages"})
    await add_account(db, hourly=2)
    await ready(db, 3)
    report = await run(db, sender, clock)
    assert sender.people == ["p2", "p3"]
    assert report.held == {"recipient": 1}
    (held,) = await rows(
        db,
        "select state, held_by, error, account_id, charged_at, eligible_at from messages"
        " where platform_id = 'p1'",
    )
    assert held["state"] == "approved"
    assert held["error"] == "this person does not accept messages"
    assert held["account_id"] is held["charged_at"] is None
    sender.refusals.clear()
    clock.advance(timedelta(hours=25))
    await run(db, sender, clock)
    assert sender.people[-1] == "p1"


@pytest.mark.parametrize(
    ("fault", "gate"),
    [
        (Transient("away", retry_after=600), "platform unavailable"),
        (KeyError("odd"), "platform unavailable"),
        (Unauthorized("who?"), "account credentials"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_who_cannot_be_asked_about_is_not_written_to(
    db: Database, fault: Exception, gate: str
) -> None:
    async def fails(person: str) -> None:
        raise fault

    clock = MovingClock()
    sender = AskedSender(clock, on_asking=fails)
    await add_account(db)
    await ready(db, 2)
    await run(db, sender, clock)
    assert sender.calls == []
    assert len(sender.asked) == 1, "an account that cannot ask does not go on asking"
    assert await states(db) == {"approved": 2}
    held = await rows(db, "select held_by from messages where error is not null")
    assert held == [{"held_by": gate}]


async def test_a_question_that_makes_no_sense_holds_that_message_alone(db: Database) -> None:
    async def fails(person: str) -> None:
        if person == "p1":
            raise Rejected("no such person")

    clock = MovingClock()
    sender = AskedSender(clock, on_asking=fails)
    await add_account(db)
    await ready(db, 2)
    await run(db, sender, clock)
    assert sender.people == ["p2"]


async def test_an_opt_out_that_comes_while_the_platform_is_asked_still_holds(db: Database) -> None:
    async def opts_out(person: str) -> None:
        await rows(
            db,
            "insert into suppressions (platform, platform_id, reason, source)"
            " values ('synthetic', 'p1', 'asked', 'test') returning id",
        )

    clock = MovingClock()
    sender = AskedSender(clock, on_asking=opts_out)
    await add_account(db)
    await ready(db, 1)
    report = await run(db, sender, clock)
    assert sender.calls == []
    assert report.held == {"suppressed": 1}
