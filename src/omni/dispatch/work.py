"""The effect edge of dispatch: approved messages through the last gate.

A message is claimed in one transaction, passes the last gate in a second one that commits
`sending`, and only then goes to the wire. Whatever happens after that commit, it is never sent
again: it ends as sent or failed if the platform said so, as approved if the platform surely took
nothing, and as ambiguous in every other case.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from omni.base.clock import Clock
from omni.base.errors import Rejected, Transient, Unauthorized
from omni.base.log import get_logger
from omni.base.vault import Vault
from omni.connectors.ports import MessageSender
from omni.connectors.types import Credentials, Outgoing
from omni.dispatch import accounts_store, held_store, ledger, plan
from omni.dispatch.ledger import QUERIES
from omni.dispatch.rows import account_from, message_from
from omni.dispatch.types import (
    Account,
    DispatchReport,
    Gate,
    LaneEnd,
    Message,
    Outcome,
)
from omni.jobs.types import Progress
from omni.storage.db import Database, Tx

MAX_SENDS = 500
MAX_LOOKS = 5_000
MAX_LANES = 4
SEND_TIMEOUT_S = 120.0
ASK_TIMEOUT_S = 60.0
RECORD_WAITS_S = (0.2, 1.0, 5.0)


@dataclass(slots=True)
class _Run:
    """One run of dispatch: what it works with, and what it has done so far."""

    db: Database
    senders: Mapping[str, MessageSender]
    vault: Vault
    clock: Clock
    report: Callable[[Progress], None]
    looks: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])

    def may_go_on(self) -> bool:
        """Tell whether the run is within its bounds."""
        return self.looks < MAX_LOOKS and self.outcomes.total() < MAX_SENDS

    def count(self, outcome: Outcome, account: Account) -> None:
        """Count what became of a message that went to the wire."""
        self.outcomes[outcome.state] += 1
        self.report(Progress(self.outcomes.total(), None, account.handle))


async def dispatch(
    db: Database,
    senders: Mapping[str, MessageSender],
    vault: Vault,
    *,
    clock: Clock,
    report: Callable[[Progress], None],
) -> DispatchReport:
    """Send approved messages as far as every gate and limit allows; any number may run at once.

    Raises:
        Transient: The database could not be reached; what was on the wire is settled by a later
            run.
    """
    run = _Run(db, senders, vault, clock, report)
    recovered = await ledger.recover(db, lost_before=clock() - plan.LOST_AFTER, now=clock())
    accounts = await accounts_store.list_accounts(db)
    able = [a for a in accounts if a.status == "active" and a.platform in senders]
    ends = await _in_lanes(run, able)
    next_eligible = await _explain(run, accounts, ends)
    return DispatchReport(
        sent=run.outcomes["sent"],
        failed=run.outcomes["failed"],
        ambiguous=run.outcomes["ambiguous"],
        recovered=recovered,
        held=await held_store.count_held(db),
        next_eligible=next_eligible,
        contacted_lead_ids=await ledger.contacted(db, clock()),
    )


async def _in_lanes(run: _Run, accounts: Sequence[Account]) -> list[LaneEnd]:
    """Serve each account in a lane of its own, a few at a time.

    A lane that breaks must not tear down another that is on the wire: all of them end first.
    """
    free = asyncio.Semaphore(MAX_LANES)

    async def lane(account: Account) -> LaneEnd:
        async with free:
            return await _lane(run, account)

    ends = await asyncio.gather(*map(lane, accounts), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return [end for end in ends if isinstance(end, LaneEnd)]


async def _lane(run: _Run, account: Account) -> LaneEnd:
    """Send from one account until nothing is due, a limit is reached or its platform is away."""
    try:
        credentials = await accounts_store.credentials(run.db, account.id, run.vault)
    except Rejected as error:
        get_logger().error("dispatch.secret_refused", account_id=account.id, error=str(error))
        return LaneEnd(account.platform, Gate.CREDENTIALS, None)
    while run.may_go_on():
        claimed = await _claim(run, account)
        if isinstance(claimed, LaneEnd):
            return claimed
        if claimed is None:
            continue
        held = await _ask_recipient(run, credentials, claimed)
        if held is not None:
            await ledger.hold_claim(run.db, claimed, held, run.clock())
            if held.gate is not Gate.RECIPIENT:
                return LaneEnd(account.platform, held.gate, held.lane_resumes_at)
            continue
        message = await _pass_last_gate(run, account, claimed)
        if message is None:
            continue
        outcome = await _unbroken(_send(run, account, credentials, message))
        run.count(outcome, account)
        if outcome.gate is not None:
            return LaneEnd(account.platform, outcome.gate, outcome.lane_resumes_at)
    return LaneEnd(account.platform, None, run.clock())


async def _claim(run: _Run, account: Account) -> Message | LaneEnd | None:
    """Take the message that is next for this account, in one short transaction.

    Returns:
        The claimed message; None if it was set aside, so that there may be another; or why this
        account can do no more.
    """
    run.looks += 1
    async with run.db.transaction() as tx:
        row = await tx.fetchrow(QUERIES["lock_account"], id=account.id)
        now = run.clock()
        if row is None or row["status"] != "active":
            return LaneEnd(account.platform, Gate.ACCOUNT, None)
        current = account_from(row)
        charges = await ledger.charges(tx, current, since=now - plan.DAY)
        slot = plan.next_slot(
            plan.charged_times(charges, now), current.hourly_limit, current.daily_limit, now
        )
        if slot.gate is not None:
            return LaneEnd(account.platform, slot.gate, slot.at)
        picked = await tx.fetchrow(QUERIES["pick_message"], platform=account.platform, now=now)
        if picked is None:
            return LaneEnd(account.platform, None, None)
        message = message_from(picked)
        if await _is_held(tx, message, account, now):
            return None
        claimed = await tx.fetchrow(
            QUERIES["claim_message"], id=message.id, account_id=account.id, now=now
        )
        assert claimed is not None
        return message_from(claimed)


async def _is_held(tx: Tx, message: Message, account: Account, now: datetime) -> bool:
    """Ask every gate about a message whose row is locked; hold it if one of them is closed."""
    facts = await ledger.facts(
        tx, message.id, account.id, conversation_since=now - plan.CONVERSATION
    )
    gate = plan.gate_of(message, facts)
    if gate is None:
        return False
    await ledger.set_aside(tx, message, gate, eligible_at=now + plan.recheck_after(gate), now=now)
    return True


async def _ask_recipient(run: _Run, credentials: Credentials, claimed: Message) -> Outcome | None:
    """Ask the platform whether this person may be written to now; return what holds the message.

    What a crawl read of somebody's settings may be days old. Who cannot be asked about is not
    written to.
    """
    sender, now = run.senders[claimed.platform], run.clock()
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            refusal = await sender.refusal(credentials, claimed.platform_id)
    except Unauthorized as error:
        return plan.not_accepted(str(error), now)
    except Rejected as error:
        return plan.declined(str(error), now)
    except Exception as error:
        wait_s = error.retry_after if isinstance(error, Transient) else None
        told = f"not asked whether they may be written to: {type(error).__name__}: {error}"
        return plan.not_taken(claimed, told, now, wait_s)
    return None if refusal is None else plan.declined(refusal, now)


async def _pass_last_gate(run: _Run, account: Account, claimed: Message) -> Message | None:
    """Ask every gate once more, with nobody else writing to this person, and commit `sending`.

    Returns:
        The message as it was approved, read in the transaction that committed; None if it is held.
    """
    now = run.clock()
    async with run.db.transaction() as tx:
        await tx.execute(QUERIES["hold_person"], person=f"{claimed.platform}:{claimed.platform_id}")
        row = await tx.fetchrow(
            QUERIES["lock_claim"],
            id=claimed.id,
            account_id=account.id,
            claimed_at=claimed.claimed_at,
        )
        if row is None:
            return None
        message = message_from(row)
        if await _is_held(tx, message, account, now):
            return None
        started = await tx.fetchrow(QUERIES["start_sending"], id=message.id, now=now)
        assert started is not None
        return message_from(started)


async def _unbroken(sending: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Let a message that is on the wire be recorded even if this run is told to stop."""
    task = asyncio.ensure_future(sending)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=SEND_TIMEOUT_S)
        raise


