"""How calls are signed, when they are tried again, and when an endpoint is given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from omni.base.errors import Rejected
from omni.webhooks import plan
from omni.webhooks.types import Call

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def call(attempt: int = 1, failing_since: datetime | None = None) -> Call:
    return Call(1, "e", "message.sent", 1, NOW, attempt, "https://a.example", b"", failing_since)


def test_the_signature_is_that_of_the_standard() -> None:
    """The example that standardwebhooks.com and its libraries are tested with."""
    said = plan.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        b'{"test": 2432232314}',
    )
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_delivery_is_tried_for_three_days_and_then_given_up() -> None:
    waits: list[timedelta] = []
    for attempt in range(1, 100):
        outcome = plan.failed(call(attempt), "down", now=NOW, roll=0.0)
        if outcome.again_in is None:
            assert outcome.state == "failed"
            break
        waits.append(outcome.again_in)
    assert waits == sorted(waits)
    assert timedelta(days=2.5) < sum(waits, timedelta()) < timedelta(days=4)


def test_jitter_only_delays_and_an_endpoint_is_believed_within_bounds() -> None:
    first = plan.WAITS[0]
    assert plan.failed(call(), "", now=NOW, roll=1.0).again_in == first * 1.25
    asked = plan.failed(call(), "", now=NOW, roll=0.0, retry_after=600).again_in
    assert asked == timedelta(minutes=10)
    much = plan.failed(call(), "", now=NOW, roll=0.0, retry_after=1e12).again_in
    assert much == plan.LONGEST_WAIT


def test_an_endpoint_is_given_up_after_days_of_failure_or_when_it_says_so() -> None:
    young = call(2, NOW - timedelta(days=2))
    assert plan.failed(young, "down", now=NOW, roll=0.0).disable is None
    old = call(2, NOW - timedelta(days=3))
    assert plan.failed(old, "down", now=NOW, roll=0.0).disable is not None
    outcome = plan.failed(call(), "410", now=NOW, roll=0.0, gone_for_good=True)
    assert (outcome.state, outcome.disable is not None) == ("failed", True)


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://a.example", "a.example", "https://", "https://u:p@a.example", "file:///x",
        "http://a.example", "http://10.0.0.1/x", "http://127.0.0.1.a.example/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Rejected) as caught:
        plan.check_url(url)
    assert caught.value.field == "url"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]/x"])
def test_a_program_on_this_machine_may_be_called_in_plain_http(url: str) -> None:
    assert plan.check_url(f" {url} ") == url
