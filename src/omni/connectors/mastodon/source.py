"""Reads people through one home server that speaks Mastodon's API."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from omni.base.errors import Rejected
from omni.base.log import get_logger
from omni.connectors.http import HttpRejected
from omni.connectors.mastodon.client import MastodonClient
from omni.connectors.mastodon.mapping import (
    PLATFORM,
    authors_of,
    id_of,
    map_account,
    map_statuses,
    moved_to,
    shows_posts,
    url_of,
)
from omni.connectors.mastodon.names import (
    AccountName,
    is_account_url,
    read_account,
    read_directory,
    read_hashtag,
    read_search,
)
from omni.connectors.types import RawPost, RawProfile, RefPage, Seed
from omni.connectors.values import fields_of

MAX_PAGE = 80
MAX_STATUSES = 40
RECENT_POSTS = 20
MAX_REMEMBERED = 20_000
"""Ids that are remembered, about 200 bytes each; what was forgotten is looked up again."""

_NOT_THERE = (404, 410)
_NO_SUCH_CALL = (404, 405, 501)


class MastodonSource:
    """A `ProfileSource` on `/api/v1/accounts` and its kin.

    Everything is asked of the home server, people of other servers too: it knows them by
    federation, its own ids lead to them, its moderators' decisions hold, and only its limits count.

    Args:
        client: The way to the home server.
        page_size: People asked for at once, 1 to 80.
    """

    platform = PLATFORM
    seed_types = frozenset({"actor", "followers", "following", "hashtag", "search", "directory"})
    batch_size = 20

    def __init__(self, client: MastodonClient, *, page_size: int = MAX_PAGE) -> None:
        self._client = client
        self._page_size = min(max(page_size, 1), MAX_PAGE)
        self._ids: dict[str, str] = {}
        self._takes_batches = True

    async def expand(self, seed: Seed, cursor: str | None) -> RefPage:
        """Return one page of the people that `seed` leads to.

        `actor` is the person named, or who they moved to; `hashtag` are the authors of the public
        posts with a tag, `directory` (`active`, `new`, `local`) who asked to be listed.

        Raises:
            Rejected: The seed type or value means nothing, or the server wants an account.
            Transient: No good answer after bounded retries.
        """
        match seed.type:
            case "actor":
                return self._page([await self._actor(seed.value)], None)
            case "followers" | "following":
                return await self._connections(seed, cursor)
            case "hashtag":
                return await self._tagged(read_hashtag(seed.value), cursor)
            case "search":
                return await self._searched(read_search(seed.value), cursor)
            case "directory":
                return await self._listed(seed.value, cursor)
            case _:
                known = ", ".join(sorted(self.seed_types))
                message = f"Mastodon has no seed type {seed.type[:50]!r}: use one of {known}"
                raise Rejected(message, field="seed_type")

    async def fetch(self, platform_ids: Sequence[str]) -> Sequence[RawProfile]:
        """Return the profiles, with recent public posts, of those of the ids that still exist.

        Args:
            platform_ids: Canonical addresses of accounts, at most `batch_size`.

        Raises:
            Rejected: More ids than `batch_size`, or the server wants an account.
            Transient: No good answer after bounded retries.
        """
        if len(platform_ids) > self.batch_size:
            raise Rejected(f"Mastodon gives at most {self.batch_size} profiles at once")
        wanted = list(dict.fromkeys(url for url in platform_ids if is_account_url(url)))
        found = {url_of(each): each for each in await self._accounts(wanted)}
        accounts = [found[url] for url in wanted if url in found]
        posts = await _all_of([self._posts(account) for account in accounts])
        profiles = (map_account(a, p) for a, p in zip(accounts, posts, strict=True))
        return [profile for profile in profiles if profile]

    async def _connections(self, seed: Seed, cursor: str | None) -> RefPage:
        account = await self._find(read_account(seed.value, self._client.home))
        path = f"/api/v1/accounts/{_path_id(account)}/{seed.type}"
        found = await self._client.list(path, {"limit": self._page_size}, cursor)
        return self._page(found.entities, found.cursor)

    async def _tagged(self, tag: str, cursor: str | None) -> RefPage:
        path = f"/api/v1/timelines/tag/{quote(tag, safe='')}"
        limit = min(self._page_size, MAX_STATUSES)
        found = await self._client.list(path, {"limit": limit}, cursor)
        return self._page(authors_of(found.entities), found.cursor)

    async def _searched(self, words: str, cursor: str | None) -> RefPage:
        """Search; a stranger gets one page, an account may go on by offset."""
        if not self._client.is_signed_in:
            params = {"q": words, "type": "accounts", "limit": min(self._page_size, MAX_STATUSES)}
            body = fields_of(await self._client.get("/api/v2/search", params))
            return self._page(self._client.entities(body.get("accounts"), "a search"), None)
        return await self._by_offset("/api/v1/accounts/search", {"q": words}, cursor)

    async def _listed(self, value: str, cursor: str | None) -> RefPage:
        view = read_directory(value)
        params = {"order": view.order, "local": "true" if view.local else "false"}
        return await self._by_offset("/api/v1/directory", params, cursor)

    async def _by_offset(self, path: str, params: dict[str, str], cursor: str | None) -> RefPage:
        """Return one page of a list that is counted through.

        The cursor is the offset and who came first: servers that do not know offsets send the same
        page for ever.
        """
        offset, _, first = (cursor or "0 ").partition(" ")
        if not offset.isdecimal() or len(offset) > 9:
            raise Rejected("not a cursor of this list", field="cursor")
        asked = {**params, "limit": self._page_size, "offset": int(offset)}
        people = self._client.entities(await self._client.get(path, asked), path)
        begins = id_of(people[0]) if people else None
        if begins is None or begins == first:
            return RefPage((), None)
        return self._page(people, f"{int(offset) + self._page_size} {begins}")

    async def _actor(self, value: str) -> object:
        account = await self._find(read_account(value, self._client.home))
        return moved_to(account) or account

    async def _find(self, name: AccountName) -> object:
        """Return the Account of this name.

        Raises:
            Rejected: Nobody whom the home server knows, or can find, has it.
        """
        account = await self._look_up(name)
        if account is None:
            hint = "" if self._client.is_signed_in else (
                "; with OMNI_MASTODON_TOKEN it would ask other servers, too"
            )  # fmt: skip
            message = f"{self._client.home} knows nobody called {name.acct[:200]!r}{hint}"
            raise Rejected(message, field="seed_value")
        return account

    async def _look_up(self, name: AccountName) -> object | None:
        """Return the Account of this name, None if there is none.

        Only for an account does the server ask others about people whom it does not know.
        """
        try:
            account = await self._client.get("/api/v1/accounts/lookup", {"acct": name.acct})
        except HttpRejected as error:
            if error.status not in _NOT_THERE:
                raise
            account = await self._resolve(name)
        return self._remembered(account) if url_of(account) else None

    async def _resolve(self, name: AccountName) -> object | None:
        if not self._client.is_signed_in or "@" not in name.acct:
            return None
        params = {
            "q": name.url or f"@{name.acct}",
            "type": "accounts",
            "resolve": "true",
            "limit": 5,
        }
        body = fields_of(await self._client.get("/api/v2/search", params))
        for account in self._client.entities(body.get("accounts"), "a search"):
            acct = str(fields_of(account).get("acct") or "")
            if url_of(account) == name.url or acct.lower() == name.acct.lower():
                return account
        return None

    async def _accounts(self, urls: Sequence[str]) -> list[object]:
        """Return the Accounts of these addresses that still exist, by as few calls as can be."""
        known = {url: self._ids[url] for url in urls if url in self._ids}
        found = await self._by_ids(list(known.values())) if known else []
        there = {url_of(account) for account in found}
        # Whom an id no longer leads to is looked up as well: ids may have changed hands.
        rest = [url for url in urls if url not in there]
        return found + [a for a in await _all_of([self._by_url(url) for url in rest]) if a]

    async def _by_ids(self, ids: Sequence[str]) -> list[object]:
        if self._takes_batches:
            try:
                body = await self._client.get("/api/v1/accounts", {"id[]": ids})
                return self._client.entities(body, "accounts by id")
            except HttpRejected as error:
                # Mastodon before 4.3, and most other software, does not have this call.
                if error.status not in _NO_SUCH_CALL:
                    raise
                self._takes_batches = False
        return [account for account in await _all_of([self._by_id(i) for i in ids]) if account]

    async def _by_id(self, account_id: str) -> object | None:
        try:
            return await self._client.get(f"/api/v1/accounts/{quote(account_id, safe='')}")
        except HttpRejected as error:
            if error.status in _NOT_THERE:
                return None
            raise

    async def _by_url(self, url: str) -> object | None:
        try:
            name = read_account(url, self._client.home)
        except Rejected:  # an address that names nobody
            return None
        return await self._look_up(name)

    async def _posts(self, account: object) -> tuple[RawPost, ...]:
        """Return the recent posts; none where they may not be read."""
        if not shows_posts(account):
            return ()
        account_id = _path_id(account)
        params = {"limit": RECENT_POSTS, "exclude_reblogs": "true", "exclude_replies": "true"}
        path = f"/api/v1/accounts/{account_id}/statuses"
        try:
            found = await self._client.list(path, params, None)
        except Rejected as error:
            # Gone since the account was read, or shown to accounts only: the profile still counts.
            get_logger().info("mastodon.posts_refused", account=url_of(account), reason=str(error))
            return ()
        return map_statuses(found.entities, account_id)

    def _page(self, accounts: Sequence[object], cursor: str | None) -> RefPage:
        urls = (url_of(self._remembered(account)) for account in accounts)
        return RefPage(tuple(dict.fromkeys(url for url in urls if url)), cursor)

    def _remembered(self, account: object) -> object:
        """Note which id leads to the account, and return it."""
        url, account_id = url_of(account), id_of(account)
        if url and account_id:
            self._ids.pop(url, None)
            self._ids[url] = account_id
            if len(self._ids) > MAX_REMEMBERED:
                del self._ids[next(iter(self._ids))]
        return account


def _path_id(account: object) -> str:
    account_id = id_of(account)
    if account_id is None:
        raise Rejected("the home server shows an account without an id", field="seed_value")
    return quote(account_id, safe="")


async def _all_of(calls: Sequence[Any]) -> list[Any]:
    """Return what the calls return; all are waited for even if one fails, so that none outlives."""
    results: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
