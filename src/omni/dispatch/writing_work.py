"""Lets a model write messages: within its campaign's budget, several at a time, each asked once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from omni.base.errors import Transient
from omni.base.log import get_logger
from omni.campaigns.types import Campaign
from omni.dispatch import writing_store as written
from omni.dispatch.drafting_types import Draft, Recipient, Undrafted, Write
from omni.llm.ports import Answer, Caller, Meter, Prompt, Recordings
from omni.qualification.types import BudgetSpent

MAX_FAILED_IN_A_ROW = 5
UNANSWERED = "the model did not answer"


@dataclass(frozen=True, slots=True)
class Author:
    """A model that writes.

    Attributes:
        recordings: Where its answers are kept: what it has answered is not asked for again, so a
            worker that dies between an answer and its draft costs nothing.
        meter: Counts the calls about a person and keeps their answers; told whom and what for.
    """

    caller: Caller
    recordings: Recordings
    meter: Callable[[Recipient, str], Meter]


def write_with(author: Author, campaign: Campaign) -> Write:
    """Return what lets a model write a campaign's messages.

    It raises `BudgetSpent` and `Fatal` as the calls do, and `Transient` where the model is down;
    what was written before is given out before.
    """

    async def write(people: Sequence[Recipient], step: int) -> AsyncIterator[Draft | Undrafted]:
        places = asyncio.Semaphore(author.caller.concurrency)

        async def one(person: Recipient) -> Draft | Undrafted:
            async with places:
                return await _write_one(author, campaign, step, person)

        tasks = [asyncio.ensure_future(one(person)) for person in people]
        failed = 0
        try:
            for task in tasks:
                try:
                    text = await task
                except BudgetSpent:
                    raise
                except Transient as fault:
                    failed += 1
                    if failed >= MAX_FAILED_IN_A_ROW:
                        raise
                    get_logger().warning("dispatch.writing_failed", error=str(fault))
                    continue
                failed = 0
                yield text
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return write


async def _write_one(
    author: Author, campaign: Campaign, step: int, person: Recipient
) -> Draft | Undrafted:
    known = written.recorded(author.recordings, author.caller.model)
    purpose = "draft"

    async def ask(prompt: Prompt) -> Answer | None:
        nonlocal purpose
        answer = await known(prompt)
        if answer is None:
            answer = await author.caller.ask(prompt, author.meter(person, purpose))
        purpose = "redraft"
        return answer

    text = await written.compose(campaign, step, person, ask)
    return text or Undrafted(person, UNANSWERED)
