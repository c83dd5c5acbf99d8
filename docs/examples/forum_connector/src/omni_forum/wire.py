"""What the forum answers, and how it becomes Omni's common shape. Pure.

An answer is other people's text: its types are checked, and nothing in it is trusted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urljoin

import msgspec

from omni.base.errors import Rejected, Transient
from omni.connectors.types import RawPost, RawProfile

PLATFORM = "forum"
MAX_VALUE = 100
MAX_POSTS = 20

_T = TypeVar("_T")


class PostJson(msgspec.Struct):
    """A public post of a member."""

    text: str
    at: datetime | None = None
    likes: int | None = None


class MemberJson(msgspec.Struct):
    """A member.

    Attributes:
        id: A number that is theirs for ever; the name can change.
        listed: False for those who do not want to be found.
        avatar: May be relative.
    """

    id: int
    name: str
    title: str | None = None
    about: str | None = None
    joined: datetime | None = None
    listed: bool = True
    bot: bool = False
    letters: bool | None = None
    avatar: str | None = None
    homepage: str | None = None
    posts: list[PostJson] = []


class PageJson(msgspec.Struct):
    """One page of members; `next` is where the next one begins, and missing at the end."""

    members: list[int]
    next: str | None = None


class MembersJson(msgspec.Struct):
    """Those of the members that were asked for who are still there."""

    members: list[MemberJson]


def read(value: object, shape: type[_T]) -> _T:
    """Return an answer in its shape.

    Raises:
        Transient: It has another one: something between us and the forum is broken.
    """
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise Transient(f"the forum's answer makes no sense: {error}") from error


def read_value(value: str) -> str:
    """Return a seed's value without white space around it.

    Raises:
        Rejected: It is empty or too long.
    """
    text = value.strip()
    if not 0 < len(text) <= MAX_VALUE:
        raise Rejected(f"give 1 to {MAX_VALUE} characters", field="seed_value")
    return text


def to_profile(member: MemberJson, base_url: str) -> RawProfile:
    """Map a member; what the forum does not tell stays None, which is not the same as 0 or no."""
    avatar = _absolute(member.avatar, base_url)
    pages = [
        url for url in (avatar, member.homepage) if url and url.startswith(("https:", "http:"))
    ]
    return RawProfile(
        platform=PLATFORM,
        platform_id=str(member.id),
        username=member.name,
        display_name=member.title,
        bio=member.about,
        posts_count=len(member.posts),
        created_at=_aware(member.joined),
        is_bot=member.bot,
        accepts_messages=member.letters,
        discoverable=member.listed,
        image_urls=tuple(url for url in pages if url == avatar),
        links=tuple(url for url in pages if url != avatar),
        posts=tuple(
            RawPost(post.text, _aware(post.at), likes=post.likes)
            for post in member.posts[:MAX_POSTS]
        ),
    )


def _absolute(url: str | None, base_url: str) -> str | None:
    """Return the address in full; one that makes no sense must not cost the others of a batch."""
    try:
        return urljoin(base_url + "/", url) if url else None
    except ValueError:
        return None


def _aware(moment: datetime | None) -> datetime | None:
    """Return the moment with its zone: the forum means UTC where it names none."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
