"""Judges a campaign's shortlist: load, ask, read, record, each verdict as soon as it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from omni.base.clock import Clock
from omni.base.errors import Transient
from omni.base.log import get_logger
from omni.campaigns.types import Campaign
from omni.jobs.types import Progress
from omni.llm.ports import Caller, Prompt
from omni.llm.types import Prices
from omni.qualification import store
from omni.qualification.ledger import LedgerMeter
from omni.qualification.plan import (
    PROMPT_VERSION,
    build_question,
    pool_size,
    rank_shortlist,
    read_verdict,
)
from omni.qualification.reading import keepable
from omni.qualification.recordings import About
from omni.qualification.recordings_store import Recorder
from omni.qualification.types import (
    BudgetSpent,
    OpenCandidate,
    QualificationReport,
    Refusal,
    Shortlisted,
    VerdictKey,
)
from omni.storage.db import Database

MAX_FAILED_IN_A_ROW = 5
"""After so many failed calls without an answer between them, the judge counts as down."""


async def qualify(
    db: Database,
    judge: Caller,
    campaign: Campaign,
    english: str,
    *,
    limit: int,
    clock: Clock,
    report: Callable[[Progress], None],
    job_id: UUID | None = None,
    prices: Prices = Prices(),  # noqa: B008 - frozen
    answer_tokens: int = 600,
) -> QualificationReport:
    """Judge up to `limit` of the campaign's best candidates that have no verdict yet.

    Running it again is free: what is judged is not asked for again, unless the person's view, the
    criteria, the brief, the model or the prompt changed.

    Args:
        english: The campaign's criteria as a sentence.
        job_id: Whose calls they are in the ledger.
        prices: What calls cost; a budget is kept in them.
        answer_tokens: The most tokens that an answer may have.

    Raises:
        Transient: The judge is down. What was judged until then stays judged.
        Fatal: The judge cannot work until a person mends its settings.
    """
    key = VerdictKey.of(campaign, model=judge.model, prompt_version=PROMPT_VERSION)
    pool = await store.list_open(db, key, limit=pool_size(limit))
    shortlist = rank_shortlist(pool, now=clock(), limit=limit)
    meter = LedgerMeter(
        db, clock, "qualify", prices, answer_tokens, campaign_id=campaign.id, job_id=job_id
    )
    run = _Run(db, judge, campaign, english, key, clock, report, meter, total=len(shortlist))
    await run.judge_all(shortlist)
    outcome = run.outcome()
    get_logger().info("qualification.shortlist_judged", calls=outcome.calls, failed=outcome.failed)
    return outcome


@dataclass(slots=True)
class _Tally:
    """What happened so far; `in_a_row` counts the failures since the last answer."""

    done: int = 0
    verdicts: int = 0
    refused: int = 0
    qualified: int = 0
    failed: int = 0
    in_a_row: int = 0


@dataclass(slots=True)
class _Run:
    """One run over a shortlist."""

    db: Database
    judge: Caller
    campaign: Campaign
    english: str
    key: VerdictKey
    clock: Clock
    report: Callable[[Progress], None]
    meter: LedgerMeter
    total: int
    held_until: datetime | None = None
    tally: _Tally = field(default_factory=_Tally)

    async def judge_all(self, shortlist: list[OpenCandidate]) -> None:
        """Judge everyone, with as many calls under way as the judge takes."""
        waiting = iter(shortlist)
        workers = min(self.judge.concurrency, len(shortlist))
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(workers):
                    tasks.create_task(self._judge_from(waiting))
        except ExceptionGroup as errors:  # the first is the cause, the rest fell with it
            raise errors.exceptions[0] from errors
        if self.tally.failed and not self.tally.verdicts + self.tally.refused:
            raise Transient(f"the judge answered none of {self.tally.failed} calls")

    async def _judge_from(self, waiting: Iterator[OpenCandidate]) -> None:
        for candidate in waiting:
            if self.held_until is not None:
                return
            shortlisted = await store.get_open(self.db, self.key, candidate.profile_id)
            if shortlisted is not None:
                await self._judge_one(shortlisted)
            self.tally.done += 1
            self.report(Progress(self.tally.done, self.total, self._note()))

    async def _judge_one(self, shortlisted: Shortlisted) -> None:
        try:
            answer = await self.judge.ask(self._prompt(shortlisted), self._meter(shortlisted))
        except BudgetSpent as spent:
            self.held_until = spent.until
            return
        except Transient as fault:
            self._count_failure(fault)
            return
        self.tally.in_a_row = 0
        reading = read_verdict(answer.text, answer.complete, shortlisted.view)
        await store.insert_answer(
            self.db,
            self.key,
            shortlisted,
            reading,
            raw=keepable(answer.text),
            latency_ms=answer.latency_ms,
            now=self.clock(),
        )
        if isinstance(reading, Refusal):
            self.tally.refused += 1
            get_logger().info("qualification.answer_refused", reason=reading.reason)
        else:
            self.tally.verdicts += 1
            self.tally.qualified += reading.qualified

    def _meter(self, shortlisted: Shortlisted) -> Recorder:
        about = About.of(self.key, shortlisted.profile_id, shortlisted.view_hash)
        meter = replace(self.meter, profile_id=shortlisted.profile_id)
        return Recorder(meter, self.db, about, self.clock)

    def _prompt(self, shortlisted: Shortlisted) -> Prompt:
        asked = build_question(
            brief=self.campaign.brief,
            criteria=self.campaign.criteria,
            english=self.english,
            view=shortlisted.view,
        )
        return Prompt(asked.system, asked.user, asked.schema, facts=asked.facts)

    def _count_failure(self, fault: Transient) -> None:
        """Go on after a failed call, but not when the judge is down: the job is tried again."""
        self.tally.failed += 1
        self.tally.in_a_row += 1
        get_logger().warning("qualification.call_failed", error=str(fault))
        if self.tally.in_a_row >= MAX_FAILED_IN_A_ROW:
            raise Transient(
                f"{self.tally.in_a_row} calls in a row failed, the last: {fault}",
                retry_after=fault.retry_after,
            ) from fault

    def _note(self) -> str:
        return f"{self.tally.qualified} qualified, {self.tally.refused} refused"

    def outcome(self) -> QualificationReport:
        """Return what the run did."""
        tally = self.tally
        return QualificationReport(
            shortlisted=self.total,
            calls=tally.verdicts + tally.refused + tally.failed,
            verdicts=tally.verdicts,
            refused=tally.refused,
            qualified=tally.qualified,
            failed=tally.failed,
            held=f"budget until {self.held_until.isoformat()}" if self.held_until else None,
        )
