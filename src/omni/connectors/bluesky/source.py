"""Reads Bluesky's people: at a public AppView, or through the server of an account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from omni.base.errors import Rejected, Transient
from omni.base.log import get_logger
from omni.connectors.addresses import Params
from omni.connectors.bluesky.listings import LISTINGS, Listing, list_of, tagged
from omni.connectors.bluesky.mapping import (
    PLATFORM,
    did_of,
    hides,
    map_feed,
    map_profile,
    says_nothing,
)
from omni.connectors.bluesky.names import (
    Record,
    is_did,
    read_actor,
    read_hashtag,
    read_record,
    read_search,
    read_uri,
)
from omni.connectors.bluesky.reader import Reader
from omni.connectors.http import HttpRejected
from omni.connectors.types import RawPost, RawProfile, RefPage, Seed

MAX_PAGE = 100
MAX_PROFILES = 25
MAX_CURSOR = 10_000
RECENT_POSTS = 20
FEEDS_AT_ONCE = 6
"""The most author feeds that are read at a time, over all batches."""


class BlueskySource:
    """A `ProfileSource` on the lexicons `app.bsky.actor`, `.graph` and `.feed`.

    Args:
        reader: Asks the queries, with an account or without.
        page_size: People asked for at once, 1 to 100.
    """

    platform = PLATFORM
    seed_types = frozenset({"actor", *LISTINGS})
    batch_size = MAX_PROFILES

    def __init__(self, reader: Reader, *, page_size: int = MAX_PAGE) -> None:
        self._reader = reader
        self._page_size = min(max(page_size, 1), MAX_PAGE)
        self._feeds = asyncio.Semaphore(FEEDS_AT_ONCE)

    async def expand(self, seed: Seed, cursor: str | None) -> RefPage:
        """Return one page of the people that `seed` leads to.

        The platform hands out a cursor with the last full page too, so that an empty page may
        follow. Where a seed names a record, the cursor is the record's URI, a space, and the
        platform's cursor: what was found out about it on the first page need not be asked again.

        Raises:
            Rejected: The seed type or value is not one that Bluesky knows, or needs an account.
            Transient: No good answer after bounded retries.
        """
        if seed.type not in self.seed_types:
            known = ", ".join(sorted(self.seed_types))
            message = f"Bluesky has no seed type {seed.type[:50]!r}: use one of {known}"
            raise Rejected(message, field="seed_type")
        if seed.type == "actor":
            return RefPage((await self._resolve(read_actor(seed.value)),), None)
        listing = LISTINGS[seed.type]
        if listing.records:
            return await self._page_of_record(listing, seed.value, cursor)
        if seed.type == "hashtag":
            tag = read_hashtag(seed.value)
            asked = {"q": f"#{tag}", "tag": [tag], "sort": "latest"}
            return await self._page(listing, asked, cursor, tagged(tag))
        read = read_search if seed.type == "search" else read_actor
        return await self._page(listing, {listing.param: read(seed.value)}, cursor)

    async def fetch(self, platform_ids: Sequence[str]) -> Sequence[RawProfile]:
        """Return the profiles, with recent posts, of those of the ids that still exist.

        Posts of people who hide are not read.

        Args:
            platform_ids: DIDs, at most `batch_size`.

        Raises:
            Rejected: More ids than `batch_size`, or the account in the settings is not accepted.
            Transient: No good answer after bounded retries.
        """
        if len(platform_ids) > self.batch_size:
            raise Rejected(f"Bluesky gives at most {self.batch_size} profiles at once")
        wanted = {did: None for did in platform_ids if is_did(did)}
        if not wanted:
            return ()
        body = await self._reader.query("app.bsky.actor.getProfiles", {"actors": list(wanted)})
        found = list_of(body, "profiles")
        views = {did: view for view in found if (did := did_of(view)) in wanted}
        # All are waited for even if one fails, so that no request outlives this call.
        feeds = await asyncio.gather(
            *(self._posts(did, view) for did, view in views.items()), return_exceptions=True
        )
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

    async def _page_of_record(self, listing: Listing, value: str, cursor: str | None) -> RefPage:
        """Return a page of the people that a list, starter pack, feed or post leads to."""
        record = read_record(value, listing.records)
        uri, _, following = cursor.partition(" ") if cursor else ("", "", "")
        if not read_uri(uri):
            uri, following = await self._find(record, listing), ""
        page = await self._page(listing, {listing.param: uri}, following or None)
        if listing.param == "uri" and not cursor and not page.platform_ids:
            await self._check_there(record, uri)
        return RefPage(page.platform_ids, f"{uri} {page.cursor}" if page.cursor else None)

    async def _find(self, record: Record, listing: Listing) -> str:
        """Return the AT URI to ask about."""
        owner = record.owner if is_did(record.owner) else await self._resolve(record.owner)
        uri = record.uri(owner)
        if record.kind != "starter pack":
            return uri
        method = "app.bsky.graph.getStarterPack"
        body = await self._ask_about(uri, method, {"starterPack": uri})
        pack: Any = body.get("starterPack")
        behind: Any = cast("dict[str, Any]", pack).get("list") if isinstance(pack, dict) else None
        found = cast("dict[str, Any]", behind).get("uri") if isinstance(behind, dict) else None
        if not isinstance(found, str) or not read_uri(found):
            raise Rejected(f"the starter pack {uri} has no people", field="seed_value")
        return found

    async def _check_there(self, record: Record, uri: str) -> None:
        """Tell what nobody likes from what there is not: the lists of both are empty."""
        if record.kind == "feed":
            await self._ask_about(uri, "app.bsky.feed.getFeedGenerator", {"feed": uri})
            return
        body = await self._ask_about(uri, "app.bsky.feed.getPosts", {"uris": [uri]})
        if not list_of(body, "posts"):
            raise Rejected(f"Bluesky has no post {uri}", field="seed_value")

    async def _page(
        self,
        listing: Listing,
        asked: Params,
        cursor: str | None,
        wanted: Callable[[object], bool] | None = None,
    ) -> RefPage:
        params = {**asked, "limit": self._page_size, **({"cursor": cursor} if cursor else {})}
        body = await self._ask_about(str(asked[listing.param]), listing.method, params)
        return RefPage(listing.people(body, wanted), _following(body.get("cursor"), cursor))

    async def _posts(self, did: str, view: object) -> tuple[RawPost, ...]:
        """Return the recent posts; none where they are not to be read, or may not be."""
        if hides(view) or says_nothing(view):
            return ()
        params: Params = {"actor": did, "filter": "posts_no_replies", "limit": RECENT_POSTS}
        try:
            async with self._feeds:
                body = await self._reader.query("app.bsky.feed.getAuthorFeed", params)
        except HttpRejected as error:
            # Blocked, or gone since the profile was read: the profile still counts.
            get_logger().info("bluesky.feed_refused", platform_id=did, reason=str(error))
            return ()
        return map_feed(list_of(body, "feed"), did)

    async def _ask_about(self, value: str, method: str, params: Params) -> dict[str, Any]:
        """Query, and turn a refusal into one that says which seed is at fault."""
        try:
            return await self._reader.query(method, params)
        except HttpRejected as error:
            reason = error.reason or str(error)
            message = f"Bluesky refuses {value!r}: {reason}"
            raise Rejected(message, field="seed_value") from error


def _following(told: object, asked: str | None) -> str | None:
    """Return the next page's cursor; one that does not move would lead in a circle."""
    if not isinstance(told, str) or told in ("", asked) or len(told) > MAX_CURSOR:
        return None
    return told
