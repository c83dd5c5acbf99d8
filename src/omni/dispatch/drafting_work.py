"""The effect edge of drafting: leads become messages that wait for approval.

Every text is a row as soon as it is written, by a unique key, so that a worker that dies in the
middle leaves what it has written, and the next one goes on with those who have none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from omni.base.log import get_logger
from omni.campaigns.types import Campaign
from omni.dispatch import drafting_plan, plan
from omni.dispatch import drafts_store as drafts
from omni.dispatch.drafting_types import Draft, DraftReport, Recipient, Undrafted, Write
from omni.dispatch.template import MessageTemplate
from omni.qualification.types import BudgetSpent
from omni.storage.db import Database

DRAFT_BATCH = 200
MAX_DRAFTS = 10_000


async def draft(
    db: Database, campaign: Campaign, *, now: datetime, write: Write | None = None
) -> DraftReport:
    """Write a message that waits for approval for each lead that has none, best leads first.

    Args:
        db: Where to write.
        campaign: Whose leads.
        now: The present moment.
        write: A model that writes; what the campaign's template makes needs none.

    Raises:
        Rejected: The campaign's template cannot be rendered (field `message_template`).
        Transient: The model is down; what was written until then is there.
    """
    run = _Run(db, campaign, 0, now)
    await run.serve(_first_recipients(db, campaign, now), write)
    return run.report()


async def follow_up(
    db: Database, campaign: Campaign, *, now: datetime, write: Write | None = None
) -> DraftReport:
    """Write each step after the first whose delay has passed, to those who have not replied.

    Raises:
        Rejected: A template cannot be rendered.
        Transient: The model is down; what was written until then is there.
    """
    runs: list[_Run] = []
    for step in range(1, len(campaign.follow_ups) + 1):
        runs.append(_Run(db, campaign, step, now))
        await runs[-1].serve(_due_recipients(db, campaign, step, now), write)
    return DraftReport(
        sum(run.drafted for run in runs),
        dict(sum((run.skipped for run in runs), Counter[str]())),
        next((run.note for run in runs if run.note), ""),
    )


async def rehearse(
    db: Database, campaign: Campaign, *, now: datetime, write: Write, limit: int
) -> DraftReport:
    """Let a model write to the best leads that have no draft; its answers are kept, no draft is.

    Raises:
        Transient: The model is down.
    """
    note = drafting_plan.why_nothing(campaign, 0, has_model=True)
    if note:
        return DraftReport(0, note=note)
    people: list[Recipient] = []
    async for page in _first_recipients(db, campaign, now):
        people += page
        if len(people) >= limit:
            break
    done, skipped = 0, Counter[str]()
    try:
        async for written in write(people[:limit], 0):
            if isinstance(written, Undrafted):
                skipped[written.why] += 1
            else:
                done += 1
    except BudgetSpent as spent:
        note = f"budget until {spent.until.isoformat()}"
    return DraftReport(done, dict(skipped), note)


async def approve_by_autopilot(db: Database, campaign: Campaign, *, now: datetime) -> int:
    """Approve what a person has allowed to go without a look; return how many messages."""
    if campaign.autopilot_cap is None:
        return 0
    async with db.transaction() as tx:
        approved = await drafts.approve_by_autopilot(
            tx, campaign.id, states=drafting_plan.LATER_STATES, now=now
        )
    if approved:
        get_logger().info("dispatch.approved_by_autopilot", approved=approved)
    return approved


@dataclass(slots=True)
class _Run:
    """One step's drafting."""

    db: Database
    campaign: Campaign
    step: int
    now: datetime
    drafted: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])
    note: str = ""

    async def serve(self, pages: AsyncGenerator[Sequence[Recipient]], write: Write | None) -> None:
        """Write to everybody of these pages, within the bound."""
        self.note = drafting_plan.why_nothing(self.campaign, self.step, has_model=write is not None)
        if self.note:
            return
        if self.campaign.writer == "template" or write is None:
            write = _by_template(self.campaign)
        try:
            async for people in pages:
                await self._write(write, people)
                if self.drafted >= MAX_DRAFTS:
                    break
        except BudgetSpent as spent:
            self.note = f"budget until {spent.until.isoformat()}"
        finally:
            await pages.aclose()
        get_logger().info("dispatch.drafted", step=self.step, drafted=self.drafted)

    async def _write(self, write: Write, people: Sequence[Recipient]) -> None:
        """Keep what comes at once together; a model's texts come, and are kept, one by one."""
        kept: list[Draft] = []
        slow = self.campaign.writer == "model"
        async for written in write(people, self.step):
            if isinstance(written, Undrafted):
                self.skipped[written.why] += 1
                continue
            kept.append(written)
            if slow:
                await self._keep(kept)
        await self._keep(kept)

    async def _keep(self, kept: list[Draft]) -> None:
        states = drafting_plan.states_for(self.step)
        self.drafted += await drafts.insert(
            self.db, self.campaign.id, self.step, kept, states=states, now=self.now
        )
        kept.clear()

    def report(self) -> DraftReport:
        """Return what the run did."""
        return DraftReport(self.drafted, dict(self.skipped), self.note)


def _by_template(campaign: Campaign) -> Write:
    """Return what writes as the campaign's templates have it."""

    async def write(people: Sequence[Recipient], step: int) -> AsyncIterator[Draft | Undrafted]:
        template = MessageTemplate(campaign.template_of(step))
        for person in people:
            yield drafting_plan.from_template(template, campaign, person)

    return write


async def _first_recipients(
    db: Database, campaign: Campaign, now: datetime
) -> AsyncGenerator[Sequence[Recipient]]:
    for state in ("accepted", "new"):
        before = drafts.FIRST_PAGE
        while people := await drafts.list_recipients(
            db,
            campaign.id,
            state,
            before=before,
            open_states=plan.OPEN_STATES,
            conversation_since=now - plan.CONVERSATION,
            limit=DRAFT_BATCH,
        ):
            yield people
            before = (people[-1].score, people[-1].lead_id)


async def _due_recipients(
    db: Database, campaign: Campaign, step: int, now: datetime
) -> AsyncGenerator[Sequence[Recipient]]:
    due_since = now - timedelta(hours=campaign.follow_ups[step - 1].delay_hours)
    after_id = 0
    while due := await drafts.list_due(
        db,
        campaign.id,
        step,
        states=drafting_plan.LATER_STATES,
        sent_after=due_since - drafting_plan.TOO_LATE,
        sent_before=due_since,
        after_id=after_id,
        limit=DRAFT_BATCH,
    ):
        yield [person for _, person in due]
        after_id = due[-1][0]
