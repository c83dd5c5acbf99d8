"""What the program says that it does next for a person who wrote back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from omni.connectors.types import EventKind
from omni.dispatch.types import Message, MessageState
from omni.feedback.plan import next_step, what_follows
from omni.feedback.types import ClassChange, Said, Thread

NOW = datetime(2026, 1, 1, tzinfo=UTC)
THREAD = Thread(
    1, "synthetic", "p1", 1, "me", "ann", 1, 1, 1, "replied", 1, NOW, True, "hi", "rules", False,
    None,
)  # fmt: skip


def said(kind: EventKind) -> Said:
    return Said(False, 1, kind, "words", NOW, 1, None, "rules", None)


def message(state: MessageState, held_by: str | None = None) -> Message:
    return Message(
        1, 1, 1, 1, "synthetic", "p1", "ann", 1, "hi", "h", None, state, held_by, None, None, None,
        None, NOW, None, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["replied", "interested", "not_interested", "opt_out", "blocked"])
def test_a_reply_stops_follow_ups_also_when_it_is_read_anew(kind: EventKind) -> None:
    stopped = "They have written back: follow-ups are stopped, in all campaigns."
    assert what_follows(THREAD, [said(kind)], [], [])[0] == stopped
    change = ClassChange(1, kind, "out_of_office", "person", None, NOW)
    assert what_follows(THREAD, [said("out_of_office")], [change], [])[0] == stopped


def test_an_automatic_reply_stops_nothing() -> None:
    for kind in ("out_of_office", "bounced", "delivered"):
        assert "not stopped" in what_follows(THREAD, [said(kind)], [], [])[0]


def test_suppression_goes_before_everything() -> None:
    thread = replace(THREAD, suppressed=True, waiting="pending", kind="interested")
    follows = what_follows(thread, [said("interested")], [], [])
    assert follows[0] == "They are suppressed: no message goes to them."
    assert next_step(thread) == "Nothing: nobody writes to them any more"
    lifted = replace(THREAD, kind="opt_out")
    assert "a person lifted the suppression" in next_step(lifted)


@pytest.mark.parametrize(
    ("state", "held_by", "words"),
    [
        ("pending", "approval", "waits for approval"),
        ("approved", "quiet hours", "It is held: quiet hours."),
        ("approved", None, "when its gates are open."),
        ("sending", None, "on its way"),
        ("ambiguous", "perhaps sent", "a person settles it"),
    ],
)
def test_each_open_message_has_its_fate(
    state: MessageState, held_by: str | None, words: str
) -> None:
    assert words in what_follows(THREAD, [said("replied")], [], [message(state, held_by)])[-1]
