"""Asks two judges, or one with two prompts, about the same people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from omni.base.clock import Clock
from omni.base.errors import Transient
from omni.base.hashing import digest
from omni.campaigns.types import Campaign
from omni.llm.ports import Caller, Meter, Prompt
from omni.llm.types import Prices
from omni.qualification import comparison_store as store
from omni.qualification.comparison import Comparison, Pair, Said, compare, disagreements
from omni.qualification.plan import PROMPT_VERSION, TASK, build_question
from omni.qualification.reading import read_verdict
from omni.qualification.recordings import About
from omni.qualification.recordings_store import Recorder
from omni.qualification.types import Verdict, Viewed
from omni.storage.db import Database


@dataclass(frozen=True, slots=True)
class Contender:
    """One of the two.

    Attributes:
        task: Takes the place of the prompt's first part; None: as it is.
    """

    judge: Caller
    task: str | None = None

    @property
    def model(self) -> str:
        """Who it is, with the version of the task where that is another."""
        return self.judge.model if self.task is None else f"{self.judge.model}@{self._version}"

    @property
    def prompt_version(self) -> str:
        """Under which its answers are kept."""
        return PROMPT_VERSION if self.task is None else f"task.{self._version}"

    @property
    def _version(self) -> str:
        return digest(self.task)[:8]


@dataclass(frozen=True, slots=True)
class Trial:
    """What both are asked about; `english` are the criteria as a sentence."""

    db: Database
    campaign: Campaign
    english: str
    meter: Callable[[int], Meter]
    prices: Prices
    clock: Clock

    async def ask(self, contender: Contender, seen: Viewed) -> Said:
        """Return what one judge says of one person."""
        about = About(
            self.campaign.id, seen.profile_id, seen.view_hash, self.campaign.criteria_hash,
            contender.prompt_version,
        )  # fmt: skip
        meter = Recorder(self.meter(seen.profile_id), self.db, about, self.clock)
        try:
            answer = await contender.judge.ask(self._prompt(contender, seen), meter)
        except Transient as fault:
            return Said(None, problem=str(fault))
        read = read_verdict(answer.text, answer.complete and not answer.refused, seen.view)
        cost = self.prices.cost_micros(
            contender.judge.model, answer.prompt_tokens or 0, answer.answer_tokens or 0
        )
        if isinstance(read, Verdict):
            return Said(read, answer.latency_ms, cost)
        return Said(None, answer.latency_ms, cost, read.reason)

    def _prompt(self, contender: Contender, seen: Viewed) -> Prompt:
        asked = build_question(
            brief=self.campaign.brief,
            criteria=self.campaign.criteria,
            english=self.english,
            view=seen.view,
        )
        system = asked.system
        if contender.task is not None:
            system = contender.task.rstrip() + "\n" + system.removeprefix(TASK)
        return Prompt(system, asked.user, asked.schema, facts=asked.facts)


async def compare_judges(
    trial: Trial,
    left: Contender,
    right: Contender,
    *,
    sample: int,
    seed: str,
    job_id: UUID | None = None,
    done: Callable[[int, int], None] = lambda count, of: None,
) -> tuple[int, Comparison, list[Pair]]:
    """Ask both about the same sample, keep the comparison, and return its id, it, and who is apart.

    No verdict of it counts for a lead.

    Args:
        job_id: Whose comparison it is; it is kept once.
        done: Told after each person how many of how many both were asked about.

    Raises:
        Fatal: A judge cannot work until a person mends its settings.
        BudgetSpent: The campaign's budget of the day does not take the calls.
    """
    people = await store.list_sample(trial.db, trial.campaign.id, seed=seed, limit=sample)
    pairs: list[Pair] = []
    waiting = iter(people)

    async def work() -> None:
        for seen in waiting:
            one = await trial.ask(left, seen)
            other = await trial.ask(right, seen)
            pairs.append(Pair(seen.profile_id, seen.username, one, other))
            done(len(pairs), len(people))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(max(left.judge.concurrency, right.judge.concurrency)):
                group.create_task(work())
    except ExceptionGroup as errors:  # the first is the cause, the rest fell with it
        raise errors.exceptions[0] from errors
    pairs.sort(key=lambda pair: pair.profile_id)
    found, apart = compare(left.model, right.model, pairs), disagreements(pairs)
    async with trial.db.transaction() as tx:
        comparison_id = await store.insert_comparison(
            tx, trial.campaign.id, found, apart, now=trial.clock(), job_id=job_id
        )
    return comparison_id, found, apart
