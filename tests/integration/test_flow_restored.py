"""A database that was restored from a backup sends nothing before a person says so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from omni.dispatch import accounts_store
from omni.flow import restored
from omni.jobs.types import DispatchMessages
from omni.storage.db import Database
from tests.dispatch_fixtures import (
    VAULT,
    CountingSender,
    MovingClock,
    add_account,
    approve_all,
    ready,
    rows,
    states,
)
from tests.flow_fixtures import run_step, running_world

AS_BEFORE = """
update messages set state = 'approved', sent_at = null, sending_at = null, claimed_at = null,
    charged_at = null, account_id = null, platform_message_id = null, eligible_at = approved_at
where platform_id = :person returning id
"""


async def test_what_was_sent_after_a_backup_is_not_sent_again(
    db: Database, tmp_path: Path, database_url: str, valkey_url: str
) -> None:
    clock = MovingClock()
    sender = CountingSender(clock)
    await add_account(db, hourly=1, daily=100)
    campaign = await ready(db, 3)
    parts = {"db": db, "senders": {sender.platform: sender}, "vault": VAULT, "clock": clock}
    async with running_world(tmp_path, database_url, valkey_url, **parts) as world:
        await run_step(world, DispatchMessages())
        clock.advance(timedelta(hours=2))
        done = await run_step(world, DispatchMessages())
        assert (done.result["sent"], sender.people) == (1, ["p1", "p2"])
        assert not await restored.pause_if_restored(world), "nothing is behind"

        await rows(db, AS_BEFORE, person="p2")  # the backup is of the time between the two
        clock.advance(timedelta(hours=2))
        for _ in range(2):
            done = await run_step(world, DispatchMessages())
            assert (done.result["sent"], len(sender.calls)) == (0, 2)
        (account,) = await accounts_store.list_accounts(db)
        assert (account.status, account.paused_by) == ("paused", "harm")
        assert "a backup was restored" in (account.pause_reason or "")
        gates = {row["held_by"] for row in await rows(db, "select held_by from messages")}
        assert "account paused for harm" in gates

        await rows(
            db, "update messages set state = 'cancelled' where platform_id = 'p2' returning 1"
        )
        await accounts_store.resume_account(db, account.id, now=clock())
        await run_step(world, DispatchMessages())
        assert sender.people == ["p1", "p2", "p3"], "a person has looked, and lets it go on"
        clock.advance(timedelta(hours=2))
        await approve_all(db, campaign, clock())
        assert (await run_step(world, DispatchMessages())).result["sent"] == 0
        assert (await accounts_store.list_accounts(db))[0].status == "active"
        assert await states(db) == {"sent": 2, "cancelled": 1}
