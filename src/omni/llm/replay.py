"""A judge that says again what was recorded, and never asks a model."""

from __future__ import annotations

from omni.base.errors import Fatal
from omni.llm.ports import Answer, Health, Prompt, Recordings, recording_key

__all__ = ["Recordings", "ReplayJudge", "recording_key"]


class ReplayJudge:
    """Answers from recordings.

    Args:
        recordings: Where the answers are.
        model: `Judge.model` of who gave them: verdicts are the same only under the same name.
        concurrency: How many look-ups may be under way at a time.
    """

    def __init__(self, recordings: Recordings, model: str, *, concurrency: int = 4) -> None:
        self.model = model
        self.concurrency = concurrency
        self._recordings = recordings

    async def ask(self, prompt: Prompt) -> Answer:
        """Return what was answered to the same prompt.

        Raises:
            Fatal: Nothing was recorded for it.
        """
        answer = await self._recordings.find(recording_key(self.model, prompt))
        if answer is None:
            raise Fatal(f"replay: no answer of {self.model} to this prompt was recorded")
        return answer

    async def health(self) -> Health:
        """Need no server, so be well."""
        return Health(True, f"replays what {self.model} answered", (self.model,))

    async def close(self) -> None:
        """Hold nothing, so give nothing back."""
