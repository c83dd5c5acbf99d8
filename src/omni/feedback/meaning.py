"""What an event means: what must follow from it, what else it may be, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from omni.base.errors import Conflict, Rejected
from omni.connectors.types import EventKind
from omni.dispatch.types import Message
from omni.feedback.types import (
    REPLY_KINDS,
    Cancel,
    ClassChange,
    Consequences,
    RecordedEvent,
    Said,
    Suppress,
    Thread,
)

_REASONS = {"opt_out": "asked not to be written to", "blocked": "blocked the sender"}

CLASSES: Final[tuple[EventKind, ...]] = (
    "replied", "interested", "not_interested", "out_of_office", "opt_out", "blocked", "bounced",
    "converted",
)  # fmt: skip
"""What a person may say that an event is."""

_REPLACEABLE: Final = frozenset({*REPLY_KINDS, "out_of_office", "blocked", "bounced", "converted"})


def consequences(events: Iterable[RecordedEvent]) -> Consequences:
    """Return what must be written together with these new events.

    A reply of any kind stops every waiting message to that person, in all campaigns; an automatic
    one does not. Who opts out or blocks is never written to again.
    """
    leads: dict[int, None] = {}
    suppress: dict[tuple[str, str], Suppress] = {}
    cancel: dict[tuple[str, str], Cancel] = {}
    for event in events:
        person = (event.platform, event.platform_id)
        if event.kind in REPLY_KINDS and event.lead_id is not None:
            leads[event.lead_id] = None
        if event.kind in _REASONS:
            source = f"feedback event {event.id}"
            suppress.setdefault(person, Suppress(*person, _REASONS[event.kind], source))
        if event.kind in REPLY_KINDS or event.kind in _REASONS:
            before = cancel.get(person)
            if before is None or not before.for_good:
                reason, for_good = _REASONS.get(event.kind, "has replied"), event.kind in _REASONS
                cancel[person] = Cancel(*person, reason, replied=True, for_good=for_good)
    return Consequences(tuple(leads), tuple(suppress.values()), tuple(cancel.values()))


def check_class(old: EventKind, new: EventKind) -> None:
    """Refuse a class that makes no sense.

    Raises:
        Conflict: The event is not one that a person can read another way.
    """
    if old not in _REPLACEABLE:
        raise Conflict(f"a {old} event is what it is: only what somebody wrote can be read anew")
    if new not in CLASSES:
        raise Rejected(f"choose one of {', '.join(CLASSES)}", field="kind")


def next_step(thread: Thread) -> str:
    """Return, in one line, what a person of ours would best do with a conversation."""
    if thread.suppressed:
        return "Nothing: nobody writes to them any more"
    if thread.waiting is not None:
        return f"An answer is {thread.waiting}: see the conversation"
    return _NEXT.get(thread.kind, "Read it")


_NEXT: Final[Mapping[str, str]] = {
    "interested": "Answer them: they want to hear more",
    "replied": "Read it and answer, or say what it means",
    "not_interested": "Leave them: no further step goes out",
    "out_of_office": "Wait: they are away, and the next step goes out in its time",
    "bounced": "Nothing went through: look at the account",
    "converted": "Done: they have done what you hoped for",
    "opt_out": "Leave them: they asked for an end, though a person lifted the suppression",
    "blocked": "Leave them: they blocked us, though a person lifted the suppression",
}


def what_follows(
    thread: Thread,
    said: Sequence[Said],
    changes: Sequence[ClassChange],
    waiting: Sequence[Message],
) -> list[str]:
    """Return, in sentences, what the program does next for the person of a conversation.

    Args:
        thread: The conversation.
        said: What went back and forth.
        changes: What events were taken for before: a reply that is read anew has stopped them.
        waiting: Messages to the person that may go out yet, whoever's they are.
    """
    kinds = {each.kind for each in said if not each.ours} | {each.old_kind for each in changes}
    follows: list[str] = []
    if thread.suppressed:
        follows.append("They are suppressed: no message goes to them.")
    if kinds & (REPLY_KINDS | set(_REASONS)):
        follows.append("They have written back: follow-ups are stopped, in all campaigns.")
    elif not thread.suppressed:
        follows.append("Nothing that came back is a reply: follow-ups are not stopped.")
    return follows + ([_fate(each) for each in waiting] or ["No message waits for them."])


def _fate(message: Message) -> str:
    if message.state == "pending":
        return "A message waits for approval."
    if message.state == "approved":
        held = f" It is held: {message.held_by}." if message.held_by else ""
        return f"A message is approved, and goes out when its gates are open.{held}"
    if message.state == "ambiguous":
        return "A message was perhaps sent: it is not sent again, and a person settles it."
    return "A message is on its way."
