"""Walks from a seed with a bounded pool of calls, and yields what it finds with its log."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from math import inf
from typing import Any, cast

from omni.base.errors import Cancelled, OmniError
from omni.base.log import get_logger
from omni.connectors.ports import ProfileSource
from omni.connectors.types import RawProfile, RefPage, Seed
from omni.crawl.basket import Basket
from omni.crawl.frontier import Frontier
from omni.crawl.plan import check_config, check_seed
from omni.crawl.types import Entry, Errand, Haul, Page, Spent, Step
from omni.jobs.types import CrawlConfig, Progress

_Result = RefPage | Sequence[RawProfile]
_Running = dict["asyncio.Task[_Result]", Errand]


def spend_nothing() -> Spent:
    """Return that nothing was spent: for a source that is not asked over HTTP."""
    return Spent()


class Walk:
    """One run of a crawl: nobody twice.

    `recall` takes the log of the runs before it, and then the entry with which this one begins;
    `hauls` walks. What it yields has to be written in that order, each haul with its entry.

    No more than `concurrency` calls run at a time, and while the caller works on what was yielded
    no new call begins. Who asks not to be found is yielded too, and it is up to the caller to let
    go of them; their followers are not read.

    Args:
        source: Where to read.
        seed: Where to begin.
        config: The bounds.
        concurrency: The most calls at a time.
        monotonic: Seconds from a clock that never goes back.
        report: Told the progress after every call.
        spent: Tells what this run has cost so far, in requests and bytes.

    Raises:
        Rejected: The seed or a bound is wrong.
    """

    def __init__(
        self,
        source: ProfileSource,
        seed: Seed,
        config: CrawlConfig,
        *,
        concurrency: int,
        monotonic: Callable[[], float],
        report: Callable[[Progress], None],
        spent: Callable[[], Spent] = spend_nothing,
    ) -> None:
        self._source = source
        self._config = check_config(config)
        self._frontier = Frontier(check_seed(seed, source.seed_types, config), config)
        self._concurrency = concurrency
        self._monotonic = monotonic
        self._report = report
        self._spent_in_run = spent
        self._began = monotonic()
        self._before = Spent()
        self._told = Spent()
        self._running: _Running = {}
        self._basket = Basket()
        self._wrote: Counter[str] = Counter()
        self._ended_by = ""

    def recall(self, entry: Entry) -> None:
        """Take the next entry of the log."""
        for step in entry.steps:
            self._frontier.take(step)
        self._before = _plus(self._before, entry)
        self.note_written(entry.wrote)

    def note_written(self, counts: Mapping[str, int]) -> None:
        """Count what became of people who were taken in."""
        self._wrote.update(counts)

    async def hauls(self) -> AsyncGenerator[Haul]:
        """Yield the people that the seed leads to, with the steps that led there.

        It ends with what it has when a bound is reached. Close it where it is left early
        (`contextlib.aclosing`), so that calls which still run are cancelled at once.

        Raises:
            Rejected: The platform does not know the seed.
            Transient: The first page could not be read, or several calls in a row failed; what was
                found until then has been yielded.
        """
        try:
            while not self._is_spent():
                self._begin_calls()
                while haul := self._due():
                    yield haul
                if not self._running:
                    if not self._begin_second_round():
                        break
                    continue
                await _wait(self._running, self._seconds_until_due())
                self._settle_ended()
        finally:
            await self._stop_calls()
        while haul := self.leftover():
            yield haul
        if error := self._frontier.error():
            raise error

    def leftover(self) -> Haul | None:
        """Return what was found and not yielded, haul by haul; None when there is no more."""
        taken = self._basket.take()
        return self._haul(*taken) if taken else None

    def progress(self) -> Progress:
        """Return at how many people the crawl has looked, of how many that it knows of.

        The total is unknown while pages are still to be read. All counts hold for all runs.
        """
        frontier, spent = self._frontier, self._spent()
        failures = sum(frontier.failures.values())
        note = f"{frontier.found} people found, {frontier.pages_read} pages read"
        return Progress(
            done=frontier.looked_at,
            total=None if frontier.may_meet_more() else frontier.met(),
            note=note + (f", {failures} failures" if failures else ""),
            counts={
                "pages": frontier.pages_read,
                "found": frontier.met(),
                "kept": frontier.found,
                "left_out": sum(self._left_out().values()),
                "failures": failures,
                "requests": spent.requests,
                "bytes": spent.bytes,
                "seconds": round(spent.seconds),
                "depth": frontier.depth,
                "resumed": max(0, frontier.runs - 1),
            },
        )

    def result(self) -> dict[str, Any]:
        """Return what came of it, over all runs: what was written, counts, failures."""
        return {
            **self._wrote,
            **self.progress().counts,
            "left_out": self._left_out(),
            "failures": dict(self._frontier.failures.most_common()),
            "examples": list(self._frontier.examples),
            "ended_by": self._ended_by or self._frontier.ended_by(),
        }

    def _left_out(self) -> dict[str, int]:
        """Return why people whom the crawl met were not written, each reason with a count."""
        reasons = {
            "asked_not_to_be_found": self._frontier.hidden,
            "gone": self._frontier.gone,
            "unread": self._frontier.unread,
            "no_usable_id": self._frontier.unfit,
            "suppressed": self._wrote["left_out"],
        }
        return {reason: count for reason, count in reasons.items() if count}

    def _begin_calls(self) -> None:
        """Begin as many calls as there is room for."""
        while len(self._running) < self._concurrency:
            errand = self._frontier.next_errand(self._source.batch_size)
            if errand is None:
                return
            self._running[asyncio.create_task(_run(self._source, errand))] = errand

    def _begin_second_round(self) -> bool:
        step = self._frontier.second_round()
        if step is not None:
            self._basket.add(step, (), self._monotonic())
        return step is not None

    def _due(self) -> Haul | None:
        return self.leftover() if self._basket.is_due(self._monotonic()) else None

    def _settle_ended(self) -> None:
        for task in [task for task in self._running if task.done()]:
            errand = self._running.pop(task)
            if not task.cancelled():
                step, people = _settle(self._frontier, errand, task)
                self._basket.add(step, people, self._monotonic())
        self._report(self.progress())

    async def _stop_calls(self) -> None:
        """End what still runs; keep what had come."""
        self._settle_ended()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    def _spent(self) -> Spent:
        run = self._spent_in_run()
        seconds = self._monotonic() - self._began
        return _plus(self._before, Spent(seconds, run.requests, run.bytes))

    def _is_spent(self) -> bool:
        spent = self._spent()
        if spent.seconds >= self._config.max_seconds:
            self._ended_by = "seconds"
        elif spent.bytes >= self._config.max_bytes:
            self._ended_by = "bytes"
        return bool(self._ended_by)

    def _seconds_until_due(self) -> float:
        left = self._config.max_seconds - self._spent().seconds
        return max(0.0, min(left, self._basket.due_at - self._monotonic()))

    def _haul(self, steps: Sequence[Step], people: Sequence[RawProfile]) -> Haul:
        """Bind steps and people together, with what was spent since the haul before."""
        run = self._spent_in_run()
        now = Spent(self._monotonic() - self._began, run.requests, run.bytes)
        told, self._told = self._told, now
        entry = Entry(
            tuple(steps),
            max(0.0, now.seconds - told.seconds),
            now.requests - told.requests,
            now.bytes - told.bytes,
        )
        return Haul(tuple(people), entry)


async def _run(source: ProfileSource, errand: Errand) -> _Result:
    if isinstance(errand, Page):
        return await source.expand(errand.seed, errand.cursor)
    return await source.fetch(errand.platform_ids)


async def _wait(running: _Running, seconds: float) -> None:
    timeout = None if seconds == inf else seconds
    await asyncio.wait(running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)


def _settle(
    frontier: Frontier, errand: Errand, task: asyncio.Task[_Result]
) -> tuple[Step, tuple[RawProfile, ...]]:
    """Tell the frontier how a call ended; return the step, and the people that it brought.

    A call that fails in a way that nobody foresaw costs itself alone.
    """
    try:
        result = task.result()
        if isinstance(errand, Page):
            return frontier.page_read(errand, cast("RefPage", result)), ()
        return frontier.people_found(errand, cast("Sequence[RawProfile]", result))
    except Cancelled:
        raise
    except Exception as error:
        get_logger().warning(
            "crawl.call_failed",
            call=type(errand).__name__,
            error=str(error),
            exc_info=not isinstance(error, OmniError),
        )
        return frontier.failed(errand, error), ()


def _plus(one: Spent, other: Spent | Entry) -> Spent:
    return Spent(
        one.seconds + other.seconds, one.requests + other.requests, one.bytes + other.bytes
    )
