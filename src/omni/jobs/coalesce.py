"""Many small calls become few large ones: what waits while one batch runs is the next batch."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class Coalescer(Generic[Item, Outcome]):
    """Collects concurrent calls and serves them in batches, one batch at a time.

    A lone call waits one turn of the event loop; under load, batches grow by themselves. A caller
    that is cancelled before its batch starts is left out of it, later it only loses its outcome;
    the others are not touched. An error of the batch reaches every caller in it.

    Args:
        serve: Takes a batch, returns an outcome for each item in order. An outcome that is an
            exception is raised to that item's caller alone.
        max_batch: The most items that one call of `serve` gets.
    """

    def __init__(
        self,
        serve: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]],
        *,
        max_batch: int = 200,
    ) -> None:
        self._serve = serve
        self._max_batch = max_batch
        self._waiting: deque[tuple[Item, asyncio.Future[Outcome]]] = deque()
        self._drainer: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Outcome:
        """Have `item` served in the next batch; return or raise its outcome."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append((item, future))
        if self._drainer is None:
            # An empty context: the batch belongs to no single caller, and neither do its logs.
            self._drainer = loop.create_task(self._drain(), context=Context())
        return await future

    async def _drain(self) -> None:
        try:
            await asyncio.sleep(0)
            while batch := self._take():
                await self._settle(batch)
        finally:
            self._drainer = None

    def _take(self) -> list[tuple[Item, asyncio.Future[Outcome]]]:
        batch: list[tuple[Item, asyncio.Future[Outcome]]] = []
        while self._waiting and len(batch) < self._max_batch:
            item, future = self._waiting.popleft()
            if not future.done():
                batch.append((item, future))
        return batch

    async def _settle(self, batch: Sequence[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await self._serve([item for item, _ in batch])
            if len(outcomes) != len(batch):
                raise RuntimeError("a batch needs one outcome for each item")
        except Exception as error:
            outcomes = [error] * len(batch)
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
