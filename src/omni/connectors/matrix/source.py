"""Reads people through a homeserver: its user directory, and the members of rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from omni.base.errors import Rejected, Transient
from omni.base.log import get_logger
from omni.connectors.http import HttpRejected, TooLarge
from omni.connectors.matrix.client import MatrixClient
from omni.connectors.matrix.mapping import (
    PLATFORM,
    is_person,
    is_user_id,
    map_profile,
    read_room,
    read_search,
    read_user,
)
from omni.connectors.types import RawProfile, RefPage, Seed
from omni.connectors.values import fields_of, items_of, text_in

MAX_PAGE = 500
MAX_FOUND = 50
"""People that a search gives; the directory knows no second page, and servers give no more."""

MAX_REMEMBERED = 20_000
MAX_ROOMS = 4
ROOM_S = 300.0
"""Seconds for which a room's members are remembered: the API gives them all at once, or none."""


class MatrixSource:
    """A `ProfileSource` on the user directory, rooms' members and profiles.

    Args:
        client: The account's way to its homeserver.
        page_size: People of a room that one page has, 1 to 500.
    """

    platform = PLATFORM
    seed_types = frozenset({"search", "room", "actor"})
    batch_size = 20

    def __init__(self, client: MatrixClient, *, page_size: int = MAX_PAGE) -> None:
        self._client = client
        self._page_size = min(max(page_size, 1), MAX_PAGE)
        self._met: dict[str, dict[str, Any]] = {}
        self._rooms: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def expand(self, seed: Seed, cursor: str | None) -> RefPage:
        """Return one page of the people that `seed` leads to.

        `room` are the members of a room that the account is in, or that anybody may read; it is
        never joined for that, which everybody in it would see.

        Raises:
            Rejected: The seed type or value means nothing, or the account may not see it.
            Transient: No good answer after bounded retries.
        """
        match seed.type:
            case "search":
                return await self._searched(read_search(seed.value))
            case "room":
                return await self._members_page(read_room(seed.value), cursor or "")
            case "actor":
                return await self._actor(read_user(seed.value))
            case _:
                known = ", ".join(sorted(self.seed_types))
                message = f"Matrix has no seed type {seed.type[:50]!r}: use one of {known}"
                raise Rejected(message, field="seed_type")

    async def fetch(self, platform_ids: Sequence[str]) -> Sequence[RawProfile]:
        """Return the profiles of those of the ids that still exist and may be seen.

        Args:
            platform_ids: User ids, at most `batch_size`.

        Raises:
            Rejected: More ids than `batch_size`, or the token is not taken.
            Transient: No good answer after bounded retries.
        """
        if len(platform_ids) > self.batch_size:
            raise Rejected(f"Matrix gives at most {self.batch_size} profiles at once")
        wanted = list(dict.fromkeys(user_id for user_id in platform_ids if is_user_id(user_id)))
        if not wanted:
            return ()
        base, closed = self._client.base_url, await self._client.gives_media_to_tokens_only()
        # All are waited for even if one fails, so that no request outlives this call.
        answers = await asyncio.gather(*map(self._profile, wanted), return_exceptions=True)
        profiles: list[RawProfile] = []
        for user_id, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            if answer is not None:
                found = map_profile(user_id, answer, base_url=base, authenticated=closed)
                profiles.append(found)
        return profiles

    async def _searched(self, words: str) -> RefPage:
        body = await self._client.post(
            "/user_directory/search", {"search_term": words, "limit": MAX_FOUND}
        )
        results = map(fields_of, items_of(fields_of(body).get("results")))
        people = {str(each["user_id"]): each for each in results if is_person(each.get("user_id"))}
        self._remember(people)
        return RefPage(tuple(people), None)

    async def _actor(self, user_id: str) -> RefPage:
        if await self._profile(user_id) is None:
            message = f"{self._client.base_url} knows no profile of {user_id[:200]}"
            raise Rejected(message, field="seed_value")
        return RefPage((user_id,), None)

    async def _members_page(self, room: str, after: str) -> RefPage:
        """Return the members that follow `after` in the order of their ids."""
        now = asyncio.get_running_loop().time()
        until, members = self._rooms.get(room, (0.0, ()))
        if until <= now:
            members = await self._members(await self._room_id(room))
            self._rooms.pop(room, None)
            self._rooms[room] = (now + ROOM_S, members)
            if len(self._rooms) > MAX_ROOMS:
                del self._rooms[next(iter(self._rooms))]
        page = [user_id for user_id in members if user_id > after][: self._page_size]
        ends = not page or page[-1] == members[-1]
        return RefPage(tuple(page), None if ends else page[-1])

    async def _room_id(self, room: str) -> str:
        if room.startswith("!"):
            return room
        try:
            body = await self._client.get(f"/directory/room/{quote(room, safe='')}")
        except HttpRejected as error:
            message = f"there is no room {room[:200]}, or it is not to be seen ({error.code})"
            raise Rejected(message, field="seed_value") from error
        room_id = text_in(fields_of(body), "room_id")
        if room_id is None:
            raise Transient(f"{self._client.base_url} names no room for {room[:200]}")
        return room_id

    async def _members(self, room_id: str) -> tuple[str, ...]:
        """Return the people in a room, sorted by id."""
        try:
            known = await self._joined(f"/rooms/{quote(room_id, safe='')}")
        except TooLarge as error:
            message = "the room has more members than OMNI_HTTP_MAX_BYTES can hold"
            raise Rejected(message, field="seed_value") from error
        except HttpRejected as error:
            raise Rejected(
                f"the account may not see who is in {room_id[:200]} ({error.code}):"
                " join the room with it in a Matrix app, if it is open to you",
                field="seed_value",
            ) from error
        people = {user_id: known[user_id] for user_id in sorted(known) if is_person(user_id)}
        self._remember(people)
        return tuple(people)

    async def _joined(self, path: str) -> dict[str, Mapping[str, Any]]:
        """Return the members, with what the room knows of them.

        The first call is for rooms that the account is in; the second one, whose answer is longer,
        is also for those that anybody may read.
        """
        try:
            body = fields_of(await self._client.get(f"{path}/joined_members"))
            joined = fields_of(body.get("joined"))
            return {user_id: fields_of(each) for user_id, each in joined.items()}
        except HttpRejected as error:
            if error.status not in (403, 404):
                raise
        body = fields_of(await self._client.get(f"{path}/members", {"membership": "join"}))
        events = map(fields_of, items_of(body.get("chunk")))
        return {str(each.get("state_key")): fields_of(each.get("content")) for each in events}

    async def _profile(self, user_id: str) -> Mapping[str, Any] | None:
        """Return somebody's profile, None where there is none to be seen.

        Where their own server does not answer, it is what rooms and the directory said of them.
        """
        try:
            return fields_of(await self._client.get(f"/profile/{quote(user_id, safe='')}"))
        except HttpRejected as error:
            if error.status not in (400, 403, 404):
                raise
            get_logger().info("matrix.profile_refused", user=user_id, reason=str(error))
            return None
        except Transient:
            if user_id not in self._met:
                raise
            return self._met[user_id]

    def _remember(self, people: Mapping[str, Mapping[str, Any]]) -> None:
        """Note the names and pictures that came along with a list."""
        for user_id, fields in people.items():
            name = text_in(fields, "display_name") or text_in(fields, "displayname")
            self._met.pop(user_id, None)
            self._met[user_id] = {"displayname": name, "avatar_url": fields.get("avatar_url")}
            if len(self._met) > MAX_REMEMBERED:
                del self._met[next(iter(self._met))]
