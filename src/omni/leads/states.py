"""What may become of a lead: decided from its state."""

from __future__ import annotations

from omni.base.errors import Conflict
from omni.leads.types import LeadState


def decided(state: LeadState, *, accepted: bool) -> LeadState:
    """Return the state that a person's decision leads to.

    People may change their mind until a message went out; deciding the same again changes nothing.

    Raises:
        Conflict: The person was written to already, or no longer fits the campaign.
    """
    if state in ("contacted", "replied"):
        raise Conflict(f"this lead is {state}: it can no longer be accepted or rejected")
    if state == "withdrawn":
        raise Conflict("this lead is withdrawn: the person no longer fits the campaign")
    return "accepted" if accepted else "rejected"
