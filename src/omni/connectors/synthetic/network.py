"""The people as they are now: the world, and what people have changed about themselves since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from omni.connectors.synthetic.mailbox import Mailbox
from omni.connectors.synthetic.world import Person, Post, World


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person changes about themselves; what is not given goes back to how it was born."""

    username: str | None = None
    display_name: str | None = None
    bio: str | None = None
    accepts_messages: bool | None = None
    discoverable: bool | None = None
    gone: bool = False


class Network:
    """Everybody with their edits; people who are gone are found nowhere."""

    def __init__(self, world: World, mailbox: Mailbox) -> None:
        self.world = world
        self._mailbox = mailbox
        self._edits = mailbox.edits()

    def number_of(self, name: str) -> int | None:
        """Return the number of whoever has this id or, right now, this username."""
        number = self.world.number_of(name)
        if number is None:
            taken = (n for n, fields in self._edits.items() if fields.get("username") == name)
            number = next(taken, None)
        elif not name.startswith("syn:") and self.person(number).username != name:
            number = None
        return None if number is None or self._edits.get(number, {}).get("gone") else number

    def person(self, number: int) -> Person:
        """Return the person with their edits."""
        fields = {k: v for k, v in self._edits.get(number, {}).items() if k != "gone"}
        person = self.world.person(number)
        return replace(person, **fields) if fields else person

    def edit(self, number: int, edit: Edit) -> None:
        """Change a person, for good: a restart keeps it."""
        fields: dict[str, Any] = msgspec.to_builtins(edit)
        self._mailbox.edit(number, fields)
        self._edits[number] = fields

    def has_picture(self, number: int, position: int) -> bool:
        """Tell whether the person shows a picture at `position`."""
        known = 0 <= number < self.world.people
        return known and 0 <= position < self.world.person(number).pictures

    def describe(self, number: int) -> dict[str, Any]:
        """Return what the network shows of a person, as plain JSON values."""
        person = self.person(number)
        return {
            "id": person.id,
            "username": person.username,
            "display_name": person.display_name or None,
            "bio": person.bio or None,
            "followers_count": person.followers,
            "follows_count": person.follows,
            "posts_count": self.world.posts_count(number),
            "created_at": person.created_at,
            "bot": person.is_bot,
            "accepts_messages": person.accepts_messages,
            "discoverable": person.discoverable,
            "pictures": [f"/pictures/{number}/{k}.png" for k in range(person.pictures)],
            "links": person.links,
            "posts": [_post(post) for post in self.world.posts(number)],
        }


def _post(post: Post) -> dict[str, Any]:
    return {
        "text": post.text,
        "created_at": post.created_at,
        "likes": post.likes,
        "reposts": post.reposts,
        "replies": post.replies,
    }
