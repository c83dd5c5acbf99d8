"""The ledger of calls: each is written down before it is made, within the campaign's budget.

A call that its worker did not live to settle stays `open`, with the price that was reserved for it:
rather counted than forgotten.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from omni.base.clock import Clock
from omni.llm.ports import Answer, Prompt, Resting, TooSlow, Unfinished, recording_key
from omni.llm.types import IMAGE_TOKENS, Prices, tokens_of
from omni.qualification.types import BudgetSpent, Cost, Spent
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.qualification", "ledger")

MAX_ERROR = 300


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that was written down and may be made."""

    call_id: int
    model: str
    reserved_micros: int


@dataclass(frozen=True, slots=True)
class LedgerMeter:
    """A `Meter` that writes calls into the ledger.

    Attributes:
        purpose: What the calls are made for, such as `qualify`.
        answer_tokens: The most tokens that an answer may have; they are reserved.
        campaign_id: Whose budget pays; None: nobody's.
    """

    db: Executor
    clock: Clock
    purpose: str
    prices: Prices = Prices()  # noqa: RUF009 - frozen
    answer_tokens: int = 600
    campaign_id: int | None = None
    profile_id: int | None = None
    job_id: UUID | None = None

    async def before(self, model: str, prompt: Prompt) -> Ticket:
        """Write the call down, and reserve its price.

        Raises:
            BudgetSpent: The campaign's budget of the day does not take it; nothing is written.
        """
        now = self.clock()
        reserved = self.prices.cost_micros(model, prompt_tokens(prompt), self.answer_tokens)
        values: dict[str, Any] = {
            "purpose": self.purpose,
            "profile_id": self.profile_id,
            "job_id": self.job_id,
            "model": model,
            "recording_key": recording_key(model, prompt),
            "day": day_of(now),
            "cost_micros": reserved,
            "now": now,
        }
        if self.campaign_id is None:
            call_id = await self.db.fetchval(QUERIES["note_call"], **values)
        else:
            call_id = await self.db.fetchval(
                QUERIES["reserve_call"], campaign_id=self.campaign_id, **values
            )
        if call_id is None:
            raise BudgetSpent(next_day(now))
        return Ticket(call_id, model, reserved)

    async def after(self, ticket: object, outcome: Answer | BaseException) -> None:
        """Settle the call: how it ended, and what it really cost; forget it if it was not made."""
        assert isinstance(ticket, Ticket)
        if isinstance(outcome, Resting):
            await self.db.execute(
                QUERIES["forget_call"],
                call_id=ticket.call_id,
                reserved_micros=ticket.reserved_micros,
            )
            return
        answer = outcome if isinstance(outcome, Answer) else None
        await self.db.execute(
            QUERIES["settle_call"],
            call_id=ticket.call_id,
            outcome="answered" if answer else "failed",
            error=None if answer else _said(outcome),
            prompt_tokens=answer and answer.prompt_tokens,
            answer_tokens=answer and answer.answer_tokens,
            cost_micros=self._cost(ticket, outcome),
            reserved_micros=ticket.reserved_micros,
            latency_ms=answer and answer.latency_ms,
            now=self.clock(),
        )

    def _cost(self, ticket: Ticket, outcome: Answer | BaseException) -> int:
        if not isinstance(outcome, Answer):
            # Who hung up, or was hung up on, does not know what the server had done by then.
            unknown = isinstance(outcome, TooSlow | Unfinished | asyncio.CancelledError)
            return ticket.reserved_micros if unknown else 0
        if outcome.prompt_tokens is None or outcome.answer_tokens is None:
            return ticket.reserved_micros
        return self.prices.cost_micros(ticket.model, outcome.prompt_tokens, outcome.answer_tokens)


def prompt_tokens(prompt: Prompt) -> int:
    """Return about how many tokens a prompt has, rather too many."""
    turns = sum(len(turn.text) for turn in prompt.turns)
    return tokens_of(len(prompt.system) + len(prompt.user) + turns) + IMAGE_TOKENS * len(
        prompt.images
    )


def day_of(now: datetime) -> date:
    """Return whose day's budget a call at this moment belongs to: days are those of UTC."""
    return now.astimezone(UTC).date()


def next_day(now: datetime) -> datetime:
    """Return when the next day's budget begins."""
    return datetime.combine(day_of(now) + timedelta(days=1), time(), UTC)


async def spent(db: Executor, campaign_id: int, day: date) -> Spent:
    """Return what a campaign has used up of a day's budget, reservations included."""
    row = await db.fetchrow(QUERIES["get_spent"], campaign_id=campaign_id, day=day)
    return Spent(**row) if row else Spent()


async def costs(db: Executor, campaign_id: int, *, since: date) -> list[Cost]:
    """Return what a campaign's calls cost, by day, model and purpose, the newest day first."""
    rows = await db.fetch(QUERIES["sum_calls"], campaign_id=campaign_id, since=since)
    return [Cost(**row) for row in rows]


def _said(outcome: object) -> str:
    text = f"{type(outcome).__name__}: {outcome}"[:MAX_ERROR].replace("\x00", "�")
    return text.encode("utf-8", "replace").decode("utf-8")
