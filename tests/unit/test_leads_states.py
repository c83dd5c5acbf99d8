"""What a person may still decide."""

from __future__ import annotations

import pytest

from omni.base.errors import Conflict
from omni.leads.states import decided
from omni.leads.types import LeadState


@pytest.mark.parametrize("state", ["new", "accepted", "rejected"])
def test_people_may_decide_and_change_their_mind(state: LeadState) -> None:
    assert decided(state, accepted=True) == "accepted"
    assert decided(state, accepted=False) == "rejected"


@pytest.mark.parametrize("state", ["contacted", "replied", "withdrawn"])
def test_what_is_past_deciding_says_so(state: LeadState) -> None:
    with pytest.raises(Conflict, match=state):
        decided(state, accepted=False)
