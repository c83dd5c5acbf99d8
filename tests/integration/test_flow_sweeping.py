"""Reading the inboxes: one that cannot be read leaves the others theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from omni.base.clock import utc_now
from omni.base.errors import Conflict, Fatal, Rejected, Transient, Unauthorized
from omni.connectors.types import Credentials, InboxEvent, InboxPage
from omni.dispatch.accounts_store import create_account
from omni.dispatch.types import Pacing
from omni.flow.world import World
from omni.jobs.types import SweepFeedback
from omni.storage.db import Database
from tests.flow_fixtures import run_step, running_world
from tests.jobs_fixtures import rows

RECORDED = "select event_id from feedback_events"


@dataclass
class Boxes:
    """The first account's inbox fails; the second one's holds an event."""

    fault: BaseException
    platform: str = "synthetic"

    async def poll(self, owner: Credentials, cursor: str | None) -> InboxPage:
        """Return the one event, or fail."""
        if owner.handle == "first":
            raise self.fault
        event = InboxEvent(
            event_id="e1", platform_id="p1", kind="replied", text="yes", occurred_at=utc_now()
        )
        return InboxPage((event,), "1", False)


@pytest.fixture
async def world(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncGenerator[World]:
    async with running_world(tmp_path, database_url, valkey_url) as built:
        yield built


async def add_accounts(db: Database) -> None:
    for handle in ("first", "second"):
        await create_account(
            db, platform="synthetic", handle=handle, secret=None, pacing=Pacing(1, 1),
            now=utc_now(),
        )  # fmt: skip


@pytest.mark.parametrize(
    "fault",
    [
        Transient("down"), Rejected("no"), Unauthorized("who?"), Conflict("odd"), Fatal("never"),
        KeyError("id"), RecursionError(),
    ],
    ids=lambda fault: type(fault).__name__,
)  # fmt: skip
async def test_whatever_is_wrong_with_an_inbox_the_others_are_read(
    db: Database, world: World, fault: Exception
) -> None:
    await add_accounts(db)
    boxes = replace(world, inboxes={"synthetic": Boxes(fault)})
    done = await run_step(boxes, SweepFeedback())
    assert done.result == {"recorded": 1, "unread_accounts": 1}
    assert await rows(db, RECORDED) == [("e1",)]


async def test_a_sweep_that_is_stopped_stops(db: Database, world: World) -> None:
    await add_accounts(db)
    boxes = replace(world, inboxes={"synthetic": Boxes(asyncio.CancelledError())})
    with pytest.raises(asyncio.CancelledError):
        await run_step(boxes, SweepFeedback())
    assert await rows(db, RECORDED) == []
