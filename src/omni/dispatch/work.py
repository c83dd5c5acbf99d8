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
from datetime import datetime, timedelta
from typing import Any

from omni.base.clock import Clock
from omni.base.errors import Rejected, Transient, Unauthorized
from omni.base.log import get_logger
from omni.base.vault import Vault
from omni.connectors.ports import MessageSender
from omni.connectors.types import Credentials, Outgoing
from omni.dispatch import accounts_store, held_store, ledger, pacing_store, plan
from omni.dispatch.ledger import QUERIES
from omni.dispatch.pacing import limits_of
from omni.dispatch.pacing_types import Quiet
from omni.dispatch.rows import message_from
from omni.dispatch.types import (
    Account,
    DispatchReport,
    Facts,
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
    """One run of dispatch: what it works with, and what it has done so far.

    Attributes:
        quiets: The quiet hours of the accounts that can send, by platform.
        wakes: When people are awake to whom messages were put off.
        left: Platforms on which accounts have left messages to other ones.
    """

    db: Database
    senders: Mapping[str, MessageSender]
    vault: Vault
    clock: Clock
    report: Callable[[Progress], None]
    cooldown: timedelta
    quiets: Mapping[str, frozenset[Quiet]] = field(default_factory=dict[str, frozenset[Quiet]])
    wakes: list[datetime] = field(default_factory=list[datetime])
    left: set[str] = field(default_factory=set[str])
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
    cooldown: timedelta = plan.COOLDOWN,
) -> DispatchReport:
    """Send approved messages as far as every gate and limit allows; any number may run at once.

    Args:
        db: Where messages and accounts are.
        senders: By platform.
        vault: Decrypts the accounts' secrets.
        clock: Tells the present moment.
        report: Called after each message.
        cooldown: The least time between two messages to one person, whoever sends them.

    Raises:
        Transient: The database could not be reached; what was on the wire is settled by a later
            run.
    """
    run = _Run(db, senders, vault, clock, report, cooldown)
    recovered = await ledger.recover(db, lost_before=clock() - plan.LOST_AFTER, now=clock())
    accounts = await accounts_store.list_accounts(db)
    able = [a for a in accounts if a.status == "active" and a.platform in senders]
    run.quiets = plan.quiets_of(able)
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
        return _end(account, Gate.CREDENTIALS)
    if await accounts_store.stop_harm(run.db, account.id, run.clock()):
        return _end(account, Gate.HARM)
    passed: set[int] = set()
    while run.may_go_on():
        claimed = await _claim(run, account, passed)
        if isinstance(claimed, LaneEnd):
            return claimed
        if claimed is None:
            continue
        held = await _ask_recipient(run, credentials, claimed)
        if held is not None:
            await ledger.hold_claim(run.db, claimed, held, run.clock())
            if held.gate is not Gate.RECIPIENT:
                await _mind(run, account, held)
                return _end(account, held.gate, held.lane_resumes_at)
            continue
        message = await _pass_last_gate(run, account, claimed, passed)
        if message is None:
            continue
        outcome = await _unbroken(_send(run, account, credentials, message))
        run.count(outcome, account)
        await _mind(run, account, outcome)
        if outcome.gate is not None:
            return _end(account, outcome.gate, outcome.lane_resumes_at)
    return _end(account, None, run.clock())


def _end(account: Account, gate: Gate | None, at: datetime | None = None) -> LaneEnd:
    return LaneEnd(account.platform, gate, at, account.id)


async def _mind(run: _Run, account: Account, outcome: Outcome) -> None:
    """Note how the account does; stop it where its platform does not take it, or it does harm."""
    now = run.clock()
    async with run.db.transaction() as tx:
        if outcome.gate is Gate.CREDENTIALS:
            reason = outcome.error or "the platform does not accept the account"
            await accounts_store.pause_account(
                tx, account.id, reason=reason, by="credentials", now=now
            )
            return
        await accounts_store.note_use(tx, account.id, outcome.error, now)
        if outcome.state in ("failed", "ambiguous"):
            await accounts_store.stop_harm(tx, account.id, now)


