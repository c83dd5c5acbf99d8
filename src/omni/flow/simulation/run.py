"""One simulation from its first moment to its last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from omni.dispatch.pacing_types import Limits, Quiet, Warmup
from omni.dispatch.types import (
    Account,
)
from omni.flow.simulation.book import Book
from omni.flow.simulation.people import People
from omni.flow.simulation.timeline import Timeline
from omni.flow.simulation.types import NO_ODDS, Odds, Scenario, Sender, Simulated, Trace
from omni.flow.simulation.workers import Workers

START = datetime(2026, 10, 12, tzinfo=UTC)
"""In the 30 days from here the clocks change in Europe (October 25) and America (November 1)."""


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
                Limits(8, 40, 220),
                gap=timedelta(minutes=2),
                quiet=Quiet("Europe/Berlin", 20 * 60, 8 * 60),
            ),
            sender(
                2,
                "bluesky",
                "new-york",
                Limits(6, 30, 150),
                quiet=Quiet("America/New_York", 22 * 60, 7 * 60, frozenset({6, 7})),
                warmup=Warmup(START, 5, 14),
            ),
            sender(
                3,
                "mastodon",
                "kolkata",
                Limits(10, 60, 300),
                gap=timedelta(seconds=90),
                jitter=timedelta(minutes=3),
                quiet=Quiet("Asia/Kolkata", 21 * 60 + 30, 9 * 60),
            ),
            sender(4, "matrix", "london", Limits(6, 25, 175), warmup=Warmup(START, 3, 10)),
        ),
        seed=seed,
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
        leads_per_day=80,
        leads_at_start=300,
        step_delays=(),
        odds=NO_ODDS,
        pauses_per_day=0,
        opt_outs_per_day=0,
    )


def sender(number: int, platform: str, handle: str, limits: Limits, **further: Any) -> Sender:
    """Return an active account that was made when everything begins, and its limits."""
    fields: dict[str, Any] = dict.fromkeys(Account.__slots__) | {
        "id": number,
        "platform": platform,
        "handle": handle,
        "hourly_limit": limits.hourly,
        "daily_limit": limits.daily,
        "status": "active",
        "created_at": START,
    }
    return Sender(Account(**fields), replace(limits, seed=handle, **further))
