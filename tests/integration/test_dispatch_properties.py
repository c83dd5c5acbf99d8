"""Random schedules, workers, crashes and changes of mind on a real Postgres, by a virtual clock.

What reached the wire is held against the same invariants as a simulation (`flow.simulation`).
Workers run at once on connections of their own and die at random queries; between and during their
runs people opt out, answer, edit, pause and resume, and the clock is set back.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omni.base.errors import Ambiguous, Conflict, Rejected, Transient
from omni.connectors.types import Credentials, InboxEvent, Outgoing, Receipt
from omni.dispatch import accounts_store, store
from omni.dispatch.drafting_work import draft
from omni.dispatch.pacing import limits_of
from omni.dispatch.rules import message_key
from omni.dispatch.types import DispatchReport, Message
from omni.feedback import store as feedback_store
from omni.feedback.plan import consequences
from omni.flow.simulation.checks import check_all
from omni.flow.simulation.run import COUNTRIES
from omni.flow.simulation.types import Call, Pause, Scenario, Sender, Simulated, Taken, Trace
from omni.leads import store as leads
from omni.leads import suppressions_store
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    MINUTE,
    NOW,
    CountingSender,
    add_account,
    add_campaign,
    add_leads,
    approve_all,
    live_in,
    rows,
    run,
    watched,
)

EXAMPLES = 150 if os.environ.get("OMNI_TEST_LONG") == "1" else 6
PEOPLE = 40
PLATFORM = "synthetic"
WHERE = Scenario(NOW, 1, (), countries=COUNTRIES)
"""Where people say that they are."""


class Crash(BaseException):
    """A worker dies here."""


class SetClock:
    """True time, which only goes on, and a clock that may be set back; no two readings are alike.

    So a reading that is found in the database tells when it was taken, in true time.
    """

    def __init__(self) -> None:
        self.true = NOW
        self._ahead = timedelta(0)
        self._readings: dict[datetime, datetime] = {}

    def __call__(self) -> datetime:
        self.true += timedelta(microseconds=100)
        while (reading := self.true + self._ahead) in self._readings:
            self.true += timedelta(microseconds=1)
        self._readings[reading] = self.true
        return reading

    def advance(self, by: timedelta) -> None:
        self.true += by

    def set_back(self, by: timedelta) -> None:
        """Let the clock show less than it did."""
        self._ahead -= by

    def taken(self, reading: datetime) -> datetime:
        """Return when this was read, in true time."""
        return self._readings[reading]

    def place(self) -> int:
        """Return the present moment as a place in the order of everything."""
        self()
        return place(self.true)


def place(moment: datetime) -> int:
    """Return a moment of true time as a place in the order of everything."""
    return int((moment - NOW) / timedelta(microseconds=1))


@dataclass
class Wire(CountingSender):
    """A platform that takes, refuses, is busy, or leaves everybody in doubt; it keeps a trace."""

    true: SetClock = field(default_factory=SetClock)
    db: Database | None = None
    rng: Random = field(default_factory=Random)
    trace: Trace = field(default_factory=Trace)
    messages: dict[str, int] = field(default_factory=dict[str, int])
    accounts: dict[str, int] = field(default_factory=dict[str, int])
    calm: bool = False

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        assert self.db is not None
        message_id = self.messages[message.key]
        (row,) = await rows(self.db, "select * from messages where id = :id", id=message_id)
        dice = 1.0 if self.calm else self.rng.random()
        taken: Taken = "no" if dice < 0.12 else "perhaps" if dice < 0.18 else "yes"
        gate_at = self.true.taken(row["sending_at"])
        self.trace.calls.append(
            Call(
                place(gate_at), gate_at, row["sending_at"], self.true.true,
                self.accounts[sender.handle], (PLATFORM, message.platform_id), row["campaign_id"],
                row["step"], message_id, row["body_hash"], taken,
            )
        )  # fmt: skip
        await asyncio.sleep(0)
        if dice < 0.06:
            raise Transient("busy", retry_after=self.rng.choice([None, 30.0, 4_000.0]))
        if dice < 0.12:
            raise Rejected("refuses")
        if dice < 0.18:
            raise Ambiguous("timed out")
        if dice < 0.21:
            raise Crash
        return Receipt(f"m{message_id}", self.clock())


limits = st.fixed_dictionaries(
    {
        "hourly": st.integers(1, 6),
        "daily": st.integers(6, 14),
        "weekly_limit": st.none() | st.integers(14, 30),
        "gap_s": st.sampled_from([0, 0, 60, 400]),
        "jitter_s": st.sampled_from([0, 0, 120, 900]),
        "warmup_from": st.sampled_from([None, NOW, NOW - timedelta(days=1)]),
        "warmup_first": st.integers(1, 4),
        "warmup_days": st.integers(1, 5),
        "zone": st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
        "quiet_from": st.sampled_from([0, 0, 20 * 60, 14 * 60 + 30]),
        "quiet_to": st.sampled_from([0, 7 * 60, 9 * 60]),
        "quiet_days": st.sampled_from([(), (), (6, 7)]),
    }
)
schedules = st.lists(
    st.sampled_from(
        ["send", "send", "send", "send", "wait", "wait", "night", "opt out", "answer", "edit",
         "pause account", "resume", "pause campaign", "clock back", "approve"]
    ),
    min_size=20, max_size=45,
)  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(7_200)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    accounts=st.lists(limits, min_size=1, max_size=3),
    schedule=schedules,
    crashes=st.sampled_from([0.0, 0.01, 0.05]),
    seed=st.integers(0, 2**32),
)
def test_whatever_happens_the_invariants_hold(
    postgres_url: str,
    template_database: str,
    accounts: list[dict[str, Any]],
    schedule: list[str],
    crashes: float,
    seed: int,
) -> None:
    async def live() -> None:
        name = f"test_{uuid4().hex}"
        head, _, query = postgres_url.partition("?")
        url = f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
        await _admin(postgres_url, f"create database {name} template {template_database}")
        try:
            async with AsyncExitStack() as stack:
                life = Life(url, Random(seed), crashes)
                await life.begin(stack, accounts)
                for what in schedule:
                    await life.happen(what)
                await life.end()
        finally:
            await _admin(postgres_url, f"drop database {name} with (force)")

    asyncio.run(live())


async def _admin(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


class Life:
    """A database in which things happen."""

    def __init__(self, url: str, rng: Random, crashes: float) -> None:
        self._url, self._rng, self._crashes = url, rng, crashes
        self.clock = SetClock()
        self.trace = Trace()
        self._paused: list[int] = []

    async def begin(self, stack: AsyncExitStack, accounts: list[dict[str, Any]]) -> None:
        """Write two campaigns that share some of their people, and approve all their messages."""
        self.db = await Database.connect(self._url)
        stack.push_async_callback(self.db.close)
        self.pools = [
            await stack.enter_async_context(watched(self._url, self._hook)) for _ in range(3)
        ]
        self.campaigns = [await add_campaign(self.db, name=name) for name in ("A", "B")]
        for first, campaign in zip((1, PEOPLE - 4), self.campaigns, strict=True):
            await add_leads(self.db, campaign, PEOPLE, first=first)
            await draft(self.db, campaign, now=self.clock())
            await approve_all(self.db, campaign, self.clock())
        people = [f"p{n}" for n in range(1, 2 * PEOPLE)]
        await live_in(self.db, {who: WHERE.country_of((PLATFORM, who)) for who in people})
        self.accounts = [
            await add_account(self.db, handle=f"account-{n}", **_sensible(given))
            for n, given in enumerate(accounts)
        ]
        self.wire = Wire(self.clock, true=self.clock, db=self.db, rng=self._rng, trace=self.trace)
        self.wire.accounts = {account.handle: account.id for account in self.accounts}
        await self._note_approvals()

    async def _hook(self, moment: str) -> None:
        await asyncio.sleep(0)
        if self.wire.calm:
            return
        if self._rng.random() < self._crashes:
            raise Crash
        if moment == "after claim_message" and self._rng.random() < 0.1:
            await self._opt_out()
        if moment.startswith("after "):
            self.clock.advance(timedelta(seconds=self._rng.uniform(0, 3)))

    async def happen(self, what: str) -> None:
        """Let one thing of a schedule happen."""
        match what:
            case "send":
                await self._send()
            case "wait":
                self.clock.advance(MINUTE * self._rng.choice([1, 5, 20, 61]))
            case "night":
                self.clock.advance(timedelta(hours=self._rng.uniform(6, 30)))
            case "opt out":
                await self._opt_out()
            case "answer":
                await self._answer()
            case "edit":
                await self._edit()
            case "approve":
                await self._approve()
            case "pause account":
                await self._pause_account()
            case "resume":
                await self._resume()
            case "pause campaign":
                await self._pause_campaign()
            case _:
                self.clock.set_back(timedelta(minutes=self._rng.uniform(0, 90)))

    async def _send(self) -> None:
        pools = self.pools[: self._rng.randint(1, 3)]
        runs = (run(pool, self.wire, self.clock) for pool in pools)
        ended = await asyncio.gather(*runs, return_exceptions=True)
        assert all(isinstance(end, DispatchReport | Crash) for end in ended), ended

    async def _opt_out(self) -> None:
        person = f"p{self._rng.randrange(1, 2 * PEOPLE - 4)}"
        now = self.clock()
        await suppressions_store.suppress(
            self.db, platform=PLATFORM, platform_id=person, reason="r", source="s", now=now
        )
        self.trace.suppressed.setdefault((PLATFORM, person), self.clock.place())

    async def _answer(self) -> None:
        """Somebody whom a message has reached writes back, and what must follow is written."""
        written = [call for call in self.trace.calls if call.taken != "no"]
        if not written:
            return
        call, now = self._rng.choice(written), self.clock()
        event = InboxEvent(f"e{place(now)}", "replied", call.person[1], "Who are you?", now)
        async with self.db.transaction() as tx:
            new = await feedback_store.record(tx, call.account_id, [event], None, now)
            follows = consequences(new)
            await leads.mark_replied(tx, follows.replied_leads, now)
            for person in follows.cancel:
                await store.cancel_for_person(tx, **asdict(person), now=now)
        self.trace.replied.setdefault(call.person, self.clock.place())

    async def _edit(self) -> None:
        """Change a text that waits; its approval is void, whatever a worker is about to do."""
        message_id = self._rng.randrange(1, len(self.wire.messages) + 1)
        try:
            async with self.db.transaction() as tx:
                await store.edit(tx, message_id, body="Hello, changed", now=self.clock())
        except Conflict:
            return
        self.trace.approve(message_id, self.clock.place(), None)

    async def _approve(self) -> None:
        for campaign in self.campaigns:
            await approve_all(self.db, campaign, self.clock(), but=(Conflict,))
        await self._note_approvals()

    async def _note_approvals(self) -> None:
        """Read what is approved, as the people who approved it know it."""
        found = await rows(self.db, "select * from messages order by id")
        for row in found:
            message = Message(**{name: row[name] for name in Message.__slots__})
            self.wire.messages.setdefault(message_key(message), message.id)
            known = self.trace.approved(row["id"], self.clock.place())
            if row["approved_at"] is not None and known is None:
                approved = place(self.clock.taken(row["approved_at"]))
                self.trace.approve(row["id"], approved, row["approved_hash"])

    async def _pause_account(self) -> None:
        account = self._rng.choice(self.accounts)
        async with self.db.transaction() as tx:
            await accounts_store.pause_account(
                tx, account.id, reason="a person says so", by="person", now=self.clock()
            )
        self._begin_pause("account", account.id)

    async def _pause_campaign(self) -> None:
        campaign = self._rng.choice(self.campaigns)
        await rows(
            self.db, "update campaigns set status = 'paused' where id = :id returning id",
            id=campaign.id,
        )  # fmt: skip
        self._begin_pause("campaign", campaign.id)

    async def _resume(self) -> None:
        """Let every account and campaign go on."""
        self._end_pauses()
        now = self.clock()
        async with self.db.transaction() as tx:
            for account in self.accounts:
                await accounts_store.resume_account(tx, account.id, now=now)
            await rows(tx, "update campaigns set status = 'active' returning id")
            for campaign in self.campaigns:
                await store.release_campaign(tx, campaign.id, now=now)

    def _begin_pause(self, kind: Literal["account", "campaign"], chosen: int) -> None:
        self._paused.append(len(self.trace.pauses))
        self.trace.pauses.append(Pause(kind, chosen, self.clock.place()))

    def _end_pauses(self) -> None:
        for number in self._paused:
            ended = replace(self.trace.pauses[number], to_order=self.clock.place())
            self.trace.pauses[number] = ended
        self._paused.clear()

    async def end(self) -> None:
        """Let healthy workers look at everything once more, and check what must hold."""
        self.wire.calm = True
        self.clock.advance(timedelta(hours=3))
        for _ in range(3):
            await run(self.db, self.wire, self.clock)
            self.clock.advance(20 * MINUTE)
        found = await rows(self.db, "select * from messages order by id")
        messages = [Message(**{name: row[name] for name in Message.__slots__}) for row in found]
        senders = tuple(Sender(account, limits_of(account)) for account in self.accounts)
        scenario = replace(WHERE, senders=senders)
        lived = Simulated(scenario, self.trace, tuple(messages), self.clock())
        broken = [check for check in check_all(lived) if check.broken_by]
        assert not broken, broken
        unnamed = [m for m in messages if m.state in ("pending", "approved") and not m.held_by]
        assert not unnamed, unnamed
        assert {m.state for m in messages} <= {
            "pending", "approved", "sent", "failed", "ambiguous", "cancelled",
        }  # fmt: skip


def _sensible(given: dict[str, Any]) -> dict[str, Any]:
    """Return limits that the rules accept: a week that is not below its day."""
    weekly = given["weekly_limit"]
    return given | {"weekly_limit": weekly and max(weekly, given["daily"])}
