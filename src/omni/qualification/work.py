"""Judges a campaign's shortlist: load, ask, read, record, each verdict as soon as it arrives."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from uuid import UUID, uuid4

from omni.base.clock import Clock
from omni.base.errors import Fatal, Transient
from omni.base.log import get_logger
from omni.campaigns.types import Campaign
from omni.jobs.types import Progress
from omni.llm.ports import Album, Answer, Caller, Image, Prompt, Resting, Turn
from omni.llm.types import Prices
from omni.qualification import shortlist_store as shortlists
from omni.qualification import store
from omni.qualification.carrying_store import carry
from omni.qualification.ledger import LedgerMeter
from omni.qualification.plan import (
    PROMPT_VERSION,
    build_question,
    choose,
    mending,
    pool_size,
    read_verdict,
)
from omni.qualification.reading import keepable
from omni.qualification.recordings import About
from omni.qualification.recordings_store import Recorder
from omni.qualification.types import (
    MOST_REFUSALS,
    BudgetSpent,
    OpenCandidate,
    QualificationReport,
    Refusal,
    Shortlisted,
    Verdict,
    VerdictKey,
)
from omni.storage.db import Database

MAX_FAILED_IN_A_ROW = 5
"""After so many people without an answer between them, the judges count as down."""

MOST_LOST = 4
"""So often one person's pictures may turn out to be lost; each time there are fewer of them."""

MOST_ASKS = 2
"""An answer that cannot be used is sent back once, with the reason."""


async def mark_nobody(epoch: int, settled: Mapping[int, str]) -> None:
    """Mark nobody: each run walks past all who are settled."""


async def qualify(
    db: Database,
    judges: Sequence[Caller],
    campaign: Campaign,
    english: str,
    *,
    limit: int,
    clock: Clock,
    report: Callable[[Progress], None],
    job_id: UUID | None = None,
    prices: Prices = Prices(),  # noqa: B008 - frozen
    answer_tokens: int = 600,
    explore: float = 0.0,
    share: float = 1.0,
    mark: shortlists.Mark = mark_nobody,
    album: Album | None = None,
) -> QualificationReport:
    """Judge up to `limit` of the campaign's best candidates that have no verdict yet.

    Running it again is free: what is judged is not asked for again, unless the person's view, the
    criteria, the brief, the model or the prompt changed. Two runs at once ask for each once.

    Args:
        judges: In the order of preference; one that fails leaves the person to the next. Verdicts
            belong to whoever gave them, and the first one's count.
        english: The campaign's criteria as a sentence.
        job_id: Whose calls they are in the ledger; seeds what is drawn by chance.
        prices: What calls cost; a budget is kept in them.
        answer_tokens: The most tokens that an answer may have.
        explore: The share of the shortlist that goes to people by chance, 0 to 1.
        share: The share of the shortlist that is judged at all, 0 to 1.
        mark: Marks who is settled, so that the next run does not meet them.
        album: Has the pictures; it is asked only for judges that see.

    Raises:
        Transient: The judges are down. What was judged until then stays judged.
        Fatal: A judge cannot work until a person mends its settings.
    """
    holder = job_id or uuid4()
    ways = [Way(judge, VerdictKey.of(campaign, model=judge.model, prompt_version=PROMPT_VERSION))
            for judge in judges]  # fmt: skip
    first = ways[0].key
    epoch = await shortlists.epoch_of(db, first, campaign.criteria, clock())
    carried = await _carry_all(db, ways, epoch, campaign, clock(), mark)
    pool = await shortlists.list_open(db, first, epoch, limit=pool_size(limit), mark=mark)
    rng = Random(holder.int)  # noqa: S311 - draws people, guards nothing
    choices = choose(pool, now=clock(), limit=limit, explore=explore, share=share, draw=rng.sample)
    if choices:
        await shortlists.forget_flights(db, now=clock())
        await shortlists.note_choices(db, campaign.id, holder, choices, now=clock())
    meter = LedgerMeter(
        db, clock, "qualify", prices, answer_tokens, campaign_id=campaign.id, job_id=job_id
    )
    shortlist = [choice.candidate for choice in choices]
    run = _Run(
        db, ways, campaign, english, clock, report, meter, holder, album, total=len(shortlist)
    )
    await run.judge_all(shortlist)
    if run.settled:
        await mark(epoch, run.settled)
    outcome = run.outcome(explored=sum(choice.explored for choice in choices), carried=carried)
    get_logger().info(
        "qualification.shortlist_judged",
        calls=outcome.calls,
        failed=outcome.failed,
        explored=outcome.explored,
        carried=carried,
        share=share,
    )
    return outcome


