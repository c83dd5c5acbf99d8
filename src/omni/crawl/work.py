"""Walks from a seed with a bounded pool of calls, and yields what it finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from math import inf
from typing import cast

from omni.base.errors import NotFound, Rejected, Transient
from omni.base.log import get_logger
from omni.connectors.ports import ProfileSource
from omni.connectors.types import RawProfile, RefPage, Seed
from omni.crawl.plan import Frontier, check_config, check_seed
from omni.crawl.types import Batch, Errand, Page
from omni.jobs.types import CrawlConfig, Progress

YIELD_SIZE = 200
"""The most profiles that are yielded at once."""
YIELD_SECONDS = 2.0
"""The longest that a profile waits for others to be yielded with."""

_Result = RefPage | Sequence[RawProfile]
_Running = dict["asyncio.Task[_Result]", Errand]


async def crawl(
    source: ProfileSource,
    seed: Seed,
    config: CrawlConfig,
    *,
    concurrency: int,
    monotonic: Callable[[], float],
    report: Callable[[Progress], None],
) -> AsyncGenerator[tuple[RawProfile, ...]]:
    """Yield the people that `seed` leads to: nobody twice, nobody who asks not to be found.

    No more than `concurrency` calls run at a time, and while the caller works on what was yielded
    no new call begins. When `config.max_seconds` are over, it ends with what it has. Close it where
    it is left early (`contextlib.aclosing`), so that calls which still run are cancelled at once.

    Args:
        source: Where to read.
        seed: Where to begin.
        config: The bounds.
        concurrency: The most calls at a time.
        monotonic: Seconds from a clock that never goes back.
        report: Told the progress after every call.

    Raises:
        Rejected: The seed or a bound is wrong, or the platform does not know the seed.
        Transient: The first page could not be read, or several calls in a row failed; what was
            found until then has been yielded.
    """
    config = check_config(config)
    frontier = Frontier(check_seed(seed, source.seed_types, config), config)
    deadline = monotonic() + config.max_seconds
    basket = _Basket()
    running: _Running = {}
    try:
        while True:
            _begin(source, frontier, running, concurrency)
            if basket.is_due(monotonic()):
                for part in basket.take():
                    yield part
            if not running or monotonic() >= deadline:
                break
            await _wait(running, min(deadline, basket.due_at) - monotonic())
            for errand, task in _ended(running):
                basket.add(_settle(frontier, errand, task), monotonic())
                report(frontier.progress())
        for part in basket.take():
            yield part
    finally:
        await _cancel(running)
    if error := frontier.error():
        raise error


class _Basket:
    """Profiles that wait for others, so that the caller gets them by the handful."""

    def __init__(self) -> None:
        self._profiles: list[RawProfile] = []
        self.due_at = inf

    def add(self, profiles: Sequence[RawProfile], now: float) -> None:
        if profiles and not self._profiles:
            self.due_at = now + YIELD_SECONDS
        self._profiles += profiles

    def is_due(self, now: float) -> bool:
        return len(self._profiles) >= YIELD_SIZE or now >= self.due_at

    def take(self) -> list[tuple[RawProfile, ...]]:
        """Empty the basket, in parts of at most `YIELD_SIZE`."""
        profiles, self._profiles, self.due_at = self._profiles, [], inf
        starts = range(0, len(profiles), YIELD_SIZE)
        return [tuple(profiles[start : start + YIELD_SIZE]) for start in starts]


def _begin(source: ProfileSource, frontier: Frontier, running: _Running, concurrency: int) -> None:
    """Begin as many calls as there is room for."""
    while len(running) < concurrency:
        errand = frontier.next_errand(source.batch_size)
        if errand is None:
            return
        running[asyncio.create_task(_run(source, errand))] = errand


async def _run(source: ProfileSource, errand: Errand) -> _Result:
    if isinstance(errand, Page):
        return await source.expand(errand.seed, errand.cursor)
    return await source.fetch(errand.platform_ids)


async def _wait(running: _Running, seconds: float) -> None:
    timeout = max(0.0, seconds)
    await asyncio.wait(running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)


def _ended(running: _Running) -> list[tuple[Errand, asyncio.Task[_Result]]]:
    """Take the calls that have ended off the list, in the order in which they began."""
    done = [task for task in running if task.done()]
    return [(running.pop(task), task) for task in done]


def _settle(
    frontier: Frontier, errand: Errand, task: asyncio.Task[_Result]
) -> tuple[RawProfile, ...]:
    """Tell the frontier how a call ended; return the people that it brought."""
    try:
        result = task.result()
    except (Transient, Rejected, NotFound) as error:
        frontier.failed(errand, error)
        get_logger().warning("crawl.call_failed", call=type(errand).__name__, error=str(error))
        return ()
    if isinstance(errand, Batch):
        return frontier.people_found(errand, cast("Sequence[RawProfile]", result))
    frontier.page_read(errand, cast("RefPage", result))
    return ()


async def _cancel(running: _Running) -> None:
    """End what still runs, and wait until it has ended."""
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