async def _claim(run: _Run, account: Account, passed: set[int]) -> Message | LaneEnd | None:
    """Take the message that is next for this account, in one short transaction.

    Args:
        run: This run.
        account: Whose lane it is.
        passed: Messages that it leaves to other accounts.

    Returns:
        The claimed message; None if it was set aside, so that there may be another; or why this
        account can do no more.
    """
    run.looks += 1
    async with run.db.transaction() as tx:
        current = await pacing_store.lock_account(tx, account.id)
        now = run.clock()
        if current is None or current.status != "active":
            return _end(account, plan.pause_gate(current))
        slot = await pacing_store.slot(tx, current, now)
        if slot.gate is not None:
            return _end(account, slot.gate, slot.at)
        message = await ledger.pick(tx, current, now, passed)
        if message is None:
            return _end(account, None)
        if await _is_held(run, tx, message, current, now, passed):
            return None
        claimed = await tx.fetchrow(
            QUERIES["claim_message"], id=message.id, account_id=account.id, now=now
        )
        assert claimed is not None
        return message_from(claimed)


async def _is_held(
    run: _Run, tx: Tx, message: Message, account: Account, now: datetime, passed: set[int]
) -> bool:
    """Ask every gate about a message whose row is locked; hold it if one of them is closed."""
    facts = await ledger.facts(
        tx, message.id, account.id, conversation_since=now - plan.CONVERSATION
    )
    gate = plan.gate_of(message, facts, now, run.cooldown)
    if gate is None:
        return await _is_asleep(run, tx, message, account, facts, now, passed)
    if gate is Gate.SENDER and facts.other_sender is not None:
        await ledger.bind(tx, message, facts.other_sender, now)
        return True
    opens = plan.opens_at(gate, facts, now, run.cooldown)
    await ledger.set_aside(tx, message, gate, eligible_at=opens, now=now)
    return True


async def _is_asleep(
    run: _Run,
    tx: Tx,
    message: Message,
    account: Account,
    facts: Facts,
    now: datetime,
    passed: set[int],
) -> bool:
    """Put a message off, or leave it to another account, if it is not the hour for its person."""
    others = run.quiets[account.platform] if message.bound_account_id is None else ()
    slot = plan.recipient_slot(limits_of(account).quiet, others, facts, now)
    if slot.gate is None:
        return False
    until = plan.put_off_until(slot, message, now, passed=len(passed))
    if until > now:
        run.wakes.append(until)
    else:
        passed.add(message.id)
        run.left.add(account.platform)
    if until > now or message.state != "approved" or message.held_by != slot.gate:
        await ledger.set_aside(tx, message, slot.gate, eligible_at=until, now=now)
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


async def _pass_last_gate(
    run: _Run, account: Account, claimed: Message, passed: set[int]
) -> Message | None:
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
        message, current = message_from(row), await pacing_store.sender_now(tx, account.id)
        if await _is_held(run, tx, message, current or account, now, passed):
            return None
        wire = plan.at_the_wire(current, message, now)
        if wire.gate is not None and wire.at is not None:
            await ledger.set_aside(tx, message, wire.gate, eligible_at=wire.at, now=now)
            return None
        person = {"platform": message.platform, "platform_id": message.platform_id}
        await tx.execute(QUERIES["bind_person"], None, account_id=account.id, **person)
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
    key = plan.message_key(message)
    outgoing = Outgoing(message.platform_id, message.body, key, message.username)
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
    moments = [end.at for end in ends if end.gate is Gate.PLATFORM or end.platform in run.left]
    moments.append(min(run.wakes, default=None))
    for platform in await held_store.waiting_platforms(run.db):
        slot = plan.why_waiting(
            [account for account in accounts if account.platform == platform],
            platform in run.senders,
            [end for end in ends if end.platform == platform],
        )
        if slot.gate is None or await held_store.mark_waiting(run.db, platform, slot.gate, now):
            moments.append(slot.at)
    gates = plan.account_gates(accounts, frozenset(run.senders), ends)
    waited_for = await held_store.mark_bound(run.db, gates, now)
    moments += [end.at for end in ends if end.account_id in waited_for]
    return min((moment for moment in moments if moment is not None), default=None)
