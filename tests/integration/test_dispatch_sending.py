"""One run of dispatch: what goes out, what is held and by which gate, what each answer means."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from omni.base.errors import Ambiguous, OmniError, Rejected, Transient, Unauthorized
from omni.base.vault import Vault
from omni.campaigns import store as campaigns
from omni.connectors.ports import MessageSender
from omni.connectors.types import Outgoing
from omni.dispatch import accounts_store
from omni.dispatch.drafting_work import draft
from omni.dispatch.plan import CONVERSATION, HOUR
from omni.dispatch.work import dispatch
from omni.leads import store as leads
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    MINUTE,
    NOW,
    VAULT,
    CountingSender,
    MovingClock,
    add_account,
    add_campaign,
    add_leads,
    approve_all,
    most_in_any,
    ready,
    rows,
    run,
    states,
)


async def test_only_what_was_approved_goes_out_and_each_message_once(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    campaign = await ready(db, 3)
    await add_leads(db, campaign, 2, first=4)
    await draft(db, campaign, now=NOW)
    await add_account(db)
    report = await run(db, sender, clock)
    assert (report.sent, report.failed, report.ambiguous) == (3, 0, 0)
    assert report.held == {"approval": 2}
    assert report.next_eligible is None
    assert sender.people == ["p1", "p2", "p3"]
    assert {handle for _, handle, _ in sender.calls} == {"me"}
    assert len({message.key for _, _, message in sender.calls}) == 3
    again = await run(db, sender, clock)
    assert (again.sent, len(sender.calls)) == (0, 3)
    (first,) = await rows(db, "select * from messages where platform_id = 'p1'")
    assert (first["platform_message_id"], first["sent_at"]) == ("m1", NOW)


@pytest.mark.parametrize("lead_state", ["withdrawn", "rejected"])
async def test_nothing_goes_to_somebody_whom_the_campaign_no_longer_wants(
    db: Database, lead_state: str
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 3)
    await add_account(db)
    await rows(db, "update leads set state = :state where platform_id <> 'p3'", state=lead_state)
    report = await run(db, sender, clock)
    assert (sender.people, report.held) == (["p3"], {"lead withdrawn or rejected": 2})
    await rows(db, "update leads set state = 'new' where platform_id = 'p1'")
    clock.advance(6 * HOUR)
    assert (await run(db, sender, clock)).sent == 1
    assert sender.people == ["p3", "p1"]


async def test_contacted_leads_are_named_until_they_are_marked(db: Database) -> None:
    clock = MovingClock()
    await ready(db, 2)
    await add_account(db)
    first = await run(db, CountingSender(clock), clock)
    assert len(first.contacted_lead_ids) == 2
    await rows(db, "update leads set state = 'withdrawn' where platform_id = 'p1'")
    clock.advance(HOUR)
    assert (await run(db, CountingSender(clock), clock)).contacted_lead_ids == (
        first.contacted_lead_ids
    )
    await leads.mark_contacted(db, first.contacted_lead_ids, clock.now)
    assert (await run(db, CountingSender(clock), clock)).contacted_lead_ids == ()


async def test_limits_hold_what_is_left_and_say_when_it_goes_on(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 9)
    await add_account(db, hourly=2, daily=5)
    report = await run(db, sender, clock)
    assert (report.sent, report.held) == (2, {"hourly limit": 7})
    assert report.next_eligible == NOW + HOUR
    clock.now = NOW + HOUR - timedelta(microseconds=1)
    assert (await run(db, sender, clock)).sent == 0
    for _ in range(100):
        clock.now = max(clock.now, report.next_eligible or clock.now)
        report = await run(db, sender, clock)
        if report.next_eligible is None:
            break
    moments = [at for at, _, _ in sender.calls]
    assert len(moments) == 9
    assert most_in_any(HOUR, moments) == 2
    assert most_in_any(24 * HOUR, moments) == 5
    assert clock.now - NOW == 25 * HOUR
    assert await states(db) == {"sent": 9}


async def test_two_accounts_have_an_allowance_each(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 9)
    await add_account(db, hourly=2, daily=5)
    await add_account(db, handle="you", hourly=3, daily=5)
    assert (await run(db, sender, clock)).sent == 5
    assert sorted(handle for _, handle, _ in sender.calls) == ["me"] * 2 + ["you"] * 3


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        (
            "insert into suppressions (platform, platform_id, reason, source)"
            " values ('synthetic', 'p1', 'r', 's')",
            "suppressed",
        ),
        ("update messages set body = 'Buy now' where platform_id = 'p1'", "approval"),
        ("update messages set platform_id = 'p9' where platform_id = 'p1'", "approval"),
        (
            "update profile_features set accepts_messages = false where username = 'user-p1'",
            "recipient",
        ),
        ("delete from profiles_raw where platform_id = 'p1'", "recipient"),
    ],
)
async def test_a_gate_holds_its_message_and_no_other(db: Database, change: str, gate: str) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 3)
    await add_account(db)
    await rows(db, change)
    report = await run(db, sender, clock)
    assert sender.people == ["p2", "p3"]
    assert report.held == {gate: 1}
    (held,) = await rows(db, "select * from messages where state <> 'sent'")
    assert held["held_by"] == gate
    assert (held["account_id"], held["charged_at"], held["claimed_at"]) == (None, None, None)
    assert held["state"] == ("pending" if gate == "approval" else "approved")


async def test_a_paused_campaign_waits_aside_and_goes_on_when_it_is_resumed(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    paused = await ready(db, 30)
    await ready(db, 2, first=31, name="Running")
    await add_account(db, hourly=50)
    await campaigns.update(db, paused.id, now=NOW, status="paused")
    report = await run(db, sender, clock)
    assert (report.sent, report.held) == (2, {"campaign not active": 30})
    await campaigns.update(db, paused.id, now=NOW, status="active")
    clock.advance(10 * MINUTE)
    assert (await run(db, sender, clock)).sent == 30


async def test_another_campaign_does_not_break_into_a_conversation(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 1)
    second = await add_campaign(db, name="Second")
    await add_leads(db, second, 1)
    await rows(db, "update messages set state = 'cancelled'")
    await draft(db, second, now=NOW)
    await approve_all(db, second)
    await rows(db, "update messages set state = 'approved' where campaign_id <> :id", id=second.id)
    await add_account(db)
    report = await run(db, sender, clock)
    assert (report.sent, report.held) == (1, {"already in conversation": 1})
    clock.advance(CONVERSATION - MINUTE)
    assert (await run(db, sender, clock)).sent == 0
    clock.advance(6 * HOUR)
    assert (await run(db, sender, clock)).sent == 1


async def test_every_platform_says_why_it_does_not_send(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    for number, platform in enumerate(("synthetic", "bluesky", "matrix", "mastodon")):
        await ready(db, 2, first=10 * number + 1, platform=platform, name=platform)
    for platform in ("bluesky", "matrix", "synthetic"):
        account = await add_account(
            db,
            platform=platform,
            vault=Vault(Fernet.generate_key().decode()) if platform == "synthetic" else VAULT,
        )
        if platform == "matrix":
            await accounts_store.pause_account(
                db, account.id, reason="blocked too often", by="person", now=NOW
            )
    senders: dict[str, MessageSender] = {}
    senders["synthetic"] = senders["matrix"] = senders["mastodon"] = sender
    report = await dispatch(db, senders, VAULT, clock=clock, report=print)
    assert report.held == {
        "no sender": 2, "no account": 2, "account paused": 2, "account credentials": 2,
    }  # fmt: skip
    assert (report.sent, report.next_eligible, sender.calls) == (0, None, [])
    named = await rows(db, "select platform, min(held_by) as gate from messages group by 1")
    assert {row["platform"]: row["gate"] for row in named} == {
        "synthetic": "account credentials",
        "bluesky": "no sender",
        "matrix": "account paused",
        "mastodon": "no account",
    }


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Rejected("this person does not accept messages\0"), "failed"),
        (Ambiguous("timed out"), "ambiguous"),
        (ValueError("a bug\0"), "ambiguous"),
        (TimeoutError(), "ambiguous"),
    ],
)
async def test_an_answer_that_ends_a_message_lets_the_next_one_go(
    db: Database, error: Exception, state: str
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)

    def answer(message: Outgoing) -> None:
        if message.platform_id == "p1":
            raise error

    sender.answer = answer
    await ready(db, 3)
    await add_account(db, hourly=2)
    for _ in range(5):
        await run(db, sender, clock)
        clock.advance(5 * HOUR)
    assert sender.people == ["p1", "p2", "p3"]
    assert await states(db) == {"sent": 2, state: 1}
    moments = [at for at, _, _ in sender.calls]
    (first,) = await rows(db, "select error, charged_at from messages where platform_id = 'p1'")
    assert first["error"]
    # What surely was not taken costs nothing; what perhaps was, costs like what was.
    assert (first["charged_at"] is None) == (state == "failed")
    assert moments[:2] == [NOW, NOW]
    assert moments[2] == (NOW if state == "failed" else NOW + 5 * HOUR)


@pytest.mark.parametrize(
    ("error", "gate", "resumes"),
    [
        (Transient("429", retry_after=600), "platform unavailable", NOW + 10 * MINUTE),
        (Transient("refused"), "platform unavailable", NOW + MINUTE),
        (Unauthorized("token expired"), "account credentials", None),
    ],
)
async def test_what_was_surely_not_taken_goes_out_later_and_is_charged_once(
    db: Database, error: OmniError, gate: str, resumes: object
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    answers = [error]

    def answer(_: Outgoing) -> None:
        if answers:
            raise answers.pop()

    sender.answer = answer
    await ready(db, 2)
    account = await add_account(db, hourly=2, daily=2)
    report = await run(db, sender, clock)
    assert (report.sent, report.next_eligible) == (0, resumes)
    assert set(report.held) == {gate}
    clock.advance(10 * MINUTE)
    if resumes is None:
        assert (await run(db, sender, clock)).sent == 0, "only a person lets it send on"
        paused = await accounts_store.get_account(db, account.id)
        assert (paused.paused_by, paused.pause_reason) == ("credentials", "token expired")
        await accounts_store.resume_account(db, account.id, now=clock())
    assert (await run(db, sender, clock)).sent == 2
    assert sender.people == ["p1", "p2", "p1"]
    keys = {message.platform_id: message.key for _, _, message in sender.calls}
    assert sender.calls[0][2].key == keys["p1"]


async def test_one_message_that_always_fails_does_not_hold_up_the_others(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)

    def answer(message: Outgoing) -> None:
        if message.platform_id == "p1":
            raise Transient("500")

    sender.answer = answer
    await ready(db, 6)
    await add_account(db)
    for _ in range(3):
        await run(db, sender, clock)
        clock.advance(MINUTE)
    assert await states(db) == {"sent": 5, "approved": 1}


async def test_a_run_that_is_told_to_stop_records_what_is_on_the_wire(db: Database) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    on_the_wire = asyncio.Event()

    async def answer(_: Outgoing) -> None:
        on_the_wire.set()
        await asyncio.sleep(0.3)

    sender.answer = answer
    await ready(db, 3)
    await add_account(db)
    running = asyncio.ensure_future(run(db, sender, clock))
    await on_the_wire.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await states(db) == {"sent": 1, "approved": 2}
    assert len(sender.calls) == 1


async def test_a_run_is_bounded_and_asks_for_the_next(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await ready(db, 8)
    await add_account(db)
    monkeypatch.setattr("omni.dispatch.work.MAX_SENDS", 5)
    report = await run(db, sender, clock)
    assert (report.sent, report.next_eligible) == (5, NOW)
    assert (await run(db, sender, clock)).sent == 3
