"""What models have written: asked once, and read from its recording ever after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from omni.campaigns.types import Campaign
from omni.dispatch import writing
from omni.dispatch.drafting_types import Asked, Draft, Recipient, Undrafted
from omni.llm.ports import Answer, Prompt, Recordings, Turn, recording_key

MOST_ASKS = 2
"""A text that cannot be used is sent back once, with the reason."""
MAX_SAID = 4_000

Ask = Callable[[Prompt], Awaitable[Answer | None]]
"""Gives the answer to a prompt; None where there is none yet."""


async def compose(
    campaign: Campaign, step: int, person: Recipient, ask: Ask
) -> Draft | Undrafted | None:
    """Return the text for one person, or why there is none; None where nobody was asked yet."""
    request = writing.build_request(campaign, step, person)
    if isinstance(request, Undrafted):
        return request
    asked, given = request
    turns: tuple[Turn, ...] = ()
    refused = Undrafted(person, "no model was asked")
    for _ in range(MOST_ASKS):
        answer = await ask(_prompt(asked, turns))
        if answer is None:
            return None
        if answer.refused:
            return Undrafted(person, "the model declined to write")
        read = writing.read_text(person, given, answer.text, answer.complete)
        if isinstance(read, Draft):
            return read
        refused = Undrafted(person, f"the model's text {read.why}")
        said = answer.text[:MAX_SAID]
        turns = (Turn("assistant", said), Turn("user", writing.mending(read)))
    return refused


def recorded(recordings: Recordings, model: str) -> Ask:
    """Return what answers from recordings of a model alone."""

    async def ask(prompt: Prompt) -> Answer | None:
        return await recordings.find(recording_key(model, prompt))

    return ask


async def find(
    campaign: Campaign, step: int, person: Recipient, recordings: Recordings, models: Sequence[str]
) -> Draft | Undrafted | None:
    """Return what one of these models has written, in their order; None where none was asked.

    What could be used goes before what could not, whoever wrote it: nobody pays for another one.
    """
    failed: Undrafted | None = None
    for model in models:
        text = await compose(campaign, step, person, recorded(recordings, model))
        if isinstance(text, Draft):
            return text
        failed = failed or text
    return failed


def _prompt(asked: Asked, turns: tuple[Turn, ...]) -> Prompt:
    return Prompt(asked.system, asked.user, asked.schema, turns=turns, facts=asked.facts)
