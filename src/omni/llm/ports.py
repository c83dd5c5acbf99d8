"""The ports around a model: who answers prompts, and who keeps count of the calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from omni.base.errors import Transient
from omni.base.hashing import digest, digest_bytes


class TooSlow(Transient):
    """The time limit of a call is over; what took too long is not tried again at once."""


class Unfinished(Transient):
    """What came is no whole answer; the server has worked on it, and may well be paid for it."""


class Resting(Transient):
    """The judge is left alone for a while, since call after call failed."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as our own storage holds it: never a foreign URL, which could carry data away."""

    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One more turn after the first question: what the model said, or what we say to it."""

    role: Literal["assistant", "user"]
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a judge is asked.

    Attributes:
        system: The static part: the task and the rules; identical for every profile of a campaign.
        user: The profile, delimited as untrusted data.
        schema: JSON Schema that the answer must follow.
        images: At most three; judges that do not see leave them out.
        turns: A conversation that goes on, as when an answer has to be mended.
        facts: The same content as plain values (`criteria`, `brief`, `profile`), for judges that
            read no prose.
    """

    system: str
    user: str
    schema: dict[str, Any]
    images: tuple[Image, ...] = ()
    turns: tuple[Turn, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, unread.

    Attributes:
        complete: False where the server says that the answer was cut off.
        latency_ms: Milliseconds that the answer took.
        refused: Whether the server says that its model declined to answer.
    """

    text: str
    complete: bool
    latency_ms: float
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a judge can work now.

    Attributes:
        detail: One line for a person: what answers there, or what is wrong and how to mend it.
        models: The models that the server has, where it tells.
    """

    ok: bool
    detail: str
    models: tuple[str, ...] = ()


class Judge(Protocol):
    """Answers prompts; reading the answer is not its business, nor is asking again."""

    model: str
    """Part of the cache key: another name, another verdict."""
    concurrency: int
    """The most calls that it takes at a time."""

    async def ask(self, prompt: Prompt) -> Answer:
        """Make one call, which is one request on the wire, and return the answer.

        Raises:
            Transient: The server failed or took too long; `retry_after` if it named a wait.
            Fatal: No call can succeed until a person mends the settings, such as a missing model.
        """
        ...

    async def health(self) -> Health:
        """Look whether the server and its model are there, without a call to the model."""
        ...

    async def close(self) -> None:
        """Give back what the judge holds open."""
        ...


class Meter(Protocol):
    """Keeps count of the calls: told of each one before it is on the wire, and of its end."""

    async def before(self, model: str, prompt: Prompt) -> object:
        """Note that a call is about to be made; return what `after` gets to know it by.

        Raises:
            OmniError: The call must not be made, such as when a budget is spent.
        """
        ...

    async def after(self, ticket: object, outcome: Answer | BaseException) -> None:
        """Note how a call ended; `Resting`: it was not made after all."""
        ...


class Caller(Protocol):
    """The way to a judge that the rooms take: bounded, patient, and counted."""

    @property
    def model(self) -> str:
        """Who answers; part of the cache key."""
        ...

    @property
    def concurrency(self) -> int:
        """The most calls at a time."""
        ...

    async def ask(self, prompt: Prompt, meter: Meter) -> Answer:
        """Ask until there is an answer, within bounds; each attempt is one call for the meter.

        Raises:
            Transient: Every attempt failed, or the judge is left alone for a while.
            Fatal: No call can succeed until a person mends the settings.
            OmniError: The meter does not let the call be made.
        """
        ...


class Unmetered:
    """A `Meter` for calls that nobody counts, such as those of a test."""

    async def before(self, model: str, prompt: Prompt) -> object:
        """Note nothing."""
        return None

    async def after(self, ticket: object, outcome: Answer | BaseException) -> None:
        """Note nothing."""


def recording_key(model: str, prompt: Prompt) -> str:
    """Return what a call is recorded under: the hash of all that the model was given.

    Args:
        model: `Judge.model` of who was asked.
        prompt: What it was asked; `facts` say the same once more, so they are left out.
    """
    images = [(image.content_type, digest_bytes(image.data)) for image in prompt.images]
    return key_of_parts(model, prompt, images)


def key_of_parts(model: str, prompt: Prompt, images: Sequence[tuple[str, str]]) -> str:
    """Return a `recording_key` where of the pictures only types and SHA-256 are at hand."""
    return digest(
        [
            model,
            _sayable(prompt.system),
            _sayable(prompt.user),
            prompt.schema,
            images,
            [[turn.role, _sayable(turn.text)] for turn in prompt.turns],
        ]
    )


def _sayable(text: str) -> str:
    """Return text without half characters, such as a model's JSON can bring into a turn."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Album(Protocol):
    """Shows people's pictures."""

    async def show(self, profile_id: int, sha256s: Sequence[str]) -> tuple[Image, ...] | None:
        """Return these pictures of a person.

        Returns:
            None where one is lost. It is no longer part of what the person shows then.

        Raises:
            Transient: The storage failed.
        """
        ...


class Recordings(Protocol):
    """Where answers are kept."""

    async def find(self, key: str) -> Answer | None:
        """Return the newest answer under a `recording_key`, None if there is none."""
        ...
