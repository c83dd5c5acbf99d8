"""What the clock alone makes due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from omni.flow.schedule import due_jobs
from omni.profiles.types import ENRICH_VERSION

NOW = datetime(2026, 11, 22, 2, 17, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Campaign:
    id: int
    created_at: datetime = datetime(1999, 1, 1, tzinfo=UTC)
    criteria: Mapping[str, object] = field(default_factory=dict[str, object])


def keys(now: datetime, *campaign_ids: int) -> set[str | None]:
    return {job.key for job in due_jobs(now, [Campaign(n) for n in campaign_ids])}


def test_a_new_campaign_waits_for_the_first_slot_of_its_life() -> None:
    new = Campaign(1, created_at=NOW)
    assert {job.key for job in due_jobs(NOW, [new])} == keys(NOW)
    assert {job.key for job in due_jobs(NOW + timedelta(days=1), [new])} > keys(
        NOW + timedelta(days=1)
    )


def test_slots_of_the_installation_are_named_by_their_beginning() -> None:
    assert keys(NOW) == {
        "feedback.sweep@2026-11-22T02:15",
        "dispatch.reconcile@2026-11-22T02:15",
        "images.sweep@2026-11-22T02:00",
        "crawl.refresh@2026-11-22T02:15",
        "storage.sweep@2026-11-22T00:00",
        "dispatch.follow_up@2026-11-22T02:15",
        "dispatch.dm@2026-11-22T02:00",
        f"profiles.reenrich@{ENRICH_VERSION}.2026-11-19T00:00",
    }


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.integers(1, 10**6),
)
def test_a_day_of_ticks_asks_for_each_slot_once(start: datetime, campaign_id: int) -> None:
    ticks = [start + timedelta(minutes=minutes) for minutes in range(0, 24 * 60, 5)]
    asked = {key for tick in ticks for key in keys(tick, campaign_id)}
    kinds = Counter(str(key).split("@")[0] for key in asked)
    assert kinds["feedback.sweep"] in (288, 289)
    assert kinds["crawl.refresh"] in (96, 97)
    assert kinds["dispatch.dm"] in (24, 25)
    assert kinds["qualify.campaign"] in (1, 2)  # a day's end and the next one's beginning
    assert kinds["weights.update"] in (1, 2)


def test_a_scheduler_that_slept_for_a_week_asks_for_the_present_slots_alone() -> None:
    assert len(keys(NOW, 1, 2)) == len(keys(NOW + timedelta(days=7), 1, 2)) == 8 + 2 * 2


def test_two_schedulers_in_different_time_zones_agree() -> None:
    assert keys(NOW, 5) == keys(NOW.astimezone(timezone(timedelta(hours=9, minutes=30))), 5)


def begins(campaign_id: int, kind: str) -> int:
    """Return the minute of the UTC day at which the campaign's daily slot begins."""
    (key,) = (str(key) for key in keys(NOW, campaign_id) if str(key).startswith(kind))
    moment = datetime.fromisoformat(key.rsplit(".", 1)[1])
    return moment.hour * 60 + moment.minute


def test_campaigns_are_spread_over_the_day_and_their_learning_over_the_night() -> None:
    qualify = Counter(begins(n, "qualify.campaign@") // 60 for n in range(1, 1001))
    assert len(qualify) == 24
    assert max(qualify.values()) < 3 * 1000 / 24
    night = [begins(n, "weights.update@") for n in range(1, 1001)]
    assert max(night) < 4 * 60
    assert len(set(night)) > 200


def test_criteria_that_drift_are_refreshed_in_the_slot_in_which_they_are_judged() -> None:
    criteria = {"field": "last_post_at", "op": ">=", "value": "30 days ago"}
    steady = {"field": "followers", "op": ">=", "value": 10}
    for campaign_id in range(1, 30):
        due = due_jobs(NOW, [Campaign(campaign_id, criteria=criteria)])
        slots = {str(job.key).partition("@")[0]: str(job.key).partition("@")[2] for job in due}
        assert slots["candidates.refresh"] == slots["qualify.campaign"]
        order = [job.args.kind for job in due]
        assert order.index("candidates.refresh") < order.index("qualify.campaign")
        kinds = {job.args.kind for job in due_jobs(NOW, [Campaign(campaign_id, criteria=steady)])}
        assert "candidates.refresh" not in kinds


def test_criteria_that_no_longer_compile_leave_the_timetable_of_others_alone() -> None:
    broken = Campaign(1, criteria={"field": "shoe_size", "op": "=", "value": 43})
    assert {job.key for job in due_jobs(NOW, [broken, Campaign(2)])} == keys(NOW, 1, 2)
