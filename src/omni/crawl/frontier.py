"""The frontier: what a crawl has seen, what it may still do, and what it does next. No I/O.

It is asked for the next errand, and told how each one ended. What it decides then is a step, a
value that says all of it; taking the steps of a log again, in their order, leads to the same state.
So a crawl that was stopped anywhere goes on from its log, and does again only what had not ended.

Lists are read level by level: a list of depth 2 is not begun while one of depth 1 may still bring
somebody. So everybody is met at the least depth at which the seed leads to them, in whatever order
the platform's answers come.

Every collection in it is bounded by the crawl's own budget: people by `max_profiles`, pages by
`max_pages`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from omni.base.errors import OmniError, Transient
from omni.connectors.types import RawProfile, RefPage, Seed
from omni.crawl.failures import NOT_IN_A_ROW, TRIED_AGAIN, describe_call, remake, what_failed
from omni.crawl.types import (
    Batch,
    Begun,
    CallFailed,
    Errand,
    Page,
    PageRead,
    PeopleFound,
    SecondRound,
    Step,
)
from omni.jobs.types import CrawlConfig

MAX_FAILURES_IN_A_ROW = 5
MAX_BARREN_PAGES = 20
"""A list is left after so many pages in a row with nobody new: some go on for ever."""

MAX_EXAMPLES = 5
"""The most failures that are told in words."""

_MAX_ID = 500
_MAX_CURSOR = 4_000


class Frontier:
    """The state of one crawl.

    Attributes:
        pages_read: Pages that came.
        looked_at: People whose fetch has ended, well or not.
        found: People who came and may be kept.
        hidden: People who came and ask not to be found.
        gone: People who were asked for and did not come.
        unread: People whose fetch failed.
        unfit: Ids that no platform gives.
        depth: The deepest list that was read.
        runs: How many runs of the job have begun.
        failures: Calls that failed and lists that were left, by kind.
        examples: Some of these, in words.
    """

    def __init__(self, seed: Seed, config: CrawlConfig) -> None:
        self._platform = seed.platform
        self._config = config
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._todo: dict[int, int] = {}
        self._todo_at = [0] * (config.max_depth + 2)
        self._waiting: deque[int] = deque()
        self._open: dict[int, Page] = {}
        self._queues: list[deque[Page]] = [deque() for _ in range(config.max_depth + 2)]
        self._out: set[int] = set()
        self._pages_done = 0
        self._pages_heard_of = 0
        self._cursors: set[int] = set()
        self._again: list[Errand] = []
        self._in_a_row: Counter[bool] = Counter()
        self._is_second_round = False
        self._error: OmniError | None = None
        self._stopped = False
        self.pages_read = self.looked_at = self.found = self.hidden = self.gone = 0
        self.unread = self.unfit = self.depth = self.runs = 0
        self.failures: Counter[str] = Counter()
        self.examples: list[str] = []
        self._queue(seed, 0)

    # What to do next ----------------------------------------------------------------------------

    def next_errand(self, batch_size: int) -> Errand | None:
        """Return what to do next, None if there is nothing to do right now.

        People come before pages, so that little waits; but a batch that is not full waits for the
        pages that are being read.
        """
        if self._stopped:
            return None
        queue = self._next_queue()
        if len(self._waiting) >= batch_size or (self._waiting and not queue and not self._out):
            return self._take_batch(batch_size)
        if not queue:
            return None
        page = queue.popleft()
        self._out.add(page.number)
        return page

    # What came of it ----------------------------------------------------------------------------

    def page_read(self, page: Page, found: RefPage) -> PageRead:
        """Take the people of a page, and the page that follows it."""
        refs = found.platform_ids
        if page.depth:
            refs = refs[: max(0, self._config.max_breadth - page.listed)]
        fit = [ref for ref in refs if 1 <= len(ref) <= _MAX_ID]
        new = [ref for ref in dict.fromkeys(fit) if ref not in self._numbers]
        listed = page.listed + len(refs)
        barren = 0 if new else page.barren + 1
        cursor = found.cursor
        if page.depth and listed >= self._config.max_breadth:
            cursor = None
        cut = "" if cursor is None else self._why_not_follow(page, cursor, barren)
        step = PageRead(
            page=page.number,
            met=tuple(new[: self._config.max_profiles - len(self._numbers)]),
            cursor=None if cut else cursor,
            listed=listed,
            barren=barren,
            unfit=len(refs) - len(fit),
            cut=cut,
        )
        self.take(step)
        return step

    def people_found(
        self, batch: Batch, profiles: Iterable[RawProfile]
    ) -> tuple[PeopleFound, tuple[RawProfile, ...]]:
        """Take the answer to a batch; return also who came of those asked for, each once.

        Those who ask not to be found are among them, for they may be known from before.
        """
        asked = dict(zip(batch.platform_ids, batch.numbers, strict=True))
        kept: list[int] = []
        came: list[RawProfile] = []
        for profile in profiles:
            number = asked.pop(profile.platform_id, None)
            if number is None:
                continue
            came.append(profile)
            if profile.discoverable:
                kept.append(number)
        room = self._config.max_pages - self._pages_done - len(self._open)
        deeper = batch.depth < self._config.max_depth
        step = PeopleFound(
            numbers=batch.numbers,
            kept=tuple(kept),
            followed=max(0, min(len(kept), room)) if deeper else 0,
            hidden=len(came) - len(kept),
        )
        self.take(step)
        return step, tuple(came)

    def failed(self, errand: Errand, error: Exception) -> CallFailed:
        """Note that an errand came to nothing.

        The first page decides whether there is anything to crawl; after it, a crawl goes on with
        the rest until several errands in a row have met faults that are not about them.
        """
        name, kind, message = what_failed(error)
        if isinstance(errand, Page):
            step = CallFailed(errand.number, (), name, kind, message)
        else:
            step = CallFailed(None, errand.numbers, name, kind, message)
        self.take(step)
        if isinstance(error, OmniError):
            self._error = error
        return step

    def second_round(self) -> SecondRound | None:
        """Put back what met a passing fault; None if there is nothing, or no second time left.

        Ask when nothing runs and there is no next errand. Each run has one second round.
        """
        if self._stopped or self._is_second_round or not self._again:
            return None
        step = SecondRound()
        self.take(step)
        return step

    # The log ------------------------------------------------------------------------------------

    def take(self, step: Step) -> None:
        """Take a step: one that was just decided, or the next one of a log."""
        match step:
            case Begun():
                self._begin()
            case SecondRound():
                self._do_again()
                self._is_second_round = True
            case PageRead():
                self._take_page(step)
            case PeopleFound():
                self._take_people(step)
            case CallFailed():
                self._take_failure(step)

    # How it goes --------------------------------------------------------------------------------

    def error(self) -> OmniError | None:
        """Return why the crawl as a whole has failed, None if it has not.

        It has if it had to stop, if there were failures and nobody was found, or if its bounds were
        reached before the first page came.
        """
        if self._error is None and not self.pages_read:
            return Transient(f"nothing came within {self._config.max_seconds} seconds")
        return self._error if self._stopped or not self.found else None

    def met(self) -> int:
        """Return of how many people the crawl knows."""
        return len(self._ids)

    def may_meet_more(self) -> bool:
        """Tell whether pages are being read or still to be read."""
        return bool(self._out) or self._next_queue() is not None

    def ended_by(self) -> str:
        """Return what ended the crawl: `failures`, a bound (`profiles`, `pages`), or `end`."""
        if self._stopped:
            return "failures"
        if self._is_full():
            return "profiles"
        return "pages" if self._open else "end"

    # Inside -------------------------------------------------------------------------------------

    def _is_full(self) -> bool:
        return len(self._numbers) >= self._config.max_profiles

    def _next_queue(self) -> deque[Page] | None:
        """Return the queue that the next page comes from, None if no page may be begun now."""
        if self._is_full() or self._pages_done + len(self._out) >= self._config.max_pages:
            return None
        reading = min((self._open[number].depth for number in self._out), default=None)
        depth = next((d for d, queue in enumerate(self._queues) if queue), None)
        if depth is None or (reading is not None and reading < depth):
            return None
        # Who was met two levels above may still bring lists of the level between.
        return None if any(self._todo_at[: max(0, depth - 1)]) else self._queues[depth]

    def _take_batch(self, size: int) -> Batch:
        depth = self._todo[self._waiting[0]]
        taken: list[int] = []
        while self._waiting and len(taken) < size and self._todo[self._waiting[0]] == depth:
            taken.append(self._waiting.popleft())
        return Batch(tuple(self._ids[number] for number in taken), depth, tuple(taken))

    def _why_not_follow(self, page: Page, cursor: str, barren: int) -> str:
        if len(cursor) > _MAX_CURSOR:
            return "huge cursor"
        if _mark(page.seed, cursor) in self._cursors:
            return "loop"
        return "endless" if barren >= MAX_BARREN_PAGES else ""

    def _queue(
        self, seed: Seed, depth: int, cursor: str | None = None, listed: int = 0, barren: int = 0
    ) -> None:
        page = Page(seed, depth, cursor, self._pages_heard_of, listed, barren)
        self._pages_heard_of += 1
        self._open[page.number] = page
        if cursor is None:
            self._queues[depth].append(page)
        else:
            self._cursors.add(_mark(seed, cursor))
            self._queues[depth].appendleft(page)

    def _close(self, number: int) -> Page:
        self._out.discard(number)
        self._pages_done += 1
        return self._open.pop(number)

    def _look_at(self, numbers: Iterable[int]) -> int:
        """Take people off the list of those to look at; return their depth."""
        depth = 0
        for number in numbers:
            depth = self._todo.pop(number)
            self._todo_at[depth] -= 1
            self.looked_at += 1
        return depth

    def _put_back(self, numbers: Iterable[int], depth: int) -> None:
        for number in numbers:
            self._todo[number] = depth
            self._todo_at[depth] += 1

    def _begin(self) -> None:
        """Begin a run: what was not ended is to be done, and what met a passing fault is again."""
        self.runs += 1
        self._is_second_round = False
        self._in_a_row.clear()
        self._out.clear()
        if self._again:
            self._stopped, self._error = False, None
        self._do_again()

    def _do_again(self) -> None:
        for errand in self._again:
            if isinstance(errand, Page):
                self._pages_done -= 1
                self._open[errand.number] = errand
            else:
                self.looked_at -= len(errand.numbers)
                self.unread -= len(errand.numbers)
                self._put_back(errand.numbers, errand.depth)
        self._again.clear()
        self._waiting = deque(sorted(self._todo))
        for queue in self._queues:
            queue.clear()
        for number in sorted(self._open):
            self._queues[self._open[number].depth].append(self._open[number])

    def _take_page(self, step: PageRead) -> None:
        page = self._close(step.page)
        self.pages_read += 1
        self.depth = max(self.depth, page.depth)
        self.unfit += step.unfit
        self._in_a_row[True] = 0
        for platform_id in step.met:
            number = len(self._ids)
            self._ids.append(platform_id)
            self._numbers[platform_id] = number
            self._put_back((number,), page.depth)
            self._waiting.append(number)
        if step.cut:
            self._note(step.cut, f"{describe_call(page)} is followed no further")
        if step.cursor is not None:
            self._queue(page.seed, page.depth, step.cursor, step.listed, step.barren)

    def _take_people(self, step: PeopleFound) -> None:
        depth = self._look_at(step.numbers)
        self._in_a_row[False] = 0
        self.found += len(step.kept)
        self.hidden += step.hidden
        self.gone += len(step.numbers) - len(step.kept) - step.hidden
        for number in step.kept[: step.followed]:
            self._queue(Seed(self._platform, "followers", self._ids[number]), depth + 1)

    def _take_failure(self, step: CallFailed) -> None:
        if step.page is not None:
            errand: Errand = self._close(step.page)
        else:
            depth = self._look_at(step.numbers)
            self.unread += len(step.numbers)
            errand = Batch(tuple(self._ids[n] for n in step.numbers), depth, step.numbers)
        self._note(step.kind, f"{describe_call(errand)}: {step.message}")
        self._error = remake(step)
        if step.error in TRIED_AGAIN:
            self._again.append(errand)
        # Pages and people apart: a platform may still list people whom it does not show any more.
        is_page = step.page is not None
        if step.error not in NOT_IN_A_ROW and not self._is_second_round:
            self._in_a_row[is_page] += 1
        if not self.pages_read or self._in_a_row[is_page] >= MAX_FAILURES_IN_A_ROW:
            self._stopped = True

    def _note(self, kind: str, words: str) -> None:
        self.failures[kind] += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"{kind}: {words}")


def _mark(seed: Seed, cursor: str) -> int:
    """Stand for a place in a list: a cursor may be long, and there may be many."""
    return hash((seed, cursor))
