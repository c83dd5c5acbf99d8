"""What a simulation is told, and what it remembers of what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from zlib import crc32

from omni.dispatch.pacing_types import Limits
from omni.dispatch.types import Account, Message

Person = tuple[str, str]
"""Platform and immutable id."""

Taken = Literal["yes", "no", "perhaps"]


@dataclass(frozen=True, slots=True)
class Sender:
    """A sending identity of a scenario, with the limits that it keeps."""

    account: Account
    limits: Limits


@dataclass(frozen=True, slots=True)
class Odds:
    """How often something goes wrong, or comes back; each is a share of 1.

    Attributes:
        refused: Of calls: the platform refuses this message for good.
        busy: Of calls: the platform surely took nothing, and asks to be left alone for a while.
        doubtful: Of calls: nobody knows; half of these were taken.
        killed: Of moments in a lane (claim, gate, wire, record): the worker dies there.
        unwilling: Of people: they take no messages, says the platform when it is asked.
        replies: Of messages that were taken: the person writes back.
        blocks: Of messages that were taken: the person blocks the account.
        changed_mind: Of approvals: the text is edited afterwards, which voids the approval.
        turned_down: Of drafts: rejected by the person who reads them.
    """

    refused: float = 0.01
    busy: float = 0.01
    doubtful: float = 0.005
    killed: float = 0.002
    unwilling: float = 0.03
    replies: float = 0.15
    blocks: float = 0.006
    changed_mind: float = 0.05
    turned_down: float = 0.03


NO_ODDS = Odds(0, 0, 0, 0, 0, 0, 0, 0, 0)
"""Nothing goes wrong, and nobody answers."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world to simulate.

    Attributes:
        start: When it begins, in UTC.
        days: How long it runs.
        senders: The sending identities, with their limits.
        campaigns: How many there are; each writes to people of every platform.
        leads_per_day: New people of one campaign and platform in a day; some are in two campaigns.
        leads_at_start: New people of one campaign and platform when it begins.
        step_delays: How long after step n was sent step n + 1 is drafted.
        workers: Processes that send.
        odds: What goes wrong, and what comes back.
        pauses_per_day: How often a person pauses an account or a campaign; resumed hours later.
        opt_outs_per_day: People who ask for an end out of the blue, or on another way.
        clock_fast_by: How much the machines' clock is ahead until it is set back.
        clock_set_back_after: When it is set back; None: it is right all the time.
        countries: Where people say that they are, each as often; None: they do not say.
    """

    start: datetime
    days: int
    senders: tuple[Sender, ...]
    seed: int = 1
    campaigns: int = 2
    leads_per_day: int = 30
    leads_at_start: int = 100
    step_delays: tuple[timedelta, ...] = (timedelta(days=3), timedelta(days=5))
    workers: int = 2
    odds: Odds = Odds()
    pauses_per_day: float = 0.5
    opt_outs_per_day: float = 2.0
    clock_fast_by: timedelta = timedelta(0)
    clock_set_back_after: timedelta | None = None
    countries: tuple[str | None, ...] = (None,)

    def country_of(self, person: Person) -> str | None:
        """Return where somebody says that they are, always the same; None: they do not say."""
        return self.countries[crc32(repr(person).encode()) % len(self.countries)]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a platform.

    Attributes:
        order: Its place among everything that was committed.
        gate_at: When `sending` was committed, in true time.
        read_at: What the worker's clock showed then.
        wire_at: When the platform was called, in true time.
        text_hash: SHA-256 of recipient and text, as they went out.
    """

    order: int
    gate_at: datetime
    read_at: datetime
    wire_at: datetime
    account_id: int
    person: Person
    campaign_id: int
    step: int
    message_id: int
    text_hash: str
    taken: Taken


@dataclass(frozen=True, slots=True)
class Pause:
    """An account or a campaign that must not send from one commit to another; None: to the end."""

    kind: Literal["account", "campaign"]
    id: int
    from_order: int
    to_order: int | None = None


@dataclass(slots=True)
class Trace:
    """What happened, written down where it happened; the checks read nothing else."""

    calls: list[Call] = field(default_factory=list[Call])
    approvals: dict[int, list[tuple[int, str | None]]] = field(
        default_factory=dict[int, list[tuple[int, str | None]]]
    )
    suppressed: dict[Person, int] = field(default_factory=dict[Person, int])
    unwilling: set[Person] = field(default_factory=set[Person])
    replied: dict[Person, int] = field(default_factory=dict[Person, int])
    pauses: list[Pause] = field(default_factory=list[Pause])
    counts: dict[str, int] = field(default_factory=dict[str, int])

    def approve(self, message_id: int, order: int, text_hash: str | None) -> None:
        """Write down which text of a message is approved from here on; None: none is any more."""
        self.approvals.setdefault(message_id, []).append((order, text_hash))

    def approved(self, message_id: int, before: int) -> str | None:
        """Return the SHA-256 of the text of a message that was approved right before a place."""
        known = [text for order, text in self.approvals.get(message_id, []) if order < before]
        return known[-1] if known else None

    def count(self, what: str) -> None:
        """Count something that happened, by its name."""
        self.counts[what] = self.counts.get(what, 0) + 1


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant, and what broke it; nothing did where `broken_by` is empty.

    Attributes:
        name: What must hold, in words.
        looked_at: How many things were looked at.
        broken_by: The first few that break it, in words.
    """

    name: str
    looked_at: int
    broken_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulation that has ended."""

    scenario: Scenario
    trace: Trace
    messages: tuple[Message, ...]
    ended_at: datetime
