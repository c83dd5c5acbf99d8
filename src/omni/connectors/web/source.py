"""Reads people from web pages, politely: what the site asks, and only what has changed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import msgspec

from omni.base.errors import OmniError, Rejected, Transient
from omni.base.log import get_logger
from omni.connectors.exchange import HttpRejected, Moved
from omni.connectors.fetched import Fetched, Validators
from omni.connectors.ports import PageMemory
from omni.connectors.types import RawProfile, RefPage, Seed
from omni.connectors.web.reading import read_page
from omni.connectors.web.robots import Http, NoTurn, Robots
from omni.connectors.web.sitemap import MAX_BYTES, Sitemap, read_sitemap
from omni.connectors.web.types import PLATFORM, Reading
from omni.connectors.web.urls import normal_url, origin

ACCEPT = "text/html, application/xhtml+xml"
PAGE_SIZE = 25
"""Pages that one `expand` looks at."""

MAX_MAPS = 500
"""The most sitemaps of one index."""

MAX_REDIRECTS = 5

FRESH_S = 600.0
"""How long a sitemap, and a page that `expand` has read, count as just read."""

_FRESH = 500
_MAPS_KEPT = 4


class WebSource:
    """A `ProfileSource` on pages that describe people in their markup.

    A person is known by the canonical address of their page. To know it, `expand` has to read the
    page; `fetch` then has nothing left to ask. What was read is remembered, so that the next crawl
    asks with `If-None-Match` and gets most answers without a body.

    Args:
        http: The way out; its bounds hold here too.
        user_agent: Ours; robots.txt is read for its first word.
        page_size: Pages that one `expand` looks at.
        clock: Seconds from a clock that never goes back.
    """

    platform = PLATFORM
    seed_types = frozenset({"page", "sitemap"})
    batch_size = 10

    def __init__(
        self,
        http: Http,
        user_agent: str,
        *,
        page_size: int = PAGE_SIZE,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._http = http
        self._robots = Robots(http, user_agent, clock)
        self._page_size = page_size
        self._clock = clock
        self._memory: PageMemory | None = None
        self._fresh: OrderedDict[str, tuple[float, Reading]] = OrderedDict()
        self._maps: OrderedDict[str, tuple[float, Sitemap]] = OrderedDict()

    def use_memory(self, memory: PageMemory) -> None:
        """Remember pages there."""
        self._memory = memory

    async def expand(self, seed: Seed, cursor: str | None) -> RefPage:
        """Return one page of the people that `seed` leads to.

        `page` is the person whom a page describes, and those of the pages of the same site that it
        links to. `sitemap` is those of the pages that a sitemap lists, or an index of sitemaps.

        Raises:
            Rejected: Not such a seed, or the site does not let us read it.
            Transient: The site does not answer, or asks for more time than a crawl has.
        """
        if seed.type not in self.seed_types:
            known = ", ".join(sorted(self.seed_types))
            raise Rejected(
                f"web pages have no seed type {seed.type[:50]!r}: {known}", field="seed_type"
            )
        url = _read_seed(seed.value)
        try:
            if seed.type == "page":
                return await self._expand_page(url, _place(cursor)[1])
            return await self._expand_sitemap(url, *_place(cursor))
        except HttpRejected as error:
            raise Rejected(f"{url}: {error}", field="seed_value") from error

    async def fetch(self, platform_ids: Sequence[str]) -> Sequence[RawProfile]:
        """Return the people of these pages, as far as the pages still describe them.

        Whose page asks not to be indexed is not discoverable. Where a site does not answer, what
        was last read of a page stands, so that nobody counts as gone for it.

        Raises:
            Rejected: More ids than `batch_size`.
            Transient: A site did not answer well, and nothing is remembered of its page.
        """
        if len(platform_ids) > self.batch_size:
            raise Rejected(f"at most {self.batch_size} pages are read at once")
        wanted = [url for url in dict.fromkeys(platform_ids) if normal_url(url) == url]
        read = await asyncio.gather(*map(self._again, wanted), return_exceptions=True)
        failed = next((each for each in read if isinstance(each, BaseException)), None)
        if failed is not None:
            # Whoever is left out of an answer counts as gone, so there is none.
            for found in read:
                if isinstance(found, Reading):
                    self._keep_fresh(found)
            raise failed
        return [
            found.person
            for url, found in zip(wanted, read, strict=True)
            if isinstance(found, Reading) and found.person and found.url == url
        ]

    async def _expand_page(self, url: str, start: int) -> RefPage:
        seed = await self._read(url)
        if seed is None:
            raise Rejected(f"robots.txt of the site does not allow {url}", field="seed_value")
        addresses = list(dict.fromkeys((url, *seed.links)))
        end = start + await self._robots.turns(seed.url, self._page_size)
        ids = await self._people(addresses[start:end], known={url: seed})
        return RefPage(ids, f"0:{end}" if end < len(addresses) else None)

    async def _expand_sitemap(self, url: str, which: int, start: int) -> RefPage:
        top = await self._sitemap(url)
        maps = top.maps[:MAX_MAPS] or (url,)
        if which >= len(maps):
            return RefPage((), None)
        found = top if not top.maps else await self._child(maps[which])
        end = start + await self._robots.turns(url, self._page_size)
        ids = await self._people(found.pages[start:end])
        if end < len(found.pages):
            return RefPage(ids, f"{which}:{end}")
        return RefPage(ids, f"{which + 1}:0" if which + 1 < len(maps) else None)

    async def _child(self, url: str) -> Sitemap:
        """Return a sitemap of an index; one that cannot be read leaves the others unharmed."""
        try:
            return await self._sitemap(url)
        except Rejected as error:
            get_logger().warning("web.sitemap_left_out", url=url, error=str(error))
            return Sitemap((), ())

    async def _sitemap(self, url: str) -> Sitemap:
        known = self._maps.get(url)
        if known is not None and self._clock() - known[0] <= FRESH_S:
            return known[1]
        found = await self._get(url, max_bytes=MAX_BYTES)
        if found is None:
            raise Rejected(f"robots.txt of the site does not allow {url}", field="seed_value")
        sitemap = await asyncio.to_thread(read_sitemap, found.url, found.body)
        self._maps[url] = (self._clock(), sitemap)
        if len(self._maps) > _MAPS_KEPT:
            self._maps.popitem(last=False)
        return sitemap

    async def _people(
        self, urls: Sequence[str], known: dict[str, Reading] | None = None
    ) -> tuple[str, ...]:
        """Return by which addresses those of the pages are known that describe somebody."""

        async def look(url: str) -> str | None:
            try:
                found = (known or {}).get(url) or await self._read(url)
            except (Rejected, Transient) as error:
                get_logger().info("web.page_left_out", url=url, error=str(error))
                if isinstance(error, Transient):
                    failed.append(error)
                return None
            if found is None or found.person is None:
                return None
            self._keep_fresh(found)
            return found.url

        failed: list[Transient] = []
        found = await asyncio.gather(*map(look, urls))
        late = next((each for each in failed if isinstance(each, NoTurn)), None)
        if late or (failed and len(failed) == len(urls)):
            raise late or failed[0]
        return tuple(dict.fromkeys(url for url in found if url))

    async def _again(self, url: str) -> Reading | None:
        """Return what a page says: what `expand` has just read, else by asking."""
        kept = self._fresh.pop(url, None)
        if kept is not None and self._clock() - kept[0] <= FRESH_S:
            return kept[1]
        try:
            return await self._read(url)
        except Rejected:
            return None
        except Transient:
            remembered = await self._recall(url)
            if remembered is None:
                raise
            return remembered[1]

    def _keep_fresh(self, reading: Reading) -> None:
        self._fresh[reading.url] = (self._clock(), reading)
        if len(self._fresh) > _FRESH:
            self._fresh.popitem(last=False)

    async def _read(self, url: str) -> Reading | None:
        """Return what a page says; None where a site does not let us read it."""
        remembered = await self._recall(url)
        answer = await self._get(url, known=remembered, accept=ACCEPT)
        if answer is None:
            return None
        if answer.status == "not_modified" and remembered:
            await self._remember(url, answer.validators, remembered[1])
            return remembered[1]
        reading = await self._read_answer(answer)
        if reading is not None:
            await self._remember(url, answer.validators, reading)
        return reading

    async def _get(
        self,
        url: str,
        *,
        known: tuple[Validators, Reading] | None = None,
        accept: str = "*/*",
        max_bytes: int | None = None,
    ) -> Fetched | None:
        """Return the answer; None where a site on the way to it does not let us ask.

        Each redirect is asked for as a page of its own: its site's robots.txt and delay count.
        """
        place = url
        for _ in range(MAX_REDIRECTS + 1):
            if not await self._robots.allows(place):
                return None
            await self._robots.wait_turn(place)
            # Another site must not be able to say that nothing has changed here.
            own = known is not None and origin(place) == origin(known[1].url)
            try:
                return await self._http.get(
                    place,
                    accept=accept,
                    max_bytes=max_bytes,
                    validators=known[0] or None if known and own else None,
                    follow=False,
                )
            except Moved as error:
                place = error.url
        raise HttpRejected(f"{url[:200]} redirects without end", status=310)

    async def _read_answer(self, answer: Fetched) -> Reading | None:
        if normal_url(answer.url) is None:
            return None
        return await asyncio.to_thread(
            read_page,
            answer.url,
            answer.body,
            charset=answer.charset,
            robots_tag=answer.headers.get("x-robots-tag", ""),
            token=self._robots.token,
        )

    async def _recall(self, url: str) -> tuple[Validators, Reading] | None:
        found = await self._memory.recall(url) if self._memory else None
        if found is None:
            return None
        try:
            return Validators(found[0], found[1]), msgspec.convert(found[2], Reading)
        except msgspec.ValidationError:  # written by another version
            return None

    async def _remember(self, url: str, validators: Validators, reading: Reading) -> None:
        if self._memory is None:
            return
        plain: dict[str, Any] = msgspec.to_builtins(reading)
        try:
            await self._memory.keep(
                url, etag=validators.etag, last_modified=validators.last_modified, reading=plain
            )
        except OmniError as error:  # what is not remembered is only asked for again
            get_logger().warning("web.page_not_remembered", url=url, error=str(error))


def _read_seed(value: str) -> str:
    text = value.strip()
    url = normal_url(text if "://" in text else f"https://{text}") if text else None
    if url is None:
        raise Rejected(
            f"no address of a page: {text[:100]!r}; write it like https://example.com/people",
            field="seed_value",
        )
    return url


def _place(cursor: str | None) -> tuple[int, int]:
    """Return which sitemap, and which of its pages, a cursor stands at."""
    which, _, start = (cursor or "0:0").partition(":")
    if not (which.isdigit() and start.isdigit() and len(which + start) < 16):
        raise Rejected("no cursor of ours", field="cursor")
    return int(which), int(start)
