"""What follows from an event, in the rooms that it concerns."""

from __future__ import annotations

from omni.dispatch import accounts_store
from omni.dispatch import store as dispatch
from omni.feedback.types import Doors
from omni.leads import store as leads
from omni.leads import suppressions_store as suppressions

DOORS = Doors(
    mark_replied=leads.mark_replied,
    suppress=suppressions.suppress,
    cancel=dispatch.cancel_for_person,
    note_answer=accounts_store.note_answer,
)
