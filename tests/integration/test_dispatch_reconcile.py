"""What becomes of messages that were perhaps sent: looked for, found or left to a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from omni.base.errors import Ambiguous, CannotTell, Conflict, Rejected, Transient, Unauthorized
from omni.connectors.types import Credentials, Outgoing, Receipt
from omni.dispatch import store
from omni.dispatch.reconcile_work import reconcile
from omni.dispatch.types import ReconcileReport
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    NOW,
    VAULT,
    CountingSender,
    MovingClock,
    add_account,
    ready,
    rows,
    run,
)

ROW = "select state, error, held_by, platform_message_id, sent_at, looks from messages"


@dataclass
class DoubtfulSender(CountingSender):
    """Never says whether it took a message; reads threads back as it is told."""

    reads: list[tuple[str, datetime]] = field(default_factory=list[tuple[str, datetime]])
    fault: Exception | None = None

    async def find_sent(
        self, sender: Credentials, message: Outgoing, since: datetime
    ) -> Receipt | None:
        """Note what was looked for."""
        assert sender.secret == "token"
        self.reads.append((message.key, since))
        if self.fault is not None:
            raise self.fault
        return self.thread.get(message.platform_id)


def _doubt(message: Outgoing) -> None:
    raise Ambiguous("perhaps taken: a time-out")


async def in_doubt(db: Database, clock: MovingClock, count: int = 1) -> DoubtfulSender:
    """Let messages go to the wire whose fate nobody knows."""
    sender = DoubtfulSender(clock, answer=_doubt)
    await add_account(db)
    await ready(db, count)
    await run(db, sender, clock)
    assert len(sender.calls) == count
    return sender


async def look(
    db: Database, sender: CountingSender, clock: Callable[[], datetime]
) -> ReconcileReport:
    senders = {sender.platform: sender}
    return await reconcile(db, senders, VAULT, clock=clock, report=lambda _: None)


async def test_what_the_thread_shows_was_sent_then(db: Database) -> None:
    clock = MovingClock()
    sender = await in_doubt(db, clock)
    at = NOW + timedelta(seconds=3)
    sender.thread["p1"] = Receipt("there-1", at)
    clock.advance(timedelta(minutes=1))
    assert await look(db, sender, clock) == ReconcileReport(1, 0, 0)
    (row,) = await rows(db, ROW)
    assert row == {
        "state": "sent", "error": None, "held_by": None, "platform_message_id": "there-1",
        "sent_at": at, "looks": 0,
    }  # fmt: skip
    ((key, since),) = sender.reads
    assert key == sender.calls[0][2].key
    assert since == NOW
    report = await run(db, sender, clock)
    assert len(report.contacted_lead_ids) == 1, "the lead is marked as one that was written to"
    assert len(sender.calls) == 1


async def test_what_the_thread_does_not_show_goes_to_a_person_and_is_never_resent(
    db: Database,
) -> None:
    clock = MovingClock()
    sender = await in_doubt(db, clock)
    for minutes, report in ((0, (0, 1, 0)), (5, (0, 0, 0)), (6, (0, 1, 0)), (60, (0, 0, 1))):
        clock.advance(timedelta(minutes=minutes))
        assert await look(db, sender, clock) == ReconcileReport(*report)
    clock.advance(timedelta(days=3))
    assert await look(db, sender, clock) == ReconcileReport(0, 0, 0)
    await run(db, sender, clock)
    assert len(sender.reads) == 3
    assert len(sender.calls) == 1
    (row,) = await rows(db, ROW)
    assert (row["state"], row["held_by"], row["looks"]) == ("ambiguous", "a person", 3)
    assert "perhaps taken: a time-out" in row["error"]
    assert "looked for 3 times" in row["error"]


async def test_a_platform_without_threads_leaves_it_to_a_person_at_once(db: Database) -> None:
    clock = MovingClock()
    sender = await in_doubt(db, clock)
    sender.fault = CannotTell("a webhook has no thread")
    assert await look(db, sender, clock) == ReconcileReport(0, 0, 1)
    (row,) = await rows(db, ROW)
    assert (row["state"], row["held_by"]) == ("ambiguous", "a person")
    assert "a webhook has no thread" in row["error"]


async def test_a_platform_that_is_gone_leaves_it_to_a_person(db: Database) -> None:
    clock = MovingClock()
    await in_doubt(db, clock)
    other = CountingSender(clock, platform="elsewhere")
    assert await look(db, other, clock) == ReconcileReport(0, 0, 1)


@pytest.mark.parametrize(
    "fault",
    [Transient("away"), Unauthorized("who?"), Rejected("odd"), KeyError("id")],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_thread_that_cannot_be_read_says_nothing(db: Database, fault: Exception) -> None:
    clock = MovingClock()
    sender = await in_doubt(db, clock, 2)
    sender.fault = fault
    assert (await look(db, sender, clock)).later == 2
    assert len(sender.reads) <= 2
    (row, _) = await rows(db, ROW)
    assert row["looks"] == 0
    sender.fault = None
    sender.thread["p1"] = sender.thread["p2"] = Receipt("there", NOW)
    clock.advance(timedelta(hours=2))
    assert (await look(db, sender, clock)).found == 2


async def test_a_thread_that_cannot_be_read_for_a_day_goes_to_a_person(db: Database) -> None:
    clock = MovingClock()
    sender = await in_doubt(db, clock)
    sender.fault = Transient("away")
    assert (await look(db, sender, clock)).later == 1
    clock.advance(timedelta(hours=25))
    assert (await look(db, sender, clock)).to_person == 1
    (row,) = await rows(db, ROW)
    assert "could not be read for a day: away" in row["error"]


async def test_what_a_person_says_meanwhile_stands(db: Database) -> None:
    clock = MovingClock()
    sender = await in_doubt(db, clock)
    (doubted,) = await rows(db, "select id from messages")

    class Slow(DoubtfulSender):
        async def find_sent(
            self, sender: Credentials, message: Outgoing, since: datetime
        ) -> Receipt | None:
            await store.settle(db, doubted["id"], arrived=False, now=NOW)
            return Receipt("there", NOW)

    slow = Slow(clock)
    assert await look(db, slow, clock) == ReconcileReport(0, 0, 0)
    (row,) = await rows(db, ROW)
    assert (row["state"], row["error"]) == ("failed", "did not arrive, says a person")
    with pytest.raises(Conflict):
        await store.settle(db, doubted["id"], arrived=True, now=NOW)
    assert len(sender.calls) == 1
