"""What a site asks of crawlers: robots.txt as RFC 9309 has it, and its crawl-delay."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from protego import Protego

from omni.base.errors import Rejected, Transient
from omni.base.log import get_logger
from omni.connectors.exchange import HttpRejected, TooLarge
from omni.connectors.fetched import Fetched, Validators
from omni.connectors.web.urls import origin

MAX_BYTES = 500 * 1024
"""How much of a robots.txt counts, as RFC 9309 allows."""

MAX_WAIT_S = 60.0
"""The longest that a request waits for its turn; a site that asks for more is not crawled."""

KEPT_S = 24 * 3_600.0
AGAIN_S = 300.0
"""When a robots.txt that could not be had is asked for again."""

MAX_SITES = 1_000


class Http(Protocol):
    """The HTTP layer, as far as pages need it."""

    async def get(
        self,
        url: str,
        *,
        accept: str = "*/*",
        max_bytes: int | None = None,
        validators: Validators | None = None,
        follow: bool = True,
    ) -> Fetched:
        """Return the answer at `url`."""
        ...


@dataclass(slots=True)
class _Site:
    """What is known of an origin.

    Attributes:
        rules: None where everything is allowed.
        closed: Why nothing may be asked at present.
        until: When robots.txt is asked for again; seconds of the clock.
        next_turn: When the next request may go out; seconds of the clock.
    """

    rules: Protego | None
    closed: str | None
    until: float
    next_turn: float = 0.0


class NoTurn(Transient):
    """The site's crawl-delay leaves no time for this request."""


class Robots:
    """Asks each site once a day, and keeps to the answer. Belongs to one event loop.

    Args:
        http: The way out.
        user_agent: Ours; its first word is our product token.
        monotonic: Seconds from a clock that never goes back.
    """

    def __init__(self, http: Http, user_agent: str, monotonic: Callable[[], float]) -> None:
        self.token = product_token(user_agent)
        self._http = http
        self._monotonic = monotonic
        self._sites: OrderedDict[str, _Site] = OrderedDict()
        self._asking: dict[str, asyncio.Lock] = {}

    async def allows(self, url: str) -> bool:
        """Tell whether the site lets us read this page.

        Raises:
            Transient: The site's robots.txt cannot be had, so that nothing is allowed for now.
            Rejected: The address must not be asked.
        """
        rules = (await self._site(url)).rules
        return rules is None or rules.can_fetch(url, self.token)

    async def turns(self, url: str, most: int) -> int:
        """Return how many requests the site's crawl-delay lets us make in `MAX_WAIT_S`.

        Args:
            url: A page of the site.
            most: The most that are wanted; what is returned is 1 to this.

        Raises:
            Transient, Rejected: As in `allows`.
        """
        delay = _delay((await self._site(url)).rules, self.token)
        return max(1, min(most, int(MAX_WAIT_S / delay))) if delay else most

    async def wait_turn(self, url: str) -> None:
        """Wait until the site's crawl-delay since the last request is over.

        Raises:
            NoTurn: That would take longer than `MAX_WAIT_S`.
        """
        site = await self._site(url)
        delay = _delay(site.rules, self.token)
        if not delay:
            return
        now = self._monotonic()
        turn = max(now, site.next_turn)
        if delay > MAX_WAIT_S or turn - now > MAX_WAIT_S:
            raise NoTurn(
                f"{urlsplit(url).netloc} asks for {delay:g} s between requests, and the next turn"
                f" is over {MAX_WAIT_S:g} s away: crawl fewer pages of it at a time",
                retry_after=max(delay, turn - now),
            )
        site.next_turn = turn + delay
        await asyncio.sleep(turn - now)

    async def _site(self, url: str) -> _Site:
        place = origin(url)
        lock = self._asking.setdefault(place, asyncio.Lock())
        try:
            async with lock:
                site = self._sites.get(place)
                if site is None or self._monotonic() >= site.until:
                    site = await self._ask(place, site)
                    self._sites[place] = site
                    if len(self._sites) > MAX_SITES:
                        self._sites.popitem(last=False)
        finally:
            if not lock.locked():
                self._asking.pop(place, None)
        if site.closed is not None:
            raise Transient(site.closed, retry_after=AGAIN_S)
        return site

    async def _ask(self, place: str, before: _Site | None) -> _Site:
        turn = before.next_turn if before else 0.0
        now = self._monotonic()
        try:
            found = await self._http.get(f"{place}/robots.txt", max_bytes=8 * MAX_BYTES)
        except TooLarge:
            return _Site(None, f"{place} has a robots.txt without end", now + KEPT_S, turn)
        except HttpRejected as error:
            # 4xx: there are no rules. Redirects without end count as that, too.
            get_logger().info("web.no_robots", site=place, status=error.status)
            return _Site(None, None, now + KEPT_S, turn)
        except Transient as error:
            return _Site(None, f"{place}/robots.txt: {error}", now + AGAIN_S, turn)
        text = found.body[:MAX_BYTES].decode("utf-8", "replace").lstrip("\ufeff")
        try:
            return _Site(Protego.parse(text), None, now + KEPT_S, turn)
        except (ValueError, RecursionError) as error:
            raise Rejected(f"{place}/robots.txt cannot be read: {error}") from error


def product_token(user_agent: str) -> str:
    """Return the word by which a robots.txt may name us."""
    return user_agent.split("/", 1)[0].split(" ", 1)[0] or "Omni"


def _delay(rules: Protego | None, token: str) -> float:
    """Return the seconds between two requests, 0 where the site does not say."""
    if rules is None:
        return 0.0
    rate = rules.request_rate(token)
    spread = rate.seconds / rate.requests if rate and rate.requests else 0.0
    return max(0.0, float(rules.crawl_delay(token) or 0.0), float(spread))
