"""Many small calls become few large ones, and nobody pays for a neighbour."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from omni.jobs.coalesce import Coalescer


class Doubler:
    """Serves a batch when it is let go, and remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        await self.go.wait()
        if 13 in items:
            raise RuntimeError("the whole batch")
        return [ValueError("this one") if item == 7 else 2 * item for item in items]


async def test_concurrent_calls_share_bounded_batches_and_get_their_own_outcome() -> None:
    doubler = Doubler()
    calls = Coalescer(doubler, max_batch=4)
    assert await asyncio.gather(*map(calls.submit, range(6))) == [0, 2, 4, 6, 8, 10]
    assert doubler.batches == [[0, 1, 2, 3], [4, 5]]


async def test_what_arrives_during_a_batch_is_the_next_batch() -> None:
    doubler = Doubler()
    doubler.go.clear()
    calls = Coalescer(doubler)
    first = asyncio.create_task(calls.submit(1))
    await asyncio.sleep(0.01)
    rest = [asyncio.create_task(calls.submit(item)) for item in (2, 3)]
    await asyncio.sleep(0.01)
    doubler.go.set()
    assert await asyncio.gather(first, *rest) == [2, 4, 6]
    assert doubler.batches == [[1], [2, 3]]


async def test_an_outcome_that_is_an_error_is_raised_to_its_caller_alone() -> None:
    calls = Coalescer(Doubler())
    good, bad = await asyncio.gather(calls.submit(1), calls.submit(7), return_exceptions=True)
    assert good == 2
    assert isinstance(bad, ValueError)


async def test_an_error_of_the_batch_reaches_everyone_in_it_and_the_next_batch_is_served() -> None:
    calls = Coalescer(Doubler())
    outcomes = await asyncio.gather(calls.submit(1), calls.submit(13), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RuntimeError, RuntimeError]
    assert await calls.submit(2) == 4


async def test_a_cancelled_caller_leaves_the_others_alone() -> None:
    doubler = Doubler()
    doubler.go.clear()
    calls = Coalescer(doubler)
    running, neighbour = (asyncio.create_task(calls.submit(item)) for item in (1, 2))
    await asyncio.sleep(0.01)
    waiting, kept = (asyncio.create_task(calls.submit(item)) for item in (3, 4))
    await asyncio.sleep(0.01)
    running.cancel()
    waiting.cancel()
    await asyncio.sleep(0)
    doubler.go.set()
    assert await asyncio.gather(neighbour, kept) == [4, 8]
    assert doubler.batches == [[1, 2], [4]]


async def test_a_batch_without_an_outcome_for_each_item_is_an_error_not_a_hang() -> None:
    async def short(items: Sequence[int]) -> list[int | Exception]:
        return []

    with pytest.raises(RuntimeError, match="one outcome for each"):
        await asyncio.wait_for(Coalescer[int, int](short).submit(1), 5)
