"""Lets a model write messages: within its campaign's budget, several at a time, each asked once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from omni.base.errors import Fatal, OmniError, Transient
from omni.base.log import get_logger
from omni.campaigns.types import Campaign
from omni.dispatch import writing_store as written
from omni.dispatch.drafting_types import Draft, Recipient, Undrafted, Write
from omni.llm.ports import Answer, Caller, Meter, Prompt, Recordings, Resting
from omni.qualification.types import BudgetSpent

MAX_FAILED_IN_A_ROW = 5
UNANSWERED = "the model did not answer"


@dataclass(frozen=True, slots=True)
class Author:
    """The models that write.

    Attributes:
        callers: In the order of preference; one that fails leaves the person to the next.
        recordings: Where their answers are kept: what was answered is not asked for again, so a
            worker that dies between an answer and its draft costs nothing.
        meter: Counts the calls about a person and keeps their answers; told whom and what for.
        broken: Models that cannot work until a person mends their settings, and are not asked
            again by this author.
    """

    callers: Sequence[Caller]
    recordings: Recordings
    meter: Callable[[Recipient, str], Meter]
    broken: dict[str, Fatal] = field(default_factory=dict[str, Fatal])


def write_with(author: Author, campaign: Campaign) -> Write:
    """Return what lets models write a campaign's messages.

    It raises `BudgetSpent` as the calls do, `Transient` where all models are down, and `Fatal`
    where none can work; what was written before is given out before.
    """

    async def write(people: Sequence[Recipient], step: int) -> AsyncIterator[Draft | Undrafted]:
        places = asyncio.Semaphore(author.callers[0].concurrency)

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
    """Take what was written before, or ask one model after the other until there is an answer."""
    models = [caller.model for caller in author.callers]
    known = await written.find(campaign, step, person, author.recordings, models)
    if isinstance(known, Draft):
        return known
    faults: list[OmniError] = list(author.broken.values())
    for caller in author.callers:
        if caller.model in author.broken:
            continue
        try:
            return await _ask(author, caller, campaign, step, person)
        except Fatal as fault:
            author.broken[caller.model] = fault
            faults.append(fault)
        except Transient as fault:
            faults.append(fault)
        get_logger().warning("dispatch.writer_failed", model=caller.model, error=str(faults[-1]))
    raise _worst(faults)


async def _ask(
    author: Author, caller: Caller, campaign: Campaign, step: int, person: Recipient
) -> Draft | Undrafted:
    known = written.recorded(author.recordings, caller.model)
    purpose = "draft"

    async def ask(prompt: Prompt) -> Answer | None:
        nonlocal purpose
        answer = await known(prompt)
        if answer is None:
            answer = await caller.ask(prompt, author.meter(person, purpose))
        purpose = "redraft"
        return answer

    text = await written.compose(campaign, step, person, ask)
    return text or Undrafted(person, UNANSWERED)


def _worst(faults: Sequence[OmniError]) -> OmniError:
    """Return what tells most: what may pass goes before what cannot, a fault before a rest."""
    passing = [fault for fault in faults if isinstance(fault, Transient)]
    telling = [fault for fault in passing if not isinstance(fault, Resting)]
    return (telling or passing or list(faults))[0]
