"""Why nothing is sent: the one gate of each message that waits, when it opens, what helps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from omni.dispatch.types import Account, Gate, Message, MessageState, Slot

HELP: Final[Mapping[Gate, str]] = {
    Gate.APPROVAL: "Read the messages and approve them.",
    Gate.DOUBT: "Nothing: their threads are looked through. They are not sent again.",
    Gate.PERSON: "Look at the platform, and settle whether they have arrived.",
    Gate.SUPPRESSED: "Nothing: these people must not be written to.",
    Gate.RECIPIENT: "Nothing: these people do not take messages. They are asked again daily.",
    Gate.LEAD: "Accept the leads if the campaign wants these people after all.",
    Gate.CONVERSATION: "Nothing: they have written to us, or another campaign has written to them."
    " Go on in the inbox.",
    Gate.CAMPAIGN: "Make the campaign active.",
    Gate.NO_SENDER: "Set up the platform: this installation cannot send there.",
    Gate.NO_ACCOUNT: "Add an account on this platform.",
    Gate.ACCOUNT: "Resume the account if it may send again.",
    Gate.CREDENTIALS: "Enter the account's secret again, then resume it.",
    Gate.HARM: "Find out what went wrong, mend it, then resume the account.",
    Gate.SENDER: "Nothing: they wait for the account that wrote to them first.",
    Gate.COOLDOWN: "Nothing: they were written to a short time ago.",
    Gate.CLOCK: "Set the clock right: it shows a time before what was sent already.",
    Gate.QUIET: "Nothing: they go when quiet hours are over.",
    Gate.RECIPIENT_QUIET: "Nothing: it is night, or a quiet day, where they are. They go after it.",
    Gate.NO_HOUR: "Shorten the account's quiet hours, or add an account nearer to them: there is no"
    " hour at which both are awake.",
    Gate.GAP: "Nothing: they go one after the other.",
    Gate.HOURLY: "Nothing, or raise the account's hourly limit.",
    Gate.DAILY: "Nothing, or raise the account's daily limit.",
    Gate.WEEKLY: "Nothing, or raise the account's weekly limit.",
    Gate.WARMUP: "Nothing: the account is new, and sends a little more each day.",
    Gate.JITTER: "Nothing: a random delay makes the account less of a machine.",
    Gate.NEXT_RUN: "Nothing: they go with the next run. If that does not come, start a worker.",
    Gate.PLATFORM: "Nothing: the platform is asked again. Look at the error of the messages.",
}
"""What a person can do about a gate, one sentence or two."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of a campaign that wait, with the same words written on them.

    Attributes:
        due: Nothing but an account, a campaign or a person is waited for.
        eligible_at: The first moment at which one of them is looked at again.
    """

    platform: str
    state: MessageState
    held_by: str | None
    bound_account_id: int | None
    due: bool | None
    messages: int
    eligible_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sender:
    """An account that could send, and when it may, at this moment."""

    account: Account
    slot: Slot


@dataclass(frozen=True, slots=True)
class Held:
    """Messages that one gate holds.

    Attributes:
        account_id: The account that it is about, where it is about one.
        next_eligible: When the first of them may go on; None if time alone does not help.
    """

    platform: str
    gate: Gate
    messages: int
    account_id: int | None
    next_eligible: datetime | None


def why_held(
    waiting: Iterable[Waiting],
    senders: Sequence[Sender],
    platforms: frozenset[str],
    *,
    campaign_active: bool,
    now: datetime,
) -> list[Held]:
    """Return what holds a campaign's messages, the most messages first.

    What is written on a message may be as old as the last run; what holds an account, a platform
    or the campaign is looked at now.

    Args:
        waiting: The messages, counted by what is written on them.
        senders: Every account of their platforms.
        platforms: Those that this installation can send on.
        campaign_active: Nothing is sent for a campaign that is not.
        now: The present moment.
    """
    found: dict[tuple[str, Gate, int | None], Held] = {}
    for each in waiting:
        gate, account_id, at = _why(each, senders, platforms, campaign_active, now)
        key = (each.platform, gate, account_id)
        before = found.get(key)
        messages = each.messages + (before.messages if before else 0)
        moments = [at, before.next_eligible if before else at]
        first = min((m for m in moments if m is not None), default=None)
        found[key] = Held(each.platform, gate, messages, account_id, first)
    return sorted(found.values(), key=lambda held: (-held.messages, held.platform, held.gate))


def why_one(
    message: Message,
    senders: Sequence[Sender],
    platforms: frozenset[str],
    *,
    campaign_active: bool,
    now: datetime,
) -> tuple[Gate, datetime | None] | None:
    """Return the gate that holds one message and when it opens; None if it does not wait.

    Args: as for `why_held`.
    """
    if message.state not in ("pending", "approved", "ambiguous"):
        return None
    eligible_at = message.eligible_at
    due = eligible_at is not None and eligible_at <= now
    waiting = Waiting(
        message.platform, message.state, message.held_by, message.bound_account_id, due, 1,
        eligible_at,
    )  # fmt: skip
    gate, _, at = _why(waiting, senders, platforms, campaign_active, now)
    return gate, at


def _why(
    each: Waiting,
    senders: Sequence[Sender],
    platforms: frozenset[str],
    campaign_active: bool,
    now: datetime,
) -> tuple[Gate, int | None, datetime | None]:
    """Return the gate of these messages, the account that it is about, and when it opens."""
    if each.state == "pending":
        return Gate.APPROVAL, None, None
    if each.state == "ambiguous":
        return _gate_named(each.held_by) or Gate.DOUBT, None, each.eligible_at
    if not campaign_active:
        return Gate.CAMPAIGN, None, None
    if not each.due:
        gate = _gate_named(each.held_by) or Gate.CLOCK
        return gate, None, None if gate is Gate.NO_HOUR else each.eligible_at
    gate, account_id, at = _of_platform(each, senders, platforms)
    if gate is not None:
        return gate, account_id, at
    return Gate.NEXT_RUN, account_id, now


def _of_platform(
    each: Waiting, senders: Sequence[Sender], platforms: frozenset[str]
) -> tuple[Gate | None, int | None, datetime | None]:
    if each.platform not in platforms:
        return Gate.NO_SENDER, None, None
    able = [s for s in senders if s.account.platform == each.platform]
    if each.bound_account_id is not None:
        able = [s for s in able if s.account.id == each.bound_account_id]
    if not able:
        return Gate.NO_ACCOUNT, None, None
    timed = [(s.slot.at, s) for s in able if s.slot.at is not None]
    first = min(timed, key=lambda pair: pair[0])[1] if timed else able[0]
    about = first.account.id if first.slot.gate is not None or len(able) == 1 else None
    return first.slot.gate, about, first.slot.at


def _gate_named(words: str | None) -> Gate | None:
    try:
        return Gate(words) if words else None
    except ValueError:
        return None
