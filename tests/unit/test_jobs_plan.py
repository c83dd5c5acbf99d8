"""What becomes of a job when its run ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.base.errors import (
    Ambiguous,
    Cancelled,
    Conflict,
    Fatal,
    NotFound,
    Rejected,
    Snooze,
    Transient,
)
from omni.jobs import plan
from omni.jobs.types import JobArgs, NewJob, Noop, QualifyCampaign

NOW = datetime(2026, 11, 22, 2, 15, tzinfo=UTC)


def fail(error: Exception, attempt: int = 1, roll: float = 0.5) -> plan.Finish:
    return plan.fail(error, attempt=attempt, max_attempts=3, now=NOW, roll=roll)


@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.floats(-10, 1e9))
def test_backoff_is_bounded_and_honours_what_the_other_side_asked_for(
    attempt: int, roll: float, retry_after: float | None
) -> None:
    wait = plan.backoff_s(attempt, roll, retry_after)
    asked = min(max(retry_after or 0.0, 0.0), plan.MAX_WAIT_S)
    assert asked <= wait <= asked + plan.BACKOFF_CAP_S


def test_backoff_doubles_up_to_its_cap_and_spreads_over_the_whole_range() -> None:
    assert [plan.backoff_s(n, 1.0) for n in (1, 2, 3, 4)] == [2.0, 4.0, 8.0, 16.0]
    assert plan.backoff_s(50, 1.0) == plan.BACKOFF_CAP_S
    assert plan.backoff_s(50, 0.0) == 0.0


def test_a_passing_fault_is_tried_again_until_the_attempts_are_used_up() -> None:
    again = fail(Transient("503 from the platform"), attempt=2)
    assert (again.state, again.run_at, again.refund) == (
        "queued",
        NOW + timedelta(seconds=2),
        False,
    )
    assert again.error == "503 from the platform"
    assert fail(Transient("503"), attempt=3).state == "failed"


def test_an_unexpected_error_is_tried_again_too_and_names_its_type() -> None:
    again = fail(KeyError("handle"))
    assert (again.state, again.error) == ("queued", "KeyError: 'handle'")
    assert fail(KeyError("handle"), attempt=3).state == "failed"


@pytest.mark.parametrize("kind", [Rejected, NotFound, Conflict, Fatal, Ambiguous])
def test_what_cannot_succeed_fails_at_once(kind: type[Exception]) -> None:
    assert fail(kind("no such actor")) == plan.Finish("failed", error="no such actor")


def test_a_snooze_costs_no_attempt_even_on_the_last_one() -> None:
    later = NOW + timedelta(hours=1)
    finish = fail(Snooze(later, "hourly limit"), attempt=3)
    assert (finish.state, finish.run_at, finish.refund) == ("queued", later, True)


def test_a_snooze_into_the_past_cannot_spin() -> None:
    finish = fail(Snooze(NOW - timedelta(days=1), "soon"))
    assert finish.run_at is not None
    assert finish.run_at > NOW


def test_a_cancelled_run_is_not_tried_again() -> None:
    assert fail(Cancelled("stop")).state == "cancelled"


def test_errors_are_one_line_of_bounded_length_without_what_postgres_refuses() -> None:
    line = plan.describe(Transient("a\0b\n\n  c \ud800" + "x" * 10_000))
    assert line.startswith("a\ufffdb c ?xxx")
    assert len(line) == plan.MAX_ERROR
    assert plan.describe(TimeoutError()) == "TimeoutError: "


def test_results_lose_what_jsonb_cannot_hold_and_keep_everything_else() -> None:
    assert plan.to_json({"bio": "a\0b"}) == '{"bio":"a\ufffdb"}'
    assert plan.to_json({"bio\0": ["\ud83d", 1, None]}) == '{"bio\ufffd":["?",1,null]}'
    assert plan.to_json({"path": "c:\\u0000"}) == '{"path":"c:\\\\u0000"}'


def test_a_result_that_is_not_json_fails_the_job_instead_of_the_worker() -> None:
    with pytest.raises(Fatal, match="not plain JSON"):
        plan.succeed({"value": object()})


def test_a_kind_that_no_step_serves_is_rejected() -> None:
    class Stray(JobArgs, frozen=True):
        kind = "stray"

    class Impostor(JobArgs, frozen=True):
        kind = "jobs.noop"

    for args in (JobArgs(), Stray(), Impostor()):
        with pytest.raises(Rejected, match="unknown kind"):
            plan.check_jobs([NewJob(args)])


def test_a_campaign_id_that_the_column_cannot_hold_is_rejected() -> None:
    with pytest.raises(Rejected, match="no campaign"):
        plan.check_jobs([NewJob(QualifyCampaign(campaign_id=2**63))])


def test_arguments_survive_the_ledger() -> None:
    assert plan.check_jobs([NewJob(Noop(payload="ü"))]) == ['{"payload":"ü"}']
    assert plan.decode_args("jobs.noop", {"payload": "ü"}) == Noop(payload="ü")


@pytest.mark.parametrize(
    ("kind", "args"), [("gone", {}), ("jobs.noop", {"payload": 1}), ("jobs.noop", {"other": ""})]
)
def test_jobs_of_another_version_fail_clearly(kind: str, args: dict[str, object]) -> None:
    with pytest.raises(Fatal):
        plan.decode_args(kind, args)
