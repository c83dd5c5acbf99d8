"""Notices a database that was restored from a backup, before anything is sent from it again.

What was sent after the backup is approved there, or not even drafted: it would go out once more. So
the broker remembers, outside of Postgres, how far sending had come. Where Postgres knows less, the
accounts are paused, and only a person lets them send on.
"""

from __future__ import annotations

from datetime import datetime

from omni.base.log import get_logger
from omni.dispatch import accounts_store as accounts
from omni.dispatch import ledger as sending
from omni.erasures import store as erasures
from omni.flow.world import World

WHY = (
    "the database is older than what was sent from it ({}): a backup was restored. What was"
    " approved then may have gone out already: look at it before you resume"
)


async def pause_if_restored(world: World) -> bool:
    """Pause every account if more was sent than the database knows of; tell whether it is so.

    Raises:
        Transient: The broker or the database cannot be reached: nothing may be sent then.
    """
    name, _ = await sending.last_sent(world.db)
    key = await _key(world, name)
    remembered = _moment(await world.broker.recall(key))
    # Read after it: what the broker remembers was recorded here before.
    _, known = await sending.last_sent(world.db)
    if remembered is None or (known is not None and known >= remembered):
        return False
    why = WHY.format(f"the last was sent at {remembered.isoformat(timespec='seconds')}")
    now = world.clock()
    async with world.db.transaction() as tx:
        for account in await accounts.list_accounts(tx):
            await accounts.pause_account(tx, account.id, reason=why, by="harm", now=now)
    get_logger().error("dispatch.backup_noticed", remembered=remembered.isoformat())
    await world.broker.remember(key, "" if known is None else known.isoformat())
    return True


async def note_sent(world: World) -> None:
    """Let the broker remember how far sending has come."""
    name, known = await sending.last_sent(world.db)
    if known is not None:
        await world.broker.remember(await _key(world, name), known.isoformat())


async def _key(world: World, name: str) -> str:
    """Return what stands for the database of this name, the same after a restore."""
    return "sent." + (await erasures.hash_of(world.db, "database", name))[:32]


def _moment(word: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(word) if word else None
    except ValueError:
        return None
