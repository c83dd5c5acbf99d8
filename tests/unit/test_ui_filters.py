"""The filters of the UI offer every state that there is."""

from __future__ import annotations

from typing import get_args

from omni.api.schemas import LeadState, MessageState
from omni.ui import leads, messages


def test_the_filters_have_every_state() -> None:
    assert set(messages.STATES) == set(get_args(MessageState))
    assert set(leads.STATES) == {"all", *get_args(LeadState)}
