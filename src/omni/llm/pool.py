"""The one way to a judge: as many calls at a time as it takes, bounded retries, rest when down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from time import monotonic as system_monotonic

from omni.base.errors import Transient
from omni.base.log import get_logger
from omni.llm import pace as pacing
from omni.llm.pace import Breaker, Pace, Retries
from omni.llm.ports import Answer, Health, Judge, Meter, Prompt, Resting, TooSlow


class Pool:
    """Asks one judge for everybody in this process.

    Args:
        judge: Who is asked.
        retries: Bounds of the attempts at passing faults.
        sleep: Waits; tests give their own.
        rng: Scatters the waits.
        monotonic: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        judge: Judge,
        *,
        retries: Retries | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: Random | None = None,
        monotonic: Callable[[], float] = system_monotonic,
    ) -> None:
        self._judge = judge
        self._retries = retries or Retries()
        self._sleep = sleep
        self._rng = rng or Random()  # noqa: S311 - scatters retries, guards nothing
        self._monotonic = monotonic
        self._pace = Pace(float(judge.concurrency))
        self._breaker = Breaker()
        self._in_flight = 0
        self._ahead = 0
        self._room = asyncio.Condition()

    @property
    def model(self) -> str:
        """Who answers; part of the cache key."""
        return self._judge.model

    @property
    def concurrency(self) -> int:
        """The most calls at a time."""
        return self._judge.concurrency

    @property
    def limit(self) -> int:
        """How many calls may be under way right now."""
        return int(self._pace.limit)

    @property
    def resting(self) -> bool:
        """Whether the judge is left alone right now."""
        return pacing.rest_left(self._breaker, self._monotonic()) > 0

    async def ask(self, prompt: Prompt, meter: Meter) -> Answer:
        """Ask until there is an answer, within bounds; each attempt is one call for the meter.

        Raises:
            Transient: Every attempt failed; `TooSlow` and `Resting` are kinds of it.
            Fatal: No call can succeed until a person mends the settings.
            OmniError: The meter does not let the call be made.
        """
        attempt = 1
        while True:
            try:
                return await self._attempt(prompt, meter)
            except (TooSlow, Resting):
                raise
            except Transient as fault:
                wait = self._retries.pause(attempt, self._rng, asked_s=fault.retry_after)
                if wait is None:
                    raise
                get_logger().info("llm.call_retried", attempt=attempt, error=str(fault))
            await self._sleep(wait)
            attempt += 1

    async def health(self) -> Health:
        """Look whether the judge can work now."""
        return await self._judge.health()

    async def close(self) -> None:
        """Give back what the judge holds open."""
        await self._judge.close()

    async def _attempt(self, prompt: Prompt, meter: Meter) -> Answer:
        ticket = await self._prepare(prompt, meter)
        async with self._place(meter, ticket) as in_flight:
            began = self._monotonic()
            try:
                answer = await self._judge.ask(prompt)
            except BaseException as fault:
                # Whatever ended the call, cancellation too: it was made, so it has to be counted.
                await asyncio.shield(meter.after(ticket, fault))
                self._note_fault(fault)
                raise
            took = self._monotonic() - began
            self._breaker = pacing.closed(self._breaker)
            self._pace = pacing.after_answer(self._pace, took, in_flight, self._judge.concurrency)
        # The server's place is free by now: what is written down meanwhile keeps nobody waiting.
        await asyncio.shield(meter.after(ticket, answer))
        return answer

    async def _prepare(self, prompt: Prompt, meter: Meter) -> object:
        """Let the meter note a call before there is a place for it.

        So a place that is given back is taken at once. Few are ahead, since what they have noted
        counts as spent.

        Raises:
            Resting: The judge is left alone for now.
        """
        async with self._room:
            await self._room.wait_for(self._may_prepare)
            self._refuse_while_resting()
            self._ahead += 1
        try:
            return await meter.before(self.model, prompt)
        except BaseException:
            await self._step_back()
            raise

    @asynccontextmanager
    async def _place(self, meter: Meter, ticket: object) -> AsyncGenerator[int]:
        """Wait for a place among the calls under way; say how many there are then.

        Raises:
            Resting: The judge is left alone for now; the meter knows that no call was made.
        """
        try:
            async with self._room:
                await self._room.wait_for(self._has_room)
                self._refuse_while_resting()
                self._breaker = pacing.begun(self._breaker)
                self._ahead -= 1
                self._in_flight += 1
                in_flight = self._in_flight
        except BaseException:
            await self._step_back()
            await asyncio.shield(meter.after(ticket, Resting("it was not made")))
            raise
        try:
            yield in_flight
        finally:
            self._in_flight -= 1
            async with self._room:
                self._room.notify_all()  # a limit that grew, or a rest that began, is for everybody

    async def _step_back(self) -> None:
        """Be no longer ahead of a call."""
        self._ahead -= 1
        async with self._room:
            self._room.notify_all()

    def _refuse_while_resting(self) -> None:
        if left := pacing.rest_left(self._breaker, self._monotonic()):
            raise Resting(f"{self.model} is left alone after failing", retry_after=left)

    def _may_prepare(self) -> bool:
        return self._ahead <= int(self._pace.limit) // 2

    def _has_room(self) -> bool:
        return self._in_flight < int(self._pace.limit)

    def _note_fault(self, fault: BaseException) -> None:
        if isinstance(fault, Transient):
            self._pace = pacing.after_fault(self._pace)
            self._breaker = pacing.struck(
                self._breaker, self._monotonic(), asked_s=fault.retry_after
            )
        else:
            self._forget_probe()

    def _forget_probe(self) -> None:
        """Let somebody else find out whether the server is back: this call told nothing of it."""
        if self._breaker.probing:
            self._breaker = Breaker(self._breaker.in_a_row, self._breaker.open_until)