async def _carry_all(
    db: Database,
    ways: Sequence[Way],
    epoch: int,
    campaign: Campaign,
    now: datetime,
    mark: shortlists.Mark,
) -> int:
    """Carry each judge's verdicts over an edit that cannot change them; marks are the first's."""
    carried = await carry(db, ways[0].key, epoch, campaign, now=now, mark=mark)
    for way in ways[1:]:
        other = await shortlists.epoch_of(db, way.key, campaign.criteria, now)
        await carry(db, way.key, other, campaign, now=now, mark=mark_nobody)
    return carried


@dataclass(frozen=True, slots=True)
class Way:
    """A judge, and what its verdicts are valid for."""

    judge: Caller
    key: VerdictKey


@dataclass(slots=True)
class _Tally:
    """What happened so far; `in_a_row` counts the unanswered since the last answer."""

    done: int = 0
    verdicts: int = 0
    refused: int = 0
    qualified: int = 0
    failed: int = 0
    unanswered: int = 0
    in_a_row: int = 0


@dataclass(slots=True)
class _Run:
    """One run over a shortlist."""

    db: Database
    ways: Sequence[Way]
    campaign: Campaign
    english: str
    clock: Clock
    report: Callable[[Progress], None]
    meter: LedgerMeter
    holder: UUID
    album: Album | None
    total: int
    held_until: datetime | None = None
    fault: Transient | None = None
    down: Transient | None = None
    tally: _Tally = field(default_factory=_Tally)
    settled: dict[int, str] = field(default_factory=dict[int, str])
    waiting: deque[int] = field(default_factory=deque[int])
    ready: deque[Shortlisted] = field(default_factory=deque[Shortlisted])
    flying: dict[VerdictKey, dict[int, str]] = field(
        default_factory=dict[VerdictKey, dict[int, str]]
    )
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def judge_all(self, shortlist: Sequence[OpenCandidate]) -> None:
        """Judge everyone, with as many calls under way as the judge takes.

        There are more hands than calls: while one writes down what it heard, another one asks.
        """
        self.waiting.extend(candidate.profile_id for candidate in shortlist)
        concurrency = self.ways[0].judge.concurrency
        hands = min(concurrency + concurrency // 2 + 1, len(shortlist))
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(hands):
                    tasks.create_task(self._judge_on())
        except ExceptionGroup as errors:  # the first is the cause, the rest fell with it
            raise errors.exceptions[0] from errors
        finally:
            await self._let_go()
        if self.down is not None:
            raise self.down
        if self.tally.unanswered and not self.tally.verdicts + self.tally.refused:
            raise Transient(f"the judge answered none of {self.tally.unanswered} calls")

    async def _judge_on(self) -> None:
        while self._goes_on() and (person := await self._next()) is not None:
            await self._judge_one(person)
            self._step(1)

    def _goes_on(self) -> bool:
        return self.held_until is None and self.down is None

    async def _next(self) -> Shortlisted | None:
        """Return the next one of whom there is something to ask, and whom nobody else asks of."""
        async with self.taking:
            while not self.ready and self.waiting:
                size = min(len(self.waiting), max(4, self.ways[0].judge.concurrency))
                batch = [self.waiting.popleft() for _ in range(size)]
                people = await self._take(self.ways[0].key, batch)
                self.ready.extend(sorted(people, key=lambda one: batch.index(one.profile_id)))
                self._step(len(batch) - len(people))
            return self.ready.popleft() if self.ready else None

    async def _take(self, key: VerdictKey, profile_ids: Sequence[int]) -> list[Shortlisted]:
        taken = await shortlists.take_flights(
            self.db, key, profile_ids, holder=self.holder, now=self.clock()
        )
        self.flying.setdefault(key, {}).update(taken)
        views = await store.list_views(self.db, key, list(taken)) if taken else []
        # Who changed between the two looks is met again in the next run.
        return [one for one in views if taken[one.profile_id] == one.view_hash]

    async def _judge_one(self, person: Shortlisted) -> None:
        """Ask one judge after the other, until there is an answer."""
        fault: Transient | None = None
        for place, way in enumerate(self.ways):
            found = await self._take(way.key, [person.profile_id]) if place else [person]
            if not found:
                return
            try:
                await self._ask(way, found[0])
            except BudgetSpent as spent:
                self.held_until = spent.until
            except Transient as passing:
                fault = passing
                if not isinstance(fault, Resting):
                    self.tally.failed += 1
                    self.fault = fault
                get_logger().warning("qualification.call_failed", error=str(fault))
                continue
            return
        if fault is not None:
            self._count_unanswered(fault)

    async def _ask(self, way: Way, person: Shortlisted) -> None:
        if (shown := await self._show(way, person)) is None:
            return
        person, images = shown
        turns: tuple[Turn, ...] = ()
        for asked in range(1, MOST_ASKS + 1):
            purpose = "repair" if turns else "qualify"
            prompt = replace(self._prompt(person, images), turns=turns)
            answer = await way.judge.ask(prompt, self._meter(way.key, person, purpose))
            self.tally.in_a_row = 0
            reading = _read(answer, person)
            bound = asked == MOST_ASKS or person.refusals + asked >= MOST_REFUSALS
            last = isinstance(reading, Verdict) or answer.refused or bound
            await self._record(way, person, answer, reading, last=last)
            if last or isinstance(reading, Verdict):
                return
            said, told = keepable(answer.text), mending(reading)
            turns = (Turn("assistant", said), Turn("user", told))

    async def _show(
        self, way: Way, person: Shortlisted
    ) -> tuple[Shortlisted, tuple[Image, ...]] | None:
        """Return the pictures that belong to what is shown, and the person as shown with them.

        One that is lost is no part of it: None if there is a verdict without it already.
        """
        for _ in range(MOST_LOST):
            if not person.pictures:
                return person, ()
            if self.album is None:
                raise Fatal("a judge that sees is asked, and no pictures are at hand")
            images = await self.album.show(person.profile_id, person.pictures)
            if images is not None:
                return person, images
            views = {person.profile_id: person.view_hash}
            await shortlists.end_flights(self.db, way.key, views, holder=self.holder)
            again = await self._take(way.key, [person.profile_id])
            if not again:
                return None
            person = again[0]
        raise Transient(f"the pictures of profile {person.profile_id} get lost")

    async def _record(
        self,
        way: Way,
        person: Shortlisted,
        answer: Answer,
        reading: Verdict | Refusal,
        *,
        last: bool,
    ) -> None:
        await store.insert_answer(
            self.db,
            way.key,
            person,
            reading,
            raw=keepable(answer.text),
            latency_ms=answer.latency_ms,
            now=self.clock(),
            holder=self.holder if last else None,
        )
        if last:
            self.flying[way.key].pop(person.profile_id, None)
        if isinstance(reading, Refusal):
            self.tally.refused += 1
            get_logger().info("qualification.answer_refused", reason=reading.reason)
            return
        self.tally.verdicts += 1
        self.tally.qualified += reading.qualified
        if way is self.ways[0]:
            self.settled[person.profile_id] = person.view_hash

    def _meter(self, key: VerdictKey, person: Shortlisted, purpose: str) -> Recorder:
        about = About.of(key, person.profile_id, person.view_hash)
        meter = replace(self.meter, profile_id=person.profile_id, purpose=purpose)
        return Recorder(meter, self.db, about, self.clock)

    def _prompt(self, shortlisted: Shortlisted, images: tuple[Image, ...]) -> Prompt:
        asked = build_question(
            brief=self.campaign.brief,
            criteria=self.campaign.criteria,
            english=self.english,
            view=shortlisted.view,
            pictures=len(images),
        )
        return Prompt(asked.system, asked.user, asked.schema, images, facts=asked.facts)

    def _count_unanswered(self, fault: Transient) -> None:
        """Go on after a failed call, but not when the judges are down: the job is tried again.

        What is under way is waited for, so that nothing that is paid for is lost.
        """
        self.tally.unanswered += 1
        self.tally.in_a_row += 1
        fault = self.fault or fault  # what it rests for tells more than that it rests
        if self.tally.in_a_row >= MAX_FAILED_IN_A_ROW and self.down is None:
            self.down = Transient(
                f"{self.tally.in_a_row} calls in a row failed, the last: {fault}",
                retry_after=fault.retry_after,
            )

    async def _let_go(self) -> None:
        """Let others take those who were taken and not judged."""
        for key, views in self.flying.items():
            if views:
                await shortlists.end_flights(self.db, key, views, holder=self.holder)

    def _step(self, people: int) -> None:
        if people:
            self.tally.done += people
            note = f"{self.tally.qualified} qualified, {self.tally.refused} refused"
            self.report(Progress(self.tally.done, self.total, note))

    def outcome(self, *, explored: int, carried: int) -> QualificationReport:
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
            explored=explored,
            carried=carried,
        )


def _read(answer: Answer, person: Shortlisted) -> Verdict | Refusal:
    if answer.refused:
        return Refusal("the model declined to answer")
    return read_verdict(answer.text, answer.complete, person.view)
