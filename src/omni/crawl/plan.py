"""The frontier: what a crawl has seen, what it may still do, and what it does next. No I/O.

A frontier is fed with values (a page was read, people were found, an errand failed) and asked for
the next errand. Every collection in it is bounded by the crawl's own budget: people by
`max_profiles`, pages to come by `max_pages`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

import msgspec

from omni.base.errors import OmniError, Rejected, Transient
from omni.connectors.types import RawProfile, RefPage, Seed
from omni.crawl.types import Batch, Errand, Page
from omni.jobs.types import CrawlConfig, Progress

MAXIMA = CrawlConfig(max_profiles=100_000, max_pages=100_000, max_depth=3, max_seconds=3_500)
"""The widest bounds that a crawl may have; a job's own time limit is a little longer."""

MAX_FAILURES_IN_A_ROW = 5
MAX_SEED_VALUE = 500
_MAX_ID = 500
_MINIMA = CrawlConfig(max_profiles=1, max_pages=1, max_depth=0, max_seconds=1)


def check_config(config: CrawlConfig) -> CrawlConfig:
    """Return `config` if all its bounds are within `MAXIMA`.

    Raises:
        Rejected: With `field` such as `crawl_config.max_pages`.
    """
    least, most = msgspec.structs.asdict(_MINIMA), msgspec.structs.asdict(MAXIMA)
    for name, value in msgspec.structs.asdict(config).items():
        if not least[name] <= value <= most[name]:
            raise Rejected(
                f"{name} is {value}: choose {least[name]} to {most[name]}",
                field=f"crawl_config.{name}",
            )
    return config


def check_seed(seed: Seed, seed_types: Collection[str], config: CrawlConfig) -> Seed:
    """Return `seed`, without white space around its value, if a crawl can begin there.

    Raises:
        Rejected: With `field` `seed_type`, `seed_value` or `crawl_config.max_depth`.
    """
    if seed.type not in seed_types:
        known = ", ".join(sorted(seed_types))
        raise Rejected(
            f"{seed.platform} has no seed type {seed.type[:50]!r}: choose one of {known}",
            field="seed_type",
        )
    value = seed.value.strip()
    if not 1 <= len(value) <= MAX_SEED_VALUE:
        raise Rejected(f"give 1 to {MAX_SEED_VALUE} characters", field="seed_value")
    if config.max_depth and "followers" not in seed_types:
        raise Rejected(
            f"{seed.platform} does not show followers: choose 0", field="crawl_config.max_depth"
        )
    return Seed(seed.platform, seed.type, value)


class Frontier:
    """The state of one crawl."""

    def __init__(self, seed: Seed, config: CrawlConfig) -> None:
        self._config = config
        self._pages = deque([Page(seed, 0)])
        self._met: set[str] = set()
        self._waiting: deque[tuple[str, int]] = deque()
        self._cursors: set[tuple[Seed, str]] = set()
        self._pages_out = 0
        self._pages_begun = 0
        self._pages_read = 0
        self._looked_at = 0
        self._found = 0
        self._failures = 0
        self._in_a_row = 0
        self._error: OmniError | None = None
        self._stopped = False

    def next_errand(self, batch_size: int) -> Errand | None:
        """Return what to do next, None if there is nothing to do right now.

        People come before pages, so that little waits; but a batch that is not full waits for the
        pages that are being read.
        """
        if self._stopped:
            return None
        page_is_next = bool(self._pages) and self._may_read()
        if len(self._waiting) >= batch_size or (
            self._waiting and not page_is_next and not self._pages_out
        ):
            return self._take_batch(batch_size)
        if not page_is_next:
            return None
        self._pages_out += 1
        self._pages_begun += 1
        return self._pages.popleft()

    def page_read(self, page: Page, found: RefPage) -> None:
        """Note the people of a page, and the page that follows it."""
        self._pages_out -= 1
        self._pages_read += 1
        self._in_a_row = 0
        for platform_id in found.platform_ids:
            self._meet(platform_id, page.depth)
        self._follow(page, found.cursor)

    def people_found(self, batch: Batch, profiles: Iterable[RawProfile]) -> tuple[RawProfile, ...]:
        """Return the people of a batch who may be kept, each once, and note whom they lead to."""
        self._in_a_row = 0
        self._looked_at += len(batch.platform_ids)
        asked = set(batch.platform_ids)
        kept: list[RawProfile] = []
        for profile in profiles:
            if profile.platform_id in asked and profile.discoverable:
                asked.discard(profile.platform_id)
                kept.append(profile)
        self._found += len(kept)
        if batch.depth < self._config.max_depth:
            self._descend(kept, batch.depth + 1)
        return tuple(kept)

    def failed(self, errand: Errand, error: OmniError) -> None:
        """Note that an errand came to nothing.

        The first page decides whether there is anything to crawl; after it, a crawl goes on with
        the rest until several errands in a row have met passing faults.
        """
        if isinstance(errand, Page):
            self._pages_out -= 1
        else:
            self._looked_at += len(errand.platform_ids)
        self._failures += 1
        self._error = error
        if isinstance(error, Transient):
            self._in_a_row += 1
        if not self._pages_read or self._in_a_row >= MAX_FAILURES_IN_A_ROW:
            self._stopped = True

    def error(self) -> OmniError | None:
        """Return why the crawl as a whole has failed, None if it has not.

        It has if it had to stop, if there were failures and nobody was found, or if time ran out
        before the first page came.
        """
        if self._error is None and not self._pages_read:
            return Transient(f"nothing came within {self._config.max_seconds} seconds")
        return self._error if self._stopped or not self._found else None

    def progress(self) -> Progress:
        """Return at how many people the crawl has looked, of how many that it knows of.

        The total is unknown while pages are still to be read.
        """
        ends = not self._pages_out and not (self._pages and self._may_read())
        failed = f", {self._failures} calls failed" if self._failures else ""
        return Progress(
            done=self._looked_at,
            total=len(self._met) if ends else None,
            note=f"{self._found} people found, {self._pages_read} pages read{failed}",
        )

    def _may_read(self) -> bool:
        return (
            self._pages_begun < self._config.max_pages
            and len(self._met) < self._config.max_profiles
        )

    def _take_batch(self, size: int) -> Batch:
        depth = self._waiting[0][1]
        taken: list[str] = []
        while self._waiting and len(taken) < size and self._waiting[0][1] == depth:
            taken.append(self._waiting.popleft()[0])
        return Batch(tuple(taken), depth)

    def _meet(self, platform_id: str, depth: int) -> None:
        full = len(self._met) >= self._config.max_profiles
        if full or platform_id in self._met or not 1 <= len(platform_id) <= _MAX_ID:
            return
        self._met.add(platform_id)
        self._waiting.append((platform_id, depth))

    def _follow(self, page: Page, cursor: str | None) -> None:
        """Queue the next page of the same seed, unless its cursor has led there before."""
        if cursor is None or (page.seed, cursor) in self._cursors:
            return
        self._cursors.add((page.seed, cursor))
        self._pages.appendleft(Page(page.seed, page.depth, cursor))

    def _descend(self, people: Iterable[RawProfile], depth: int) -> None:
        room = self._config.max_pages - self._pages_begun - len(self._pages)
        for person, _ in zip(people, range(room), strict=False):
            seed = Seed(person.platform, "followers", person.platform_id)
            self._pages.append(Page(seed, depth))
