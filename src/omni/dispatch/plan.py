"""What may be sent, and when: decided from values alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from omni.base.errors import Rejected
from omni.connectors.types import Receipt
from omni.dispatch.held import HELP
from omni.dispatch.held import Sender as Sender
from omni.dispatch.held import why_held as why_held
from omni.dispatch.held import why_one as why_one
from omni.dispatch.pacing import CLOCK_SLACK, limits_of, slot_for
from omni.dispatch.pacing import DAY as DAY
from omni.dispatch.pacing import HOUR as HOUR
from omni.dispatch.pacing import warming_up as warming_up
from omni.dispatch.pacing_types import Quiet
from omni.dispatch.quiet import open_span
from omni.dispatch.rules import body_hash as body_hash
from omni.dispatch.rules import message_key as message_key
from omni.dispatch.template import check_template as check_template
from omni.dispatch.template import clean
from omni.dispatch.types import (
    Account,
    Facts,
    Gate,
    LaneEnd,
    Message,
    MessageState,
    Outcome,
    PausedBy,
    Slot,
)
from omni.dispatch.zones import zones_of

CONVERSATION: Final = timedelta(days=14)
"""For this long after a message, no other campaign writes to the same person."""

_RECHECKS: Final[Mapping[Gate, timedelta]] = {
    Gate.SUPPRESSED: timedelta(hours=24),
    Gate.RECIPIENT: timedelta(hours=24),
    Gate.LEAD: timedelta(hours=6),
    Gate.CONVERSATION: timedelta(hours=6),
    Gate.NO_HOUR: timedelta(hours=24),
}
_RECHECK: Final = timedelta(minutes=5)
_PAUSES: Final[Mapping[PausedBy, Gate]] = {
    "person": Gate.ACCOUNT,
    "harm": Gate.HARM,
    "credentials": Gate.CREDENTIALS,
}

COOLDOWN: Final = timedelta(hours=24)
"""The least time between two messages to one person, whoever sends them, where nobody says."""

LOST_AFTER: Final = timedelta(minutes=10)
"""A claim or a sending that is older belongs to a worker that is gone."""

WIRE_DEADLINE: Final = timedelta(minutes=2)
"""A worker that slept longer than this between the last gate and the wire must not send."""

OPEN_STATES: Final[tuple[MessageState, ...]] = (
    "pending", "approved", "claimed", "sending", "ambiguous",
)  # fmt: skip
"""With a message in one of these states, or recently `sent`, a conversation is open."""

MAX_PASSED: Final = 200
"""The most messages that an account leaves to others in one run without moving them."""

_LEAST_WAIT_S = 60.0
_MOST_WAIT_S = 21_600.0
_MAX_ERROR = 500


def gate_of(
    message: Message, facts: Facts, now: datetime, cooldown: timedelta = COOLDOWN
) -> Gate | None:
    """Return the one gate that holds this message, or None if it may go to the wire.

    Args:
        message: As it is at this moment.
        facts: What is known of its person, campaign and account at this moment.
        now: The present moment.
        cooldown: The least time between two messages to one person, whoever sends them.
    """
    if not _is_approved(message):
        return Gate.APPROVAL
    if facts.suppressed:
        return Gate.SUPPRESSED
    if facts.refuses:
        return Gate.RECIPIENT
    if facts.lead_closed:
        return Gate.LEAD
    if facts.in_conversation:
        return Gate.CONVERSATION
    if not facts.campaign_active:
        return Gate.CAMPAIGN
    if facts.written_at is not None and now < facts.written_at + cooldown:
        return Gate.COOLDOWN
    if facts.other_sender is not None:
        return Gate.SENDER
    if not facts.account_active:
        return Gate.ACCOUNT
    return None


def opens_at(gate: Gate, facts: Facts, now: datetime, cooldown: timedelta = COOLDOWN) -> datetime:
    """Return when a message that this gate holds is looked at again."""
    if gate is Gate.COOLDOWN and facts.written_at is not None:
        return facts.written_at + cooldown
    return now + recheck_after(gate)


def recipient_slot(quiet: Quiet, others: Collection[Quiet], facts: Facts, now: datetime) -> Slot:
    """Return when a person may be written to by the clock where they are.

    Args:
        quiet: Of the account that asks.
        others: Of the other accounts that may write to them.
        facts: Where they say that they are, among others.
        now: The present moment.

    Returns:
        With a gate, the account that asks may not write now; where the moment is not ahead, another
        one may.
    """
    zones = zones_of(facts.country, facts.place)
    own = slot_for(quiet, zones, now)
    if own.gate is None:
        return own
    slots = [own, *(slot_for(each, zones, now) for each in others)]
    at = min((slot.at for slot in slots if slot.at is not None), default=None)
    if at is None:
        return Slot(None, Gate.NO_HOUR)
    return Slot(at, own.gate if own.at == at or not zones else Gate.RECIPIENT_QUIET)


def put_off_until(slot: Slot, message: Message, now: datetime, *, passed: int) -> datetime:
    """Return when a message to somebody at whose hours nothing is sent is looked at again.

    One that another account may write now keeps its place for it, unless this one has passed over
    too many of them already.
    """
    assert slot.gate is not None
    if slot.at is not None and slot.at > now:
        return slot.at
    if slot.at is not None and message.eligible_at is not None and passed < MAX_PASSED:
        return message.eligible_at
    return now + recheck_after(slot.gate)


def at_the_wire(account: Account | None, message: Message, now: datetime) -> Slot:
    """Return whether an account may still send what it has claimed, a moment or a minute later.

    Its windows were asked when the claim was charged; it may have been paused since, quiet hours
    may have begun, and the clock may have been set back.
    """
    if account is None or account.status != "active":
        return Slot(now + recheck_after(Gate.ACCOUNT), pause_gate(account))
    if message.claimed_at is not None and now < message.claimed_at - CLOCK_SLACK:
        return Slot(message.claimed_at, Gate.CLOCK)
    opens, _ = open_span(limits_of(account).quiet, now)
    return Slot(opens, Gate.QUIET) if opens > now else Slot(now, None)


def pause_gate(account: Account | None) -> Gate:
    """Return the gate that a paused account is."""
    if account is None or account.paused_by is None:
        return Gate.ACCOUNT
    return _PAUSES[account.paused_by]


def recheck_after(gate: Gate) -> timedelta:
    """Return after how long a message that this gate holds is looked at again.

    Gates that seldom open are asked seldom, so that many such messages do not crowd the others.
    """
    return _RECHECKS.get(gate, _RECHECK)


def _is_approved(message: Message) -> bool:
    """Compare with the text itself: a stored hash could have been changed along with it."""
    written = body_hash(message.platform, message.platform_id, message.body)
    return message.approved_hash == message.body_hash == written


def is_late(message: Message, now: datetime) -> bool:
    """Tell whether too much time has passed since the last gate for its answer to hold.

    A clock that was set back meanwhile cannot tell how much.
    """
    if message.sending_at is None:
        return True
    return not -CLOCK_SLACK <= now - message.sending_at <= WIRE_DEADLINE


def taken(receipt: Receipt) -> Outcome:
    """The platform took the message."""
    return Outcome("sent", platform_message_id=_short(receipt.message_id))


def refused(error: Rejected) -> Outcome:
    """The platform refused this message to this person, for good."""
    return Outcome("failed", error=_short(str(error)))


def doubtful(error: BaseException) -> Outcome:
    """Nobody knows whether the platform took the message."""
    return Outcome("ambiguous", error=_short(f"{type(error).__name__}: {error}"))


def not_accepted(error: str, now: datetime) -> Outcome:
    """The platform does not accept the account: a person has to mend that."""
    return Outcome(
        "approved", error=_short(error), gate=Gate.CREDENTIALS, eligible_at=now + _RECHECK
    )


def declined(reason: str, now: datetime) -> Outcome:
    """The platform says that this person may not be written to; they are asked again later."""
    return Outcome(
        "approved",
        error=_short(reason),
        gate=Gate.RECIPIENT,
        eligible_at=now + recheck_after(Gate.RECIPIENT),
    )


def not_taken(message: Message, error: str, now: datetime, retry_after: float | None) -> Outcome:
    """The platform surely took nothing: the account pauses as asked, the message at least as long.

    A message that fails again and again since its approval waits longer each time, up to an hour,
    so that it does not hold up the others.
    """
    asked = 0.0 if retry_after is None or retry_after != retry_after else retry_after
    resumes_at = now + timedelta(seconds=min(max(asked, _LEAST_WAIT_S), _MOST_WAIT_S))
    age = now - (message.approved_at or now)
    return Outcome(
        "approved",
        error=_short(error),
        gate=Gate.PLATFORM,
        eligible_at=max(resumes_at, now + min(age / 4, HOUR)),
        lane_resumes_at=resumes_at,
    )


def why_waiting(accounts: Sequence[Account], has_sender: bool, ends: Sequence[LaneEnd]) -> Slot:
    """Return the one gate that holds a platform's due messages, and when it opens.

    No gate means that nothing was due any more, or (with a moment) that the run came to its bound.
    """
    if not has_sender:
        return Slot(None, Gate.NO_SENDER)
    if not accounts:
        return Slot(None, Gate.NO_ACCOUNT)
    if not ends:
        return Slot(None, pause_gate(accounts[0]))
    free = [end for end in ends if end.gate is None]
    if free:
        return Slot(min((end.at for end in free if end.at is not None), default=None), None)
    timed = [(end.at, end.gate) for end in ends if end.at is not None]
    if timed:
        return Slot(*min(timed, key=lambda pair: pair[0]))
    return Slot(None, ends[0].gate)


def quiets_of(accounts: Sequence[Account]) -> dict[str, frozenset[Quiet]]:
    """Return the quiet hours that accounts keep, by platform, each of them once."""
    return {
        platform: frozenset(limits_of(a).quiet for a in accounts if a.platform == platform)
        for platform in {account.platform for account in accounts}
    }


def account_slot(account: Account, slot: Slot) -> Slot:
    """Return when an account may send, by its state and (if it is active) by its limits."""
    return slot if account.status == "active" else Slot(None, pause_gate(account))


def help_with(gate: Gate) -> str:
    """Return what a person can do about a gate."""
    return HELP[gate]


def account_gates(
    accounts: Sequence[Account], platforms: frozenset[str], ends: Sequence[LaneEnd]
) -> dict[int, Gate]:
    """Return what holds each account, for the messages that may only go from there."""
    gates = {end.account_id: end.gate for end in ends if end.gate is not None}
    for account in accounts:
        if account.status != "active":
            gates[account.id] = pause_gate(account)
        elif account.platform not in platforms:
            gates[account.id] = Gate.NO_SENDER
    return gates


def _short(text: str) -> str:
    """Return foreign text as it may be stored."""
    return clean(text)[:_MAX_ERROR]
