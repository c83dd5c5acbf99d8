"""The step that tells the user's own programs what has happened."""

from __future__ import annotations

from typing import Any

from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs.types import DeliverWebhooks
from omni.webhooks import work as webhooks


async def deliver_webhooks(world: World, job: JobContext, args: DeliverWebhooks) -> StepResult:
    """Make the calls that are due.

    Raises:
        Transient: The database failed; what was not recorded is called again, with the same id.
    """
    outcomes: dict[str, Any] = {
        **await webhooks.deliver(world.db, world.http, world.vault, clock=world.clock)
    }
    return StepResult(outcomes)
