"""One simulation from its first moment to its last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from omni.dispatch.pacing import limits_of
from omni.dispatch.types import Account
from omni.flow.simulation.book import Book
from omni.flow.simulation.people import People
from omni.flow.simulation.timeline import Timeline
from omni.flow.simulation.types import NO_ODDS, Odds, Scenario, Sender, Simulated, Trace
from omni.flow.simulation.workers import Workers

START = datetime(2026, 10, 12, tzinfo=UTC)
"""In the 30 days from here the clocks change in Europe (October 25) and America (November 1)."""

COUNTRIES = (None, "DE", "US", "JP", "IN", "BR")
"""Where people say that they are; of those who do not, only the account's own clock is known."""


def simulate(scenario: Scenario) -> Simulated:
    """Let a scenario happen; the same scenario happens in the same way every time."""
    trace = Trace()
    timeline, book = Timeline(scenario.start), Book(scenario, trace)
    people = People(scenario, timeline, book, _dice("people", scenario))
    workers = Workers(scenario, timeline, book, people, _dice("workers", scenario))
    people.begin()
    workers.begin()
    ended_at = scenario.start + timedelta(days=scenario.days)
    timeline.run(until=ended_at)
    return Simulated(scenario, trace, book.as_read(), ended_at)


def _dice(name: str, scenario: Scenario) -> Random:
    return Random(f"{name} {scenario.seed}")  # noqa: S311 - it decides about a made-up world


def lively(*, seed: int = 1, days: int = 30) -> Scenario:
    """Return accounts in four zones, with everything that goes wrong and comes back."""
    return Scenario(
        start=START,
        days=days,
        senders=(
            sender(
                1,
                "bluesky",
                "berlin",
                hourly_limit=8,
                daily_limit=40,
                weekly_limit=220,
                gap_s=120,
                zone="Europe/Berlin",
                quiet_from=20 * 60,
                quiet_to=8 * 60,
            ),
            sender(
                2,
                "bluesky",
                "new-york",
                hourly_limit=6,
                daily_limit=30,
                weekly_limit=150,
                zone="America/New_York",
                quiet_from=22 * 60,
                quiet_to=7 * 60,
                quiet_days=(6, 7),
                warmup_from=START,
                warmup_first=5,
                warmup_days=14,
            ),
            sender(
                3,
                "mastodon",
                "kolkata",
                hourly_limit=10,
                daily_limit=60,
                weekly_limit=300,
                gap_s=90,
                jitter_s=180,
                zone="Asia/Kolkata",
                quiet_from=21 * 60 + 30,
                quiet_to=9 * 60,
            ),
            sender(
                4,
                "matrix",
                "london",
                hourly_limit=6,
                daily_limit=25,
                weekly_limit=175,
                warmup_from=START,
                warmup_first=3,
                warmup_days=10,
            ),
        ),
        seed=seed,
        countries=COUNTRIES,
        odds=Odds(),
        clock_fast_by=timedelta(minutes=50),
        clock_set_back_after=timedelta(days=days / 3),
    )


def busy(*, seed: int = 1, days: int = 30) -> Scenario:
    """Return the same accounts with more to send than they may, and nothing that goes wrong."""
    calm = lively(seed=seed, days=days)
    return Scenario(
        start=calm.start,
        days=days,
        senders=calm.senders,
        seed=seed,
        countries=COUNTRIES,
        leads_per_day=80,
        leads_at_start=300,
        step_delays=(),
        odds=NO_ODDS,
        pauses_per_day=0,
        opt_outs_per_day=0,
    )


def sender(number: int, platform: str, handle: str, **pacing: Any) -> Sender:
    """Return an active account that was made when everything begins, and its limits."""
    held: dict[str, Any] = dict.fromkeys(Account.__slots__)
    known: dict[str, Any] = {
        "id": number,
        "platform": platform,
        "handle": handle,
        "status": "active",
    }
    usual: dict[str, Any] = {
        "gap_s": 0,
        "jitter_s": 0,
        "zone": "UTC",
        "quiet_from": 0,
        "quiet_to": 0,
    }
    usual |= {"quiet_days": (), "warmup_first": 5, "warmup_days": 14, "created_at": START}
    account = Account(**(held | known | usual | pacing))
    return Sender(account, limits_of(account))
