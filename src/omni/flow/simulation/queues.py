"""A queue in memory: numbers by the moment from which they are due."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from heapq import heappop, heappush

Queue = list[tuple[datetime, int]]
"""A heap."""


def first_due(
    queue: Queue, now: datetime, stands: Callable[[datetime, int], bool], passed: Collection[int]
) -> int | None:
    """Return what has been due for the longest time, and is not of those that are passed over.

    Entries that do not stand any more are dropped.
    """
    left, found = Queue(), None
    while found is None and queue and queue[0][0] <= now:
        at, number = queue[0]
        if not stands(at, number):
            heappop(queue)
        elif number in passed:
            left.append(heappop(queue))
        else:
            found = number
    for each in left:
        heappush(queue, each)
    return found
