"""What the synthetic network's JSON must look like, and what of the HTTP layer is needed here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

from omni.base.errors import Transient

T = TypeVar("T")

PLATFORM = "synthetic"


class Http(Protocol):
    """The HTTP layer, as far as this connector uses it; `omni.connectors.http` implements it."""

    async def get_json(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the JSON at `url`; retries are within."""
        ...

    async def post_json(
        self,
        url: str,
        *,
        json: object,
        headers: Mapping[str, str] | None = None,
        retry: bool = True,
    ) -> Any:
        """Post JSON and return the JSON that came back."""
        ...


class PostJson(msgspec.Struct, frozen=True):
    """A post."""

    text: str
    created_at: datetime
    likes: int
    reposts: int
    replies: int


class PersonJson(msgspec.Struct, frozen=True):
    """A profile; picture paths are relative to the network's base URL."""

    id: str
    username: str
    display_name: str | None
    bio: str | None
    followers_count: int
    follows_count: int
    posts_count: int
    created_at: datetime
    bot: bool
    accepts_messages: bool
    discoverable: bool
    pictures: tuple[str, ...]
    links: tuple[str, ...]
    posts: tuple[PostJson, ...]


class PeopleJson(msgspec.Struct, frozen=True):
    """Profiles."""

    people: tuple[PersonJson, ...]


class PageJson(msgspec.Struct, frozen=True):
    """A page of ids."""

    people: tuple[str, ...]
    cursor: str | None


class LetterJson(msgspec.Struct, frozen=True):
    """A message that was taken."""

    id: str
    text: str
    sent_at: datetime


class LettersJson(msgspec.Struct, frozen=True):
    """The latest messages of an account, newest first."""

    messages: tuple[LetterJson, ...]


class AccountJson(msgspec.Struct, frozen=True):
    """Whom a token belongs to."""

    id: str
    username: str


class EventJson(msgspec.Struct, frozen=True):
    """Something in an inbox."""

    kind: str
    person: str
    body: str | None
    message: str
    occurred_at: datetime


class InboxJson(msgspec.Struct, frozen=True):
    """A page of an inbox."""

    events: tuple[EventJson, ...]
    cursor: str
    more: bool


def read(value: Any, shape: type[T]) -> T:
    """Return `value` as `shape`.

    Raises:
        Transient: It is something else; a server that is being restarted or replaced says such.
    """
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise Transient(f"{PLATFORM} answered with something unexpected: {error}") from error
