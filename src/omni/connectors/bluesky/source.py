"""Reads Bluesky through a public AppView, without an account."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from omni.base.errors import Rejected, Transient
from omni.base.log import get_logger
from omni.connectors.addresses import Params
from omni.connectors.bluesky.mapping import (
    PLATFORM,
    did_of,
    is_did,
    map_feed,
    map_profile,
    read_actor,
    read_search,
)
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.types import RawPost, RawProfile, RefPage, Seed

MAX_PAGE = 100
MAX_PROFILES = 25
RECENT_POSTS = 20


@dataclass(frozen=True, slots=True)
class _Listing:
    """An XRPC query that lists people.

    Attributes:
        param: The name under which it takes the seed's value.
        people: The name under which it answers with profile views.
    """

    method: str
    param: str
    people: str


_LISTINGS: Mapping[str, _Listing] = {
    "followers": _Listing("app.bsky.graph.getFollowers", "actor", "followers"),
    "follows": _Listing("app.bsky.graph.getFollows", "actor", "follows"),
    "search": _Listing("app.bsky.actor.searchActors", "q", "actors"),
}


class BlueskySource:
    """A `ProfileSource` on the lexicons `app.bsky.actor`, `.graph` and `.feed`.

    Args:
        http: The way out; its bounds hold here too.
        appview_url: Base URL of the AppView.
        page_size: People asked for at once, 1 to 100.
    """

    platform = PLATFORM
    seed_types = frozenset({"actor", *_LISTINGS})
    batch_size = MAX_PROFILES

    def __init__(self, http: HttpClient, appview_url: str, *, page_size: int = MAX_PAGE) -> None:
        self._http = http
        self._base = appview_url.rstrip("/") + "/xrpc/"
        self._page_size = min(max(page_size, 1), MAX_PAGE)

    async def expand(self, seed: Seed, cursor: str | None) -> RefPage:
        """Return one page of the people that `seed` leads to.

        `actor` is the person named; `followers`, `follows` and `search` are lists. The platform
        hands out a cursor with the last full page too, so that an empty page may follow.

        Raises:
            Rejected: The seed type or value is not one that Bluesky knows.
            Transient: No good answer after bounded retries.
        """
        if seed.type not in self.seed_types:
            known = ", ".join(sorted(self.seed_types))
            message = f"Bluesky has no seed type {seed.type[:50]!r}: use one of {known}"
            raise Rejected(message, field="seed_type")
        value = (read_search if seed.type == "search" else read_actor)(seed.value)
        if seed.type == "actor":
            return RefPage((await self._resolve(value),), None)
        return await self._page(_LISTINGS[seed.type], value, cursor)

    async def fetch(self, platform_ids: Sequence[str]) -> Sequence[RawProfile]:
        """Return the profiles, with recent posts, of those of the ids that still exist.

        Args:
            platform_ids: DIDs, at most `batch_size`.

        Raises:
            Rejected: More ids than `batch_size`.
            Transient: No good answer after bounded retries.
        """
        if len(platform_ids) > self.batch_size:
            raise Rejected(f"Bluesky gives at most {self.batch_size} profiles at once")
        wanted = {did: None for did in platform_ids if is_did(did)}
        if not wanted:
            return ()
        body = await self._query("app.bsky.actor.getProfiles", {"actors": list(wanted)})
        views = {did: view for view in _list(body, "profiles") if (did := did_of(view)) in wanted}
        # All are waited for even if one fails, so that no request outlives this call.
        feeds = await asyncio.gather(*map(self._posts, views), return_exceptions=True)
        profiles: list[RawProfile] = []
        for view, posts in zip(views.values(), feeds, strict=True):
            if isinstance(posts, BaseException):
                raise posts
            if profile := map_profile(view, posts):
                profiles.append(profile)
        return profiles

    async def _resolve(self, actor: str) -> str:
        body = await self._ask_about(actor, "app.bsky.actor.getProfile", {"actor": actor})
        did = did_of(body)
        if did is None:
            raise Transient(f"Bluesky's answer about {actor} names no account")
        return did

    async def _page(self, listing: _Listing, value: str, cursor: str | None) -> RefPage:
        params: dict[str, str | int] = {listing.param: value, "limit": self._page_size}
        if cursor is not None:
            params["cursor"] = cursor
        body = await self._ask_about(value, listing.method, params)
        dids = dict.fromkeys(did for view in _list(body, listing.people) if (did := did_of(view)))
        following = body.get("cursor")
        # A cursor that does not move would lead in a circle.
        moves = isinstance(following, str) and following not in ("", cursor)
        return RefPage(tuple(dids), following if moves else None)

    async def _posts(self, did: str) -> tuple[RawPost, ...]:
        """Return the recent posts; none where the account's feed may not be read."""
        params: Params = {"actor": did, "filter": "posts_no_replies", "limit": RECENT_POSTS}
        try:
            body = await self._query("app.bsky.feed.getAuthorFeed", params)
        except HttpRejected as error:
            # Blocked, or gone since the profile was read: the profile still counts.
            get_logger().info("bluesky.feed_refused", platform_id=did, reason=str(error))
            return ()
        return map_feed(_list(body, "feed"), did)

    async def _ask_about(self, value: str, method: str, params: Params) -> dict[str, Any]:
        """Query, and turn a refusal into one that says which seed is at fault."""
        try:
            return await self._query(method, params)
        except HttpRejected as error:
            reason = error.reason or str(error)
            message = f"Bluesky refuses {value!r}: {reason}"
            raise Rejected(message, field="seed_value") from error

    async def _query(self, method: str, params: Params) -> dict[str, Any]:
        body = await self._http.get_json(self._base + method, params=params)
        if not isinstance(body, dict):
            raise Transient(f"Bluesky answered {method} with something else than an object")
        return cast("dict[str, Any]", body)


def _list(body: Mapping[str, Any], name: str) -> list[object]:
    value = body.get(name)
    if not isinstance(value, list):
        raise Transient(f"Bluesky's answer has no list of {name}")
    return cast("list[object]", value)
