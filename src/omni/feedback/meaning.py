"""What an event means: what must follow from it, what else it may be, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from omni.base.errors import Conflict, Rejected
from omni.connectors.types import EventKind
from omni.feedback.types import (
    REPLY_KINDS,
    Cancel,
    Consequences,
    RecordedEvent,
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
    if thread.kind in ("opt_out", "blocked") or thread.suppressed:
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
}
