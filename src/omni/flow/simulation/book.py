"""The ledger of messages in memory: what the queries of dispatch do, one commit at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import heappush
from typing import Any, Literal

from omni.dispatch import harm, plan, rules
from omni.dispatch.pacing_types import Tries
from omni.dispatch.types import Account, Charge, Facts, Gate, Message, Outcome, PausedBy
from omni.flow.simulation.queues import Queue, first_due
from omni.flow.simulation.types import Pause, Person, Scenario, Trace

_KEPT = timedelta(days=9)
_LEAD_OPEN = ("new", "contacted", "replied")
_WRITTEN = ("sending", "sent", "ambiguous")


def person_of(message: Message) -> Person:
    """Return whom a message is to."""
    return (message.platform, message.platform_id)


class Book:
    """Accounts, messages and what is known of people; each method is one transaction."""

    def __init__(self, scenario: Scenario, trace: Trace) -> None:
        self.trace = trace
        self._country_of = scenario.country_of
        self.accounts = {sender.account.id: sender.account for sender in scenario.senders}
        self.messages: dict[int, Message] = {}
        self.campaign_status: dict[int, str] = dict.fromkeys(
            range(1, scenario.campaigns + 1), "active"
        )
        self.leads: dict[tuple[int, Person], str] = {}
        self.commits = 0
        self._ids: dict[tuple[Person, int, int], int] = {}
        self._of_person: dict[Person, list[int]] = defaultdict(list)
        self._queues: dict[str | int, Queue] = defaultdict(Queue)
        self.bound: dict[int, int] = {}
        self._tried: dict[int, dict[int, datetime]] = defaultdict(dict)
        self._came_back: dict[int, str] = {}
        self._charged: dict[int, dict[int, datetime]] = defaultdict(dict)
        self._in_flight: set[int] = set()
        self._pauses: dict[int, Callable[[], None]] = {}
        self._noted: dict[str, tuple[Gate, datetime]] = {}

    def commit(self) -> int:
        """Return the place of a change among all changes."""
        self.commits += 1
        return self.commits

    def begin_pause(self, kind: Literal["account", "campaign"], chosen: int) -> Callable[[], None]:
        """Note that something is paused from now on; call what is returned when it is resumed."""
        pauses, place = self.trace.pauses, len(self.trace.pauses)
        pauses.append(Pause(kind, chosen, self.commit()))

        def end() -> None:
            pauses[place] = replace(pauses[place], to_order=self.commit())

        return end

    def of_person(self, person: Person) -> Iterator[Message]:
        """Yield every message to this person."""
        return (self.messages[number] for number in self._of_person.get(person, ()))

    def has_step(self, person: Person, campaign_id: int, step: int) -> bool:
        """Tell whether there is a message of this step already."""
        return (person, campaign_id, step) in self._ids

    def draft(self, person: Person, campaign_id: int, step: int, now: datetime) -> Message | None:
        """Write a message that waits for approval; None if there is one for this step."""
        if self.has_step(person, campaign_id, step):
            return None
        body = f"Hello {person[1]}, step {step} of campaign {campaign_id}."
        fields: dict[str, Any] = dict.fromkeys(Message.__slots__) | {
            "id": len(self.messages) + 1,
            "campaign_id": campaign_id,
            "lead_id": len(self.messages) + 1,
            "platform": person[0],
            "platform_id": person[1],
            "username": person[1],
            "step": step,
            "body": body,
            "body_hash": rules.body_hash(*person, body),
            "state": "pending",
            "held_by": Gate.APPROVAL,
            "created_at": now,
        }
        message = Message(**fields)
        self._ids[(person, campaign_id, step)] = message.id
        self._of_person[person].append(message.id)
        self.leads.setdefault((campaign_id, person), "new")
        self.messages[message.id] = message
        return message

    def approve(self, message_id: int, seen_hash: str, now: datetime) -> None:
        """Approve the text that a person has seen, if it is still that one."""
        message = self.messages[message_id]
        if message.state != "pending" or message.body_hash != seen_hash:
            return
        self.trace.approve(message_id, self.commit(), seen_hash)
        self._put(
            message,
            state="approved",
            approved_hash=seen_hash,
            approved_at=now,
            eligible_at=now,
            held_by=None,
        )

    def edit(self, message_id: int, body: str) -> None:
        """Change a text that is not on its way; its approval is void."""
        message = self.messages[message_id]
        if message.state not in ("pending", "approved"):
            return
        self.trace.approve(message_id, self.commit(), None)
        self._put(
            message,
            state="pending",
            body=body,
            body_hash=rules.body_hash(*person_of(message), body),
            approved_hash=None,
            approved_at=None,
            eligible_at=None,
            held_by=Gate.APPROVAL,
        )

    def cancel(self, message_id: int, reason: str) -> None:
        """Cancel a message that is not on the wire yet."""
        message = self.messages[message_id]
        if message.state in ("pending", "approved", "claimed"):
            self._uncharge(message)
            self._put(message, state="cancelled", error=reason, held_by=None, eligible_at=None)

    def suppress(self, person: Person) -> None:
        """Never write to this person again."""
        if person not in self.trace.suppressed:
            self.trace.suppressed[person] = self.commit()

    def answered(self, person: Person) -> None:
        """Note that this person has written back to a campaign."""
        self.trace.replied.setdefault(person, self.commit())
        for message in self.of_person(person):
            if message.state in ("sent", "ambiguous"):
                self.leads[(message.campaign_id, person)] = "replied"

    def recover(self, lost_before: datetime, now: datetime) -> int:
        """Give back claims and doubt sendings whose worker is gone; return how many."""
        recovered = 0
        for number in sorted(self._in_flight):
            message = self.messages[number]
            if message.claimed_at is None or message.claimed_at > lost_before:
                continue
            if message.state == "claimed":
                self._uncharge(message)
                self._put(message, state="approved", account_id=None, claimed_at=None)
            elif message.sending_at is not None and message.sending_at <= lost_before:
                self._charge(message, now)
                self._put(message, state="ambiguous", error="the worker was lost")
            else:
                continue
            recovered += 1
        return recovered

    def charges(self, account_id: int, now: datetime) -> list[Charge]:
        """Return the uses of the account's allowance."""
        charged = self._charged[account_id]
        for number in [n for n, at in charged.items() if at < now - _KEPT]:
            del charged[number]
        return [Charge(at, number in self._in_flight) for number, at in charged.items()]

    def pick(self, account: Account, now: datetime, passed: Collection[int]) -> Message | None:
        """Return the message that is next for this account; whom it has written to come first."""
        return self._first(account.id, now, ()) or self._first(account.platform, now, passed)

    def _first(self, queue_of: int | str, now: datetime, passed: Collection[int]) -> Message | None:
        """Return what has been eligible for the longest time, of an account or of nobody's."""

        def stands(at: datetime, number: int) -> bool:
            message = self.messages[number]
            own = self.bound.get(number, message.platform) == queue_of
            return own and message.state == "approved" and message.eligible_at == at

        number = first_due(self._queues[queue_of], now, stands, passed)
        return None if number is None else self.messages[number]

    def facts(self, message: Message, account_id: int, now: datetime) -> Facts:
        """Return what the gates ask about a message, as it is at this moment."""
        person = person_of(message)
        others = [m for m in self.of_person(person) if m.id != message.id and m.sending_at]
        lead = self.leads.get((message.campaign_id, person), "gone")
        first = min(others, key=lambda m: (m.sending_at, m.id), default=None)
        written = [m.sent_at or m.sending_at for m in others if m.state in _WRITTEN]
        return Facts(
            suppressed=person in self.trace.suppressed,
            refuses=False,
            lead_closed=lead not in _LEAD_OPEN,
            in_conversation=lead == "replied"
            or any(
                self._is_open(other, now - plan.CONVERSATION)
                for other in others
                if other.campaign_id != message.campaign_id
            ),
            campaign_active=self.campaign_status[message.campaign_id] == "active",
            account_active=self.accounts[account_id].status == "active",
            other_sender=None
            if first is None or first.account_id == account_id
            else first.account_id,
            written_at=max((at for at in written if at is not None), default=None),
            country=self._country_of(person),
        )

    def _is_open(self, other: Message, since: datetime) -> bool:
        """Tell whether another campaign is in conversation with the person of this message."""
        if other.state != "sent":
            return other.state in ("sending", "ambiguous")
        answered = self.leads.get((other.campaign_id, person_of(other))) == "replied"
        return answered or (other.sent_at is not None and other.sent_at > since)

    def bind(self, message: Message, account_id: int) -> None:
        """Leave a message to the account that wrote to this person first."""
        self._uncharge(message)
        self.bound[message.id] = account_id
        self._put(message, state="approved", held_by=Gate.SENDER, account_id=None, claimed_at=None)

    def set_aside(self, message: Message, gate: Gate, eligible_at: datetime) -> None:
        """Hold a message by the gate that names it."""
        self._uncharge(message)
        self._put(
            message,
            state="pending" if gate is Gate.APPROVAL else "approved",
            held_by=gate,
            eligible_at=eligible_at,
            account_id=None,
            claimed_at=None,
        )

    def claim(self, message: Message, account_id: int, now: datetime) -> Message:
        """Take a message for an account, and charge it."""
        claimed = self._put(
            message, state="claimed", account_id=account_id, claimed_at=now, held_by=None
        )
        self._in_flight.add(message.id)
        self._charge(claimed, now)
        return claimed

    def start_sending(self, message: Message, now: datetime) -> Message:
        """Commit that it goes to the wire."""
        self._charge(message, now)
        assert message.account_id is not None
        self._tried[message.account_id][message.id] = now
        for other in list(self.of_person(person_of(message))):
            if other.state in ("pending", "approved") and other.id != message.id:
                self.bound[other.id] = message.account_id
                self._put(other)
        return self._put(message, state="sending", sending_at=now)

    def hold_claim(self, claimed: Message, held: Outcome) -> None:
        """Free a claim and say what holds its message."""
        message = self.messages[claimed.id]
        if message.state == "claimed" and message.claimed_at == claimed.claimed_at:
            self._uncharge(message)
            self._put(
                message,
                state="approved",
                held_by=held.gate,
                error=held.error,
                eligible_at=held.eligible_at,
                account_id=None,
                claimed_at=None,
            )

    def record(self, was: Message, outcome: Outcome, now: datetime) -> bool:
        """Write what came of it; False if somebody has settled it meanwhile."""
        message = self.messages[was.id]
        same = (message.account_id, message.claimed_at) == (was.account_id, was.claimed_at)
        known = outcome.state in ("sent", "failed")
        if not same or not (message.state == "sending" or (message.state == "ambiguous" and known)):
            return False
        if outcome.state in ("sent", "ambiguous"):
            self._charge(message, now)
        else:
            self._uncharge(message)
        back = outcome.state == "approved"
        self._put(
            message,
            state=outcome.state,
            error=outcome.error,
            held_by=outcome.gate,
            eligible_at=outcome.eligible_at,
            sent_at=now if outcome.state == "sent" else None,
            account_id=None if back else message.account_id,
            claimed_at=None if back else message.claimed_at,
            sending_at=None if back else message.sending_at,
        )
        if outcome.state == "sent":
            self.leads[(message.campaign_id, person_of(message))] = "contacted"
        return True

    def mark_waiting(self, platform: str, gate: Gate, now: datetime) -> bool:
        """Note what holds the platform's due messages; return whether there are any."""
        self._noted[platform] = (gate, now)
        own = [a.id for a in self.accounts.values() if a.platform == platform]
        return any(self._first(queue_of, now, ()) for queue_of in (platform, *own))

    def as_read(self) -> tuple[Message, ...]:
        """Return every message, as a person would read it: with the gate that holds it."""
        return tuple(map(self._as_read, self.messages.values()))

    def _as_read(self, message: Message) -> Message:
        noted = self._noted.get(message.platform)
        due = message.state == "approved" and message.eligible_at is not None
        if due and noted and message.eligible_at and message.eligible_at <= noted[1]:
            return replace(message, held_by=noted[0])
        return message

    def pause(self, account_id: int, reason: str, by: PausedBy, now: datetime) -> None:
        """Pause an account that is active."""
        account = self.accounts[account_id]
        if account.status == "active":
            self.trace.count(f"accounts paused by {by}")
            self.accounts[account_id] = replace(
                account, status="paused", pause_reason=reason, paused_by=by, paused_at=now
            )
            self._pauses[account_id] = self.begin_pause("account", account_id)

    def resume(self, account_id: int, now: datetime) -> None:
        """Let an account send on, because a person says so; what waited for it is due at once."""
        account = self.accounts[account_id]
        if account.status == "paused":
            self._pauses.pop(account_id)()
            self.accounts[account_id] = replace(
                account, status="active", pause_reason=None, paused_by=None, resumed_at=now
            )
            for gate in (Gate.ACCOUNT, Gate.HARM):
                self.release(gate, now)

    def came_back(self, person: Person, kind: str) -> None:
        """Note on what was sent to a person what came back of it."""
        for message in self.of_person(person):
            if message.sending_at is not None:
                self._came_back.setdefault(message.id, kind)

    def tries(self, account_id: int, now: datetime) -> Tries:
        """Return what became of the account's last messages since a person last resumed it."""
        account = self.accounts[account_id]
        since = account.resumed_at or account.created_at
        tried = [n for n, at in self._tried[account_id].items() if at > since][-harm.SAMPLE :]
        states = [self.messages[number].state for number in tried]
        told = [self._came_back.get(number) for number in tried]
        errors = states.count("failed") + states.count("ambiguous")
        return Tries(
            tried=errors + states.count("sent"),
            errors=errors,
            sent=states.count("sent"),
            blocked=told.count("blocked"),
            opted_out=told.count("opt_out"),
            bounced=0,
            awaited=0,
            delivered=0,
        )

    def stop_harm(self, account_id: int, now: datetime) -> bool:
        """Pause an account that does harm; return whether it did."""
        reason = harm.harm_of(self.tries(account_id, now))
        if reason is not None:
            self.pause(account_id, reason, "harm", now)
        return reason is not None

    def release(self, gate: Gate, now: datetime) -> None:
        """Make due what this gate held."""
        for message in list(self.messages.values()):
            if message.state == "approved" and message.held_by == gate:
                self._put(message, held_by=None, eligible_at=now)

    def _charge(self, message: Message, now: datetime) -> None:
        assert message.account_id is not None
        self._charged[message.account_id][message.id] = now

    def _uncharge(self, message: Message) -> None:
        if message.account_id is not None:
            self._charged[message.account_id].pop(message.id, None)

    def _put(self, message: Message, **changes: Any) -> Message:
        changed = replace(message, **changes)
        self.messages[message.id] = changed
        if changed.state not in ("claimed", "sending"):
            self._in_flight.discard(changed.id)
        if changed.state == "approved" and changed.eligible_at is not None:
            queue_of = self.bound.get(changed.id, changed.platform)
            heappush(self._queues[queue_of], (changed.eligible_at, changed.id))
        return changed
