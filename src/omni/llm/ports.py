"""The port that every judge implements: one prompt in, one raw answer out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a judge is asked.

    Attributes:
        system: The static part: the task and the rules; identical for every profile of a campaign.
        user: The profile, delimited as untrusted data.
        schema: JSON Schema that the answer must follow.
        image_urls: At most three.
        facts: The same content as plain values (`criteria`, `brief`, `profile`), for judges that
            read no prose.
    """

    system: str
    user: str
    schema: dict[str, Any]
    image_urls: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, unread.

    Attributes:
        complete: False where the server says that the answer was cut off.
        latency_ms: Milliseconds that the answer took, retries included.
    """

    text: str
    complete: bool
    latency_ms: float
    prompt_tokens: int | None = None
    answer_tokens: int | None = None


class Judge(Protocol):
    """Answers prompts; reading the answer is not its business."""

    model: str
    """Part of the cache key: another name, another verdict."""
    concurrency: int
    """How many calls it takes at a time."""

    async def ask(self, prompt: Prompt) -> Answer:
        """Return the answer.

        Raises:
            Transient: The server failed or took too long; bounded retries are already spent.
            Fatal: No call can succeed until a person mends the settings, such as a missing model.
        """
        ...

    async def close(self) -> None:
        """Give back what the judge holds open."""
        ...
