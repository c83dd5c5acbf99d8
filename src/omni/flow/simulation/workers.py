"""Workers on virtual time: claim, last gate, wire, record, with the time that passes in between.

What is decided here is decided by the plans of dispatch; this module walks through a run in the
order in which `omni.dispatch.work` does, and dies where a worker may die.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from omni.base.errors import Ambiguous, Rejected
from omni.connectors.types import Receipt
from omni.dispatch import pacing, plan
from omni.dispatch.pacing_types import Quiet
from omni.dispatch.types import Account, Facts, Gate, LaneEnd, Message, Outcome
from omni.flow import follow
from omni.flow.simulation.book import Book, person_of
from omni.flow.simulation.people import People
from omni.flow.simulation.timeline import AT_ONCE, Killed, Machine, Process, Timeline
from omni.flow.simulation.types import Call, Scenario, Taken

EVERY = timedelta(hours=1)
"""The timetable asks for a run this often, whatever happens."""

_LOOKED_AFTER = timedelta(seconds=1)
_MOST_LOOKS = 500


@dataclass(slots=True)
class _Hours:
    """At which hours a run writes to whom, as `omni.dispatch.work` keeps it."""

    quiets: Mapping[str, frozenset[Quiet]]
    wakes: list[datetime] = field(default_factory=list[datetime])
    left: set[str] = field(default_factory=set[str])


class Workers:
    """The machines that send, and the clock that they read."""

    def __init__(
        self, scenario: Scenario, timeline: Timeline, book: Book, people: People, rng: Random
    ) -> None:
        self._scenario, self._timeline, self._book = scenario, timeline, book
        self._people, self._rng = people, rng
        self._limits = {sender.account.id: sender.limits for sender in scenario.senders}
        self._asked: set[datetime] = set()

    def clock(self) -> datetime:
        """Return what the machines' clock shows: ahead of the time, until it is set back."""
        scenario, now = self._scenario, self._timeline.now
        back = scenario.clock_set_back_after
        fast = back is not None and now < scenario.start + back
        return now + scenario.clock_fast_by if fast else now

    def begin(self) -> None:
        """Start every worker."""
        for _ in range(self._scenario.workers):
            self._restart(AT_ONCE)

    def _restart(self, after: timedelta) -> None:
        machine = Machine()
        self._timeline.start(self._hourly(machine), machine, after=after)
        self._timeline.start(self._watch(machine), after=after)

    def _watch(self, machine: Machine) -> Process:
        """Start another worker in the place of one that died."""
        while machine.alive:
            yield timedelta(seconds=30)
        self._restart(timedelta(seconds=self._rng.uniform(1, 1_200)))

    def _hourly(self, machine: Machine) -> Process:
        while True:
            self._timeline.start(self._run(machine), machine)
            yield EVERY

    def _run(self, machine: Machine) -> Process:
        """Send as far as every gate and limit allows, as a job does; then ask for the next one."""
        book, now = self._book, self.clock()
        book.recover(now - plan.LOST_AFTER, now)
        able = [account for account in book.accounts.values() if account.status == "active"]
        ends: list[LaneEnd] = []
        hours = _Hours(plan.quiets_of(able))
        for account in able:
            self._timeline.start(self._lane(account, ends, hours), machine)
        while len(ends) < len(able):
            yield _LOOKED_AFTER
        now = self.clock()
        for job in follow.after_dispatch(self._explain(ends, hours, now)):
            if job.run_at is not None and job.run_at not in self._asked:
                self._asked.add(job.run_at)
                self._timeline.start(self._run(machine), machine, after=job.run_at - now)

    def _explain(self, ends: list[LaneEnd], hours: _Hours, now: datetime) -> datetime | None:
        """Write on waiting messages what they wait for; return when the first may go on."""
        book = self._book
        accounts = list(book.accounts.values())
        moments = [end.at for end in ends if end.platform in hours.left]
        moments.append(min(hours.wakes, default=None))
        for platform in sorted({account.platform for account in accounts}):
            slot = plan.why_waiting(
                [account for account in accounts if account.platform == platform],
                True,
                [end for end in ends if end.platform == platform],
            )
            if slot.gate is None or book.mark_waiting(platform, slot.gate, now):
                moments.append(slot.at)
        return min((at for at in moments if at is not None), default=None)

    def _lane(self, account: Account, ends: list[LaneEnd], hours: _Hours) -> Process:
        """Send from one account until nothing is due or something stops it."""
        if self._book.stop_harm(account.id, self.clock()):
            ends.append(LaneEnd(account.platform, Gate.HARM, None, account.id))
            return
        passed: set[int] = set()
        for _ in range(_MOST_LOOKS):
            claimed = self._claim(account, hours, passed)
            if isinstance(claimed, LaneEnd):
                ends.append(claimed)
                return
            yield from self._passing(0.001, 0.2)
            willing = claimed and self._willing(claimed)
            message = willing and self._pass_last_gate(account, willing, hours, passed)
            if not message:
                continue
            order, gate_at, read_at = self._book.commit(), self._timeline.now, self.clock()
            yield from self._passing(0.001, 0.5)
            taken, outcome = self._wire(message)
            self._people.called(
                Call(
                    order, gate_at, read_at, self._timeline.now, account.id, person_of(message),
                    message.campaign_id, message.step, message.id, message.body_hash, taken,
                )
            )  # fmt: skip
            yield from self._passing(0.05, 3.0)
            self._book.record(message, outcome, self.clock())
            if outcome.state in ("failed", "ambiguous"):
                self._book.stop_harm(account.id, self.clock())
            yield from self._passing(0.001, 0.1)
            if outcome.gate is not None:
                ends.append(
                    LaneEnd(account.platform, outcome.gate, outcome.lane_resumes_at, account.id)
                )
                return
        ends.append(LaneEnd(account.platform, None, self.clock(), account.id))

    def _passing(self, least_s: float, most_s: float) -> Process:
        """Let time pass, and now and then die before or after it."""
        killed = self._scenario.odds.killed
        if self._rng.random() < killed / 2:
            self._book.trace.count("workers killed")
            raise Killed
        yield timedelta(seconds=self._rng.uniform(least_s, most_s))
        if self._rng.random() < killed / 2:
            self._book.trace.count("workers killed")
            raise Killed

    def _claim(self, account: Account, hours: _Hours, passed: set[int]) -> Message | LaneEnd | None:
        """Take the message that is next for this account, in one commit."""
        book, now = self._book, self.clock()
        current = book.accounts[account.id]
        if current.status != "active":
            return LaneEnd(account.platform, plan.pause_gate(current), None, account.id)
        charged = pacing.charged_times(book.charges(account.id, now), now)
        slot = pacing.next_slot(self._limits[account.id], charged, now)
        if slot.gate is not None:
            return LaneEnd(account.platform, slot.gate, slot.at, account.id)
        picked = book.pick(account, now, passed)
        if picked is None:
            return LaneEnd(account.platform, None, None, account.id)
        if self._is_held(picked, account, now, hours, passed):
            return None
        return book.claim(picked, account.id, now)

    def _willing(self, claimed: Message) -> Message | None:
        """Ask the platform whether this person takes messages; hold the message if not."""
        if person_of(claimed) not in self._book.trace.unwilling:
            return claimed
        self._book.hold_claim(claimed, plan.declined("takes no messages", self.clock()))
        return None

    def _pass_last_gate(
        self, account: Account, claimed: Message, hours: _Hours, passed: set[int]
    ) -> Message | None:
        """Ask every gate once more, and commit `sending`."""
        now = self.clock()
        message = self._book.messages[claimed.id]
        same = (message.state, message.account_id, message.claimed_at) == (
            "claimed",
            account.id,
            claimed.claimed_at,
        )
        if not same or self._is_held(message, account, now, hours, passed):
            return None
        wire = plan.at_the_wire(self._book.accounts[account.id], message, now)
        if wire.gate is not None and wire.at is not None:
            self._book.set_aside(message, wire.gate, wire.at)
            return None
        return self._book.start_sending(message, now)

    def _is_held(
        self, message: Message, account: Account, now: datetime, hours: _Hours, passed: set[int]
    ) -> bool:
        facts = self._book.facts(message, account.id, now)
        gate = plan.gate_of(message, facts, now)
        if gate is None:
            return self._is_asleep(message, account, facts, now, hours, passed)
        if gate is Gate.SENDER and facts.other_sender is not None:
            self._book.bind(message, facts.other_sender)
        else:
            self._book.set_aside(message, gate, plan.opens_at(gate, facts, now))
        return True

    def _is_asleep(
        self,
        message: Message,
        account: Account,
        facts: Facts,
        now: datetime,
        hours: _Hours,
        passed: set[int],
    ) -> bool:
        """Put a message off, or leave it to another account, if it is not its person's hour."""
        bound = message.id in self._book.bound
        others = frozenset[Quiet]() if bound else hours.quiets[account.platform]
        slot = plan.recipient_slot(self._limits[account.id].quiet, others, facts, now)
        if slot.gate is None:
            return False
        self._book.trace.count(f"held: {slot.gate}")
        until = plan.put_off_until(slot, message, now, passed=len(passed))
        if until > now:
            hours.wakes.append(until)
        else:
            passed.add(message.id)
            hours.left.add(account.platform)
        self._book.set_aside(message, slot.gate, until)
        return True

    def _wire(self, message: Message) -> tuple[Taken, Outcome]:
        """Return what the platform did, and what the worker makes of it."""
        odds, dice, now = self._scenario.odds, self._rng.random(), self.clock()
        if plan.is_late(message, now):
            return "no", plan.not_taken(message, "the worker slept before the wire", now, None)
        if dice < odds.refused:
            return "no", plan.refused(Rejected("does not take messages"))
        dice -= odds.refused
        if dice < odds.busy:
            wait_s = self._rng.uniform(1, 900)
            return "no", plan.not_taken(message, "429 Too Many Requests", now, wait_s)
        dice -= odds.busy
        if dice < odds.doubtful:
            taken: Taken = "perhaps" if dice < odds.doubtful / 2 else "no"
            return taken, plan.doubtful(Ambiguous("timed out"))
        return "yes", plan.taken(Receipt(f"m{message.id}", now))
