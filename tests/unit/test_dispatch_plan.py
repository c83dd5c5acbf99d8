"""Pacing never exceeds a window; every gate is asked in order; an approval is one text to one."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omni.base.errors import Rejected
from omni.connectors.types import Receipt
from omni.dispatch import plan
from omni.dispatch.pacing import DAY, HOUR, charged_times, next_slot
from omni.dispatch.pacing_types import Limits
from omni.dispatch.plan import body_hash, gate_of
from omni.dispatch.rows import account_from
from omni.dispatch.rules import check_handle, check_pacing
from omni.dispatch.types import (
    Account,
    Charge,
    Facts,
    Gate,
    LaneEnd,
    Message,
    Pacing,
    Slot,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPEN = Facts(
    suppressed=False,
    refuses=False,
    lead_closed=False,
    in_conversation=False,
    campaign_active=True,
    account_active=True,
)


def message(**changes: Any) -> Message:
    """An approved message that nothing holds."""
    hashed = body_hash("synthetic", "p1", "Hello")
    fields: dict[str, Any] = dict.fromkeys(Message.__slots__) | {
        "id": 1,
        "campaign_id": 2,
        "platform": "synthetic",
        "platform_id": "p1",
        "step": 0,
        "body": "Hello",
        "body_hash": hashed,
        "approved_hash": hashed,
        "state": "approved",
        "approved_at": NOW,
    }
    return Message(**(fields | changes))


def _most_in_any(window: timedelta, moments: list[datetime]) -> int:
    """The most moments in any window (t - window, t]; the fullest ones end at a moment."""
    ordered = sorted(moments)
    return max(
        (sum(end - window < moment <= end for moment in ordered) for end in ordered), default=0
    )


@given(
    hourly=st.integers(1, 6),
    spare=st.integers(0, 12),
    wait=st.integers(0, 7_200),
    flight=st.integers(0, 9_000),
    seed=st.integers(0, 2**32),
)
def test_no_rolling_window_of_the_wire_exceeds_its_limit(
    hourly: int, spare: int, wait: int, flight: int, seed: int
) -> None:
    """Claims come when the plan allows; the wire follows at any time before the record does."""
    daily, rng = hourly + spare, random.Random(seed)
    now = NOW
    wire: list[datetime] = []
    recorded: list[datetime] = []
    flying: list[tuple[datetime, datetime]] = []  # claimed, recorded
    for _ in range(60):
        now += timedelta(seconds=rng.uniform(0, wait))
        recorded += [end for _, end in flying if end <= now]
        flying = [(start, end) for start, end in flying if end > now]
        charges = [Charge(at, in_flight=False) for at in recorded if at > now - DAY]
        charges += [Charge(start, in_flight=True) for start, _ in flying]
        slot = next_slot(Limits(hourly, daily, 999), charged_times(charges, now), now)
        if slot.gate is not None:
            assert slot.at is not None
            assert slot.at > now
            continue
        on_the_wire = now + timedelta(seconds=rng.uniform(0, flight))
        wire.append(on_the_wire)
        flying.append((now, on_the_wire + timedelta(seconds=rng.uniform(0, flight))))
    assert _most_in_any(HOUR, wire) <= hourly
    assert _most_in_any(DAY, wire) <= daily


@given(st.lists(st.integers(-90_000, 3_600), max_size=40), st.integers(0, 10), st.integers(0, 30))
@example([0], 1, 1)
def test_a_slot_is_the_first_moment_that_fits(offsets: list[int], hourly: int, spare: int) -> None:
    daily = hourly + spare
    charged = [NOW + timedelta(seconds=offset) for offset in offsets]
    slot = next_slot(Limits(hourly, daily, 999), charged, NOW)
    if hourly == 0:
        assert slot == Slot(None, Gate.HOURLY)
        return
    assert slot.at is not None

    def fits(at: datetime) -> bool:
        in_hour = sum(moment > at - HOUR for moment in charged)
        in_day = sum(moment > at - DAY for moment in charged)
        return in_hour < hourly and in_day < daily

    assert fits(slot.at)
    assert (slot.gate is None) == (slot.at == NOW)
    if slot.gate not in (None, Gate.CLOCK):
        assert not fits(slot.at - timedelta(microseconds=1))


def test_a_clock_that_was_set_back_waits_for_what_lies_ahead_of_it() -> None:
    ahead = NOW + timedelta(hours=2)
    assert next_slot(Limits(1, 5, 9), [ahead], NOW) == Slot(ahead + HOUR, Gate.CLOCK)


def test_the_later_limit_is_the_one_that_is_named() -> None:
    spread = [NOW - timedelta(minutes=30), NOW - timedelta(hours=20)]
    assert next_slot(Limits(1, 2, 9), spread, NOW) == Slot(NOW + timedelta(hours=4), Gate.DAILY)
    assert next_slot(Limits(1, 9, 9), spread, NOW) == Slot(NOW + timedelta(minutes=30), Gate.HOURLY)
    assert next_slot(Limits(3, 0, 9), [], NOW) == Slot(None, Gate.DAILY)


@pytest.mark.parametrize(
    ("facts", "gate"),
    [
        ({}, None),
        ({"suppressed": True, "account_active": False, "in_conversation": True}, Gate.SUPPRESSED),
        ({"refuses": True, "campaign_active": False}, Gate.RECIPIENT),
        ({"lead_closed": True, "in_conversation": True}, Gate.LEAD),
        ({"in_conversation": True}, Gate.CONVERSATION),
        ({"campaign_active": False, "account_active": False}, Gate.CAMPAIGN),
        ({"account_active": False}, Gate.ACCOUNT),
    ],
)
def test_each_closed_gate_holds_a_message(facts: dict[str, bool], gate: Gate | None) -> None:
    assert gate_of(message(), replace(OPEN, **facts), NOW) is gate


@pytest.mark.parametrize(
    "change",
    [
        {"body": "Hello!"},
        {"platform_id": "p2"},
        {"platform": "bluesky"},
        {"body_hash": "0" * 64},
        {"approved_hash": None},
        {"approved_hash": body_hash("synthetic", "p1", "Hello!"), "body": "Hello!"},
    ],
)
def test_any_difference_from_what_was_approved_holds_a_message(change: dict[str, Any]) -> None:
    assert gate_of(message(**change), OPEN, NOW) is Gate.APPROVAL


def test_a_hash_tells_recipient_and_text_apart() -> None:
    assert body_hash("a", "bc", "d") != body_hash("ab", "c", "d")
    assert body_hash("a", "b", "cd") != body_hash("a", "bc", "d")
    assert len(body_hash("a", "b", "c")) == 64


def test_the_key_of_a_message_names_person_campaign_and_step() -> None:
    key = plan.message_key(message())
    assert key == plan.message_key(message(id=9, body="other", state="sending"))
    others = [message(campaign_id=3), message(step=1), message(platform_id="p2")]
    assert len({key, *map(plan.message_key, others)}) == 4


@pytest.mark.parametrize(
    ("handle", "hourly", "daily", "field"),
    [
        ("", 1, 1, "handle"),
        ("a\0", 1, 1, "handle"),
        ("x" * 254, 1, 1, "handle"),
        ("a", -1, 1, "hourly_limit"),
        ("a", 2, 1, "daily_limit"),
        ("a", 1, 10**6, "daily_limit"),
    ],
)
def test_accounts_that_make_no_sense_are_refused(
    handle: str, hourly: int, daily: int, field: str
) -> None:
    def check() -> None:
        check_handle(handle)
        check_pacing(Pacing(hourly, daily))

    with pytest.raises(Rejected) as caught:
        check()
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("pacing", "field"),
    [
        (Pacing(zone="Mars/Olympus"), "zone"),
        (Pacing(zone="../etc/passwd"), "zone"),
        (Pacing(weekly_limit=49), "weekly_limit"),
        (Pacing(gap_s=-1), "gap_s"),
        (Pacing(jitter_s=10**6), "jitter_s"),
        (Pacing(warmup_first=0), "warmup_first"),
        (Pacing(warmup_days=1_000), "warmup_days"),
        (Pacing(quiet_from=1_440), "quiet_from"),
        (Pacing(quiet_days=(0,)), "quiet_days"),
        (Pacing(quiet_days=(1, 1)), "quiet_days"),
        (Pacing(quiet_days=(1, 2, 3, 4, 5, 6, 7)), "quiet_days"),
    ],
)
def test_limits_that_make_no_sense_are_refused(pacing: Pacing, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        check_pacing(pacing)
    assert caught.value.field == field


@pytest.mark.parametrize("retry_after", [None, 0.0, -5.0, 90.0, 1e12, float("nan"), float("inf")])
def test_a_platform_that_took_nothing_is_asked_again_within_bounds(
    retry_after: float | None,
) -> None:
    outcome = plan.not_taken(message(), "busy\0", NOW, retry_after)
    assert outcome.lane_resumes_at is not None
    assert NOW + timedelta(minutes=1) <= outcome.lane_resumes_at <= NOW + timedelta(hours=6)
    assert (outcome.state, outcome.gate, outcome.error) == ("approved", Gate.PLATFORM, "busy")
    old = plan.not_taken(message(approved_at=NOW - timedelta(hours=2)), "busy", NOW, None)
    assert old.eligible_at == NOW + timedelta(minutes=30)


def test_foreign_words_are_cut_and_cleaned_before_they_are_stored() -> None:
    assert plan.taken(Receipt("id\0" + "x" * 9_000, NOW)).platform_message_id == "id" + "x" * 498
    assert len(plan.doubtful(ValueError("\0" + "y" * 9_000)).error or "") == 500


def test_a_worker_that_slept_before_the_wire_is_late() -> None:
    assert not plan.is_late(message(sending_at=NOW), NOW + timedelta(seconds=119))
    assert plan.is_late(message(sending_at=NOW), NOW + timedelta(seconds=121))
    assert plan.is_late(message(), NOW)


def _account(status: Any = "active") -> Account:
    row: dict[str, Any] = dict.fromkeys(Account.__slots__)
    row |= asdict(Pacing()) | {"id": 1, "platform": "synthetic", "handle": "me", "status": status}
    return account_from(row | {"created_at": NOW})


def test_what_waits_names_the_gate_that_opens_first() -> None:
    later, sooner = NOW + timedelta(hours=3), NOW + timedelta(hours=1)
    hourly, daily = (
        LaneEnd("synthetic", Gate.HOURLY, sooner),
        LaneEnd("synthetic", Gate.DAILY, later),
    )
    one = [_account()]
    assert plan.why_waiting(one, False, []) == Slot(None, Gate.NO_SENDER)
    assert plan.why_waiting([], True, []) == Slot(None, Gate.NO_ACCOUNT)
    assert plan.why_waiting([_account("paused")], True, []) == Slot(None, Gate.ACCOUNT)
    assert plan.why_waiting(one, True, [daily, hourly]) == Slot(sooner, Gate.HOURLY)
    locked = LaneEnd("synthetic", Gate.CREDENTIALS, None)
    assert plan.why_waiting(one, True, [locked]) == Slot(None, Gate.CREDENTIALS)
    assert plan.why_waiting(one, True, [locked, daily]) == Slot(later, Gate.DAILY)
    assert plan.why_waiting(one, True, [LaneEnd("synthetic", None, None), daily]).gate is None
