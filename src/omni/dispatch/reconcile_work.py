"""The effect edge of reconciling: ambiguous messages are looked for in their threads.

Nothing is written to any platform here. A message that is found was sent; one that is not, or
cannot be, goes to a person. The program never sends it again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from omni.base.clock import Clock
from omni.base.errors import CannotTell, OmniError, Rejected, Transient, Unauthorized
from omni.base.log import get_logger
from omni.base.vault import Vault
from omni.connectors.ports import MessageSender
from omni.connectors.types import Credentials, Outgoing
from omni.dispatch import accounts_store, lookback, rules
from omni.dispatch.rows import message_from
from omni.dispatch.types import Gate, Lookback, Message, ReconcileReport
from omni.jobs.types import Progress
from omni.storage.db import Database
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.dispatch", "reconcile")

MAX_LOOKS = 200
LOOK_TIMEOUT_S = 60.0


@dataclass(slots=True)
class _Run:
    """One run: what it works with, and the accounts that turned out not to be readable."""

    db: Database
    senders: Mapping[str, MessageSender]
    vault: Vault
    clock: Clock
    known: dict[int, Credentials] = field(default_factory=dict[int, Credentials])
    unreadable: dict[int, str] = field(default_factory=dict[int, str])


async def reconcile(
    db: Database,
    senders: Mapping[str, MessageSender],
    vault: Vault,
    *,
    clock: Clock,
    report: Callable[[Progress], None],
) -> ReconcileReport:
    """Look for ambiguous messages whose time has come, at most `MAX_LOOKS` of them.

    Raises:
        Transient: The database could not be reached; another run goes on.
    """
    run = _Run(db, senders, vault, clock)
    due = await db.fetch(QUERIES["list_doubtful"], now=clock(), limit=MAX_LOOKS)
    ends = Counter[str]()
    for row in due:
        message = message_from(row)
        found = await _look(run, message, row["looks"])
        if await _record(run, message, found):
            ends[found.end] += 1
        report(Progress(ends.total(), len(due), message.platform))
    return ReconcileReport(ends["sent"], ends["later"], ends["person"])


async def _look(run: _Run, message: Message, looks: int) -> Lookback:
    """Read a thread and say what that means."""
    sender, account_id = run.senders.get(message.platform), message.account_id
    if sender is None or account_id is None:
        return lookback.cannot_be_found(f"nothing here can read threads on {message.platform}")
    if account_id in run.unreadable:
        return lookback.was_unreadable(message, run.unreadable[account_id], run.clock())
    try:
        credentials = await _credentials(run, account_id)
        outgoing = Outgoing(message.platform_id, message.body, rules.message_key(message))
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            receipt = await sender.find_sent(
                credentials, outgoing, message.sending_at or message.created_at
            )
    except CannotTell as error:
        return lookback.cannot_be_found(str(error))
    except (Unauthorized, Transient, TimeoutError) as error:
        run.unreadable[account_id] = str(error) or "no answer in time"
        return lookback.was_unreadable(message, run.unreadable[account_id], run.clock())
    except Rejected as error:
        return lookback.was_unreadable(message, str(error), run.clock())
    except Exception as error:
        if isinstance(error, OmniError):
            raise
        get_logger().warning("dispatch.lookback_broke", message_id=message.id, exc_info=True)
        return lookback.was_unreadable(message, type(error).__name__, run.clock())
    if receipt is None:
        return lookback.was_missing(message, looks, run.clock())
    return lookback.was_found(receipt, run.clock())


async def _credentials(run: _Run, account_id: int) -> Credentials:
    if account_id not in run.known:
        run.known[account_id] = await accounts_store.credentials(run.db, account_id, run.vault)
    return run.known[account_id]


async def _record(run: _Run, message: Message, found: Lookback) -> bool:
    """Write what a look showed; False if a person has settled the message meanwhile."""
    match found.end:
        case "sent":
            assert found.receipt is not None
            done = await run.db.execute(
                QUERIES["record_found"],
                id=message.id,
                platform_message_id=found.receipt.message_id[:500],
                sent_at=found.sent_at,
                now=run.clock(),
            )
        case "later":
            done = await run.db.execute(
                QUERIES["look_later"],
                id=message.id,
                look_at=found.look_at,
                counts=int(found.counts),
                now=run.clock(),
            )
        case "person":
            done = await run.db.execute(
                QUERIES["leave_to_person"],
                id=message.id,
                gate=Gate.PERSON,
                note=found.note,
                now=run.clock(),
            )
    if done and found.end != "later":
        get_logger().info(
            "dispatch.message_reconciled",
            message_id=message.id,
            campaign_id=message.campaign_id,
            end=found.end,
            note=found.note,
        )
    return bool(done)
