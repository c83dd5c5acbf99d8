"""A bound of how much happens at a time that can be changed while it holds."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress


class Gate:
    """Lets a number of holders through, the others in the order in which they came.

    Args:
        places: The most holders at a time; assign `places` to change it. Fewer places than there
            are holders bind once enough of them have left.
    """

    __slots__ = ("_waiting", "held", "places")

    def __init__(self, places: int) -> None:
        self.places = places
        self.held = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait to be let through."""
        return len(self._waiting)

    def try_enter(self) -> bool:
        """Take a place if one is free and nobody waits for it."""
        if self.held >= self.places or self._waiting:
            return False
        self.held += 1
        return True

    async def enter(self) -> None:
        """Take a place, when it comes."""
        if self.try_enter():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the place came at the very moment of the cancellation
            else:
                with suppress(ValueError):
                    self._waiting.remove(turn)
            raise

    def leave(self) -> None:
        """Give the place to who waits longest."""
        self.held -= 1
        while self._waiting and self.held < self.places:
            turn = self._waiting.popleft()
            if not turn.done():
                self.held += 1
                turn.set_result(None)