async def _send(run: _Run, account: Account, credentials: Credentials, message: Message) -> Outcome:
    outcome = await _on_the_wire(run, credentials, message)
    recorded = await _record(run, message, outcome, run.clock())
    get_logger().info(
        "dispatch.message_settled",
        message_id=message.id,
        campaign_id=message.campaign_id,
        account_id=account.id,
        state=outcome.state,
        error=outcome.error,
        recorded=recorded,
    )
    return outcome


async def _record(run: _Run, message: Message, outcome: Outcome, at: datetime) -> bool:
    """Write what came of it; a database that is away for a moment must not leave it in doubt."""
    for wait_s in RECORD_WAITS_S:
        try:
            return await ledger.record(run.db, message, outcome, at)
        except Transient:
            await asyncio.sleep(wait_s)
    return await ledger.record(run.db, message, outcome, at)


async def _on_the_wire(run: _Run, credentials: Credentials, message: Message) -> Outcome:
    """Call the platform once and say what that means; only what is known for sure is not doubt."""
    sender, now = run.senders[message.platform], run.clock()
    if plan.is_late(message, now):
        return plan.not_taken(message, "the worker slept before the wire", now, None)
    outgoing = Outgoing(message.platform_id, message.body, plan.message_key(message))
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            receipt = await sender.send(credentials, outgoing)
    except Rejected as error:
        return plan.refused(error)
    except Transient as error:
        return plan.not_taken(message, str(error), run.clock(), error.retry_after)
    except Unauthorized as error:
        return plan.not_accepted(str(error), run.clock())
    except Exception as error:
        return plan.doubtful(error)
    return plan.taken(receipt)


async def _explain(
    run: _Run, accounts: Sequence[Account], ends: Sequence[LaneEnd]
) -> datetime | None:
    """Write on waiting messages what they wait for; return when the first account may go on."""
    now = run.clock()
    moments = [end.at for end in ends if end.gate is Gate.PLATFORM]
    for platform in await held_store.waiting_platforms(run.db):
        slot = plan.why_waiting(
            [account for account in accounts if account.platform == platform],
            platform in run.senders,
            [end for end in ends if end.platform == platform],
        )
        if slot.gate is None or await held_store.mark_waiting(run.db, platform, slot.gate, now):
            moments.append(slot.at)
    return min((moment for moment in moments if moment is not None), default=None)
