"""Reads the forum's members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from omni.base.errors import Rejected
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.types import RawProfile, RefPage, Seed
from omni_forum.wire import (
    PLATFORM,
    MembersJson,
    PageJson,
    read,
    read_value,
    to_profile,
)

_PAGE = 50


class ForumSource:
    """A `ProfileSource`: each method is one bounded call, and the crawler holds the loop.

    Args:
        http: Omni's way out: it retries, keeps the pace, and goes nowhere that it must not.
        base_url: Where the forum is.
        token: Sent with each request, if there is one.
    """

    platform = PLATFORM
    seed_types = frozenset({"member", "topic", "search"})
    batch_size = 20

    def __init__(self, http: HttpClient, base_url: str, token: str | None = None) -> None:
        self._http = http
        self._base = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else None

    async def expand(self, seed: Seed, cursor: str | None) -> RefPage:
        """Return one page of the people that `seed` leads to.

        Raises:
            Rejected: The seed type or value is not one that the forum knows.
            Transient: The forum did not answer well.
        """
        if seed.type not in self.seed_types:
            known = ", ".join(sorted(self.seed_types))
            raise Rejected(f"the forum has no such seed type: use {known}", field="seed_type")
        value = read_value(seed.value)
        path = "/search" if seed.type == "search" else f"/{seed.type}s/{quote(value, safe='')}"
        asked: dict[str, str | int] = {"limit": _PAGE}
        if seed.type == "search":
            asked["q"] = value
        if cursor is not None:
            asked["cursor"] = cursor
        try:
            page = read(await self._get(path, asked), PageJson)
        except HttpRejected as error:
            raise Rejected(f"{value}: {error.reason or error}", field="seed_value") from error
        ids = dict.fromkeys(str(number) for number in page.members)
        # A cursor that does not move would lead in a circle.
        return RefPage(tuple(ids), page.next if page.next not in ("", cursor) else None)

    async def fetch(self, platform_ids: Sequence[str]) -> Sequence[RawProfile]:
        """Return the members who are still there.

        Raises:
            Rejected: More ids than `batch_size`.
            Transient: The forum did not answer well.
        """
        if len(platform_ids) > self.batch_size:
            raise Rejected(f"the forum gives at most {self.batch_size} members at once")
        wanted = [each for each in dict.fromkeys(platform_ids) if each.isdecimal()]
        if not wanted:
            return ()
        answer = read(await self._get("/members", {"ids": ",".join(wanted)}), MembersJson)
        profiles = {str(member.id): to_profile(member, self._base) for member in answer.members}
        return [profiles[each] for each in wanted if each in profiles]

    async def _get(self, path: str, params: Mapping[str, str | int]) -> Any:
        return await self._http.get_json(
            f"{self._base}/api{path}", params=params, headers=self._headers
        )
