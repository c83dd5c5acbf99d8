"""The steps that read what came back: inboxes, and replies that only a model can read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from uuid import UUID

from omni.base.errors import Cancelled, OmniError, Transient
from omni.base.log import get_logger
from omni.dispatch import accounts_store as accounts
from omni.dispatch import ledger as sending
from omni.dispatch import store as messages
from omni.dispatch.types import Account
from omni.feedback import asking
from omni.feedback import store as feedback
from omni.feedback import work as reading
from omni.feedback.types import Doors, Unclear
from omni.flow import follow
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs import store as ledger
from omni.jobs.plan import describe
from omni.jobs.types import ClassifyReplies, Progress, SweepFeedback
from omni.leads import store as leads
from omni.leads import suppressions_store as suppressions
from omni.llm.pool import Pool
from omni.llm.ports import Prompt
from omni.qualification.ledger import LedgerMeter
from omni.qualification.types import BudgetSpent

DOORS = Doors(
    mark_replied=leads.mark_replied,
    suppress=suppressions.suppress,
    cancel=messages.cancel_for_person,
    note_answer=accounts.note_answer,
)
"""What follows from an event, in the rooms that it concerns."""

FRESH = timedelta(minutes=1)
"""An inbox that was read so short a time ago is not read again before something is sent."""

READ_AGAIN = timedelta(minutes=5)

CLASSED_AT_ONCE = 200
"""The most replies that one run has read by a model."""

PAGES_LOOKED_AT = 20
"""So many pages of replies one run looks through for those that a budget takes."""


async def sweep_feedback(world: World, job: JobContext, args: SweepFeedback) -> StepResult:
    """Read each account's inbox; one that cannot be read does not keep the others waiting."""
    events = unread = 0
    for account in await accounts.list_accounts(world.db):
        if account.platform not in world.inboxes:
            continue
        try:
            events += await _sweep_account(world, account)
        except Cancelled:
            raise
        except Exception as error:
            unread += 1
            get_logger().warning(
                "feedback.account_unread",
                error=describe(error),
                exc_info=not isinstance(error, OmniError),
                account_id=account.id,
            )
        job.report(Progress(events, None, account.handle))
    if unread and not events:
        raise Transient(f"{unread} inboxes could not be read: see the log")
    return StepResult({"recorded": events, "unread_accounts": unread})


async def read_before_sending(world: World) -> datetime | None:
    """Read the inboxes of accounts that are about to write to somebody once more.

    Who has answered since the last sweep gets no further step. Where an inbox cannot be read, what
    is due for those people waits; first messages go on.

    Returns:
        When an inbox that could not be read is to be read again; None if all could.

    Raises:
        Transient: The database cannot be reached.
    """
    now, again = world.clock(), None
    writing_on = set(await sending.list_writing_on(world.db, now))
    for account in await accounts.list_accounts(world.db) if writing_on else ():
        if account.id not in writing_on or account.platform not in world.inboxes:
            continue
        swept = await feedback.swept_at(world.db, account.id)
        if swept is not None and now - FRESH <= swept <= now:
            continue
        try:
            await _sweep_account(world, account)
        except Cancelled:
            raise
        except Exception as error:
            why = f"their answers could not be read before: {describe(error)}"
            again = now + READ_AGAIN
            await sending.hold_bound(world.db, account.id, error=why, until=again, now=now)
            get_logger().warning("feedback.account_unread", error=why, account_id=account.id)
    return again


async def _sweep_account(world: World, account: Account) -> int:
    """Record what came back together with all that follows from it, in one transaction."""
    credentials = await accounts.credentials(world.db, account.id, world.vault)
    inbox = world.inboxes[account.platform]
    events, cursor = await reading.read_inbox(
        world.db, inbox, account, credentials, clock=world.clock
    )
    now = world.clock()
    async with world.db.transaction() as tx:
        new = await feedback.record(tx, account.id, events, cursor, now)
        await feedback.apply(tx, new, DOORS, now)
        if any(event.kind == "replied" for event in new):
            await ledger.enqueue(tx, follow.after_replies(now), now=now)
    return len(new)


async def classify_replies(world: World, job: JobContext, args: ClassifyReplies) -> StepResult:
    """Ask the model about the replies that the rules leave open.

    An answer can only add a class: it never takes back an opt-out, nor what a person said. Only
    replies to a campaign are shown to a model, on its budget: what strangers write costs nothing.

    Raises:
        Transient: The model is down; what it has said until then is written.
    """
    judge = next((each for each in world.judges if not each.model.startswith("rules")), None)
    if judge is None:
        return StepResult({"asked": 0, "note": "no model reads replies: the rules do (OMNI_JUDGE)"})
    asked, classed, spent = 0, 0, set[int]()
    async for reply in _unclear(world):
        if reply.campaign_id in spent:
            continue
        try:
            classed += await _classify(world, judge, reply, job.id)
        except BudgetSpent:
            spent.add(reply.campaign_id)
            continue
        asked += 1
        job.report(Progress(asked, None, judge.model))
        if asked >= CLASSED_AT_ONCE:
            break
    return StepResult({"asked": asked, "classed": classed})


async def _unclear(world: World) -> AsyncGenerator[Unclear]:
    """Yield the replies that wait for a model, the oldest first, up to a bound.

    Those of a campaign whose budget is spent must not hide the others behind them.
    """
    after = 0
    for _ in range(PAGES_LOOKED_AT):
        page = await feedback.list_unclear(world.db, after=after, limit=CLASSED_AT_ONCE)
        for reply in page:
            yield reply
        if len(page) < CLASSED_AT_ONCE:
            return
        after = page[-1].id


async def _classify(world: World, judge: Pool, reply: Unclear, job_id: UUID) -> bool:
    """Ask about one reply; tell whether that said more than that it is one."""
    meter = LedgerMeter(
        world.db,
        world.clock,
        "classify",
        world.prices,
        world.settings.llm_max_tokens,
        campaign_id=reply.campaign_id,
        profile_id=reply.profile_id,
        job_id=job_id,
    )
    asked = asking.question_about(reply.body)
    answer = await judge.ask(Prompt(asked.system, asked.user, asked.schema), meter)
    kind = asking.read_answer(answer.text, complete=answer.complete)
    now = world.clock()
    async with world.db.transaction() as tx:
        await feedback.reclass(
            tx,
            reply.id,
            kind or "replied",
            by="model",
            note=judge.model if kind else f"{judge.model} gave no answer that can be read",
            doors=DOORS,
            now=now,
        )
    return kind not in (None, "replied")
