"""The frontier: bounded in every direction, nobody twice, failures within reason."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.base.errors import Rejected, Transient
from omni.connectors.types import RawProfile, RefPage, Seed
from omni.crawl.frontier import MAX_BARREN_PAGES, MAX_EXAMPLES, MAX_FAILURES_IN_A_ROW, Frontier
from omni.crawl.types import Batch, Begun, Errand, Page, Step
from omni.jobs.types import CrawlConfig

_END: tuple[list[int], str | None] = ([], None)
SEED = Seed("somewhere", "followers", "root")


def person(platform_id: str, *, discoverable: bool = True) -> RawProfile:
    return RawProfile("somewhere", platform_id, platform_id, discoverable=discoverable)


def read(frontier: Frontier, ids: tuple[str, ...], cursor: str | None = None) -> Page:
    """Let the frontier's next errand be a page with these people."""
    errand = frontier.next_errand(10)
    assert isinstance(errand, Page)
    frontier.page_read(errand, RefPage(ids, cursor))
    return errand


def resumed(config: CrawlConfig, log: Sequence[Step]) -> Frontier:
    """Return a frontier that has taken a log, and begins a run."""
    frontier = Frontier(SEED, config)
    for step in [*log, Begun()]:
        frontier.take(step)
    return frontier


def batch(frontier: Frontier, size: int = 10) -> Batch:
    errand = frontier.next_errand(size)
    assert isinstance(errand, Batch)
    return errand


def test_people_come_in_batches_and_the_last_one_may_be_short() -> None:
    frontier = Frontier(SEED, CrawlConfig())
    read(frontier, ("a", "b", "c", "a"))
    assert batch(frontier, 2).platform_ids == ("a", "b")
    assert batch(frontier, 2).platform_ids == ("c",)
    assert frontier.next_errand(2) is None


def test_a_short_batch_waits_for_the_pages_that_are_being_read() -> None:
    frontier = Frontier(SEED, CrawlConfig())
    read(frontier, ("a",), "2")
    page = frontier.next_errand(2)
    assert isinstance(page, Page)
    assert frontier.next_errand(2) is None
    frontier.page_read(page, RefPage(("b",), None))
    assert batch(frontier, 2).platform_ids == ("a", "b")


def test_the_budget_of_people_ends_the_reading() -> None:
    frontier = Frontier(SEED, CrawlConfig(max_profiles=3))
    read(frontier, ("a", "b", "c", "d"), "2")
    assert batch(frontier).platform_ids == ("a", "b", "c")
    assert frontier.next_errand(10) is None


def test_the_budget_of_pages_counts_failures_too() -> None:
    frontier = Frontier(SEED, CrawlConfig(max_pages=2))
    read(frontier, ("a",), "2")
    failing = frontier.next_errand(10)
    assert isinstance(failing, Page)
    frontier.failed(failing, Transient("no"))
    assert isinstance(frontier.next_errand(10), Batch)
    assert frontier.next_errand(10) is None


def test_a_cursor_that_comes_back_ends_the_chain() -> None:
    frontier = Frontier(SEED, CrawlConfig())
    read(frontier, (), "2")
    read(frontier, (), "3")
    read(frontier, (), "2")
    assert frontier.next_errand(10) is None


def test_each_person_found_leads_to_their_followers_down_to_the_depth() -> None:
    frontier = Frontier(SEED, CrawlConfig(max_depth=1))
    read(frontier, ("a", "b"))
    found = batch(frontier)
    frontier.people_found(found, [person("a"), person("b", discoverable=False)])
    page = read(frontier, ("a", "c"))
    assert (page.seed, page.depth) == (Seed("somewhere", "followers", "a"), 1)
    deeper = batch(frontier)
    assert (deeper.platform_ids, deeper.depth) == (("c",), 1)
    frontier.people_found(deeper, [person("c")])
    assert frontier.next_errand(10) is None


def test_people_who_were_not_asked_for_are_not_taken() -> None:
    frontier = Frontier(SEED, CrawlConfig())
    read(frontier, ("a", "b"))
    _, came = frontier.people_found(batch(frontier), [person("a"), person("x"), person("a")])
    assert [p.platform_id for p in came] == ["a"]


def test_who_hides_is_handed_on_to_be_let_go_but_neither_kept_nor_followed() -> None:
    frontier = Frontier(SEED, CrawlConfig(max_depth=1))
    read(frontier, ("a", "b"))
    people = [person("a"), person("b", discoverable=False)]
    step, came = frontier.people_found(batch(frontier), people)
    assert (list(came), step.kept, step.followed, step.hidden) == (people, (0,), 1, 1)
    assert (frontier.found, frontier.hidden, frontier.gone) == (1, 1, 0)


def test_without_a_first_page_there_is_no_crawl() -> None:
    frontier = Frontier(SEED, CrawlConfig())
    page = frontier.next_errand(10)
    assert page is not None
    assert isinstance(frontier.error(), Transient), "time ran out"
    frontier.failed(page, Rejected("nobody there"))
    assert frontier.next_errand(10) is None
    assert isinstance(frontier.error(), Rejected)


def test_a_crawl_goes_on_until_failures_come_in_a_row() -> None:
    frontier = Frontier(SEED, CrawlConfig())
    read(frontier, tuple(map(str, range(100))))
    frontier.people_found(batch(frontier, 5), [person("0")])
    for _ in range(MAX_FAILURES_IN_A_ROW - 1):
        frontier.failed(batch(frontier, 5), Transient("no"))
    frontier.people_found(batch(frontier, 5), [])
    for _ in range(MAX_FAILURES_IN_A_ROW):
        assert frontier.error() is None
        frontier.failed(batch(frontier, 5), Transient("no"))
    assert frontier.next_errand(5) is None
    assert isinstance(frontier.error(), Transient)


def test_refusals_of_single_people_do_not_stop_a_crawl() -> None:
    frontier = Frontier(SEED, CrawlConfig(max_depth=1))
    read(frontier, tuple(map(str, range(10))))
    frontier.people_found(batch(frontier), [person(str(n)) for n in range(10)])
    for _ in range(10):
        page = frontier.next_errand(10)
        assert isinstance(page, Page)
        frontier.failed(page, Rejected("private"))
    assert frontier.next_errand(10) is None
    assert frontier.error() is None


def test_failures_without_a_single_person_are_a_failure() -> None:
    frontier = Frontier(SEED, CrawlConfig())
    read(frontier, ("a",))
    frontier.failed(batch(frontier), Transient("no"))
    assert isinstance(frontier.error(), Transient)
    quiet = Frontier(SEED, CrawlConfig())
    read(quiet, ())
    assert quiet.error() is None


def test_counts_are_exact() -> None:
    frontier = Frontier(SEED, CrawlConfig())
    read(frontier, ("a", "b", "c", "", "x" * 501), "2")
    assert frontier.may_meet_more()
    read(frontier, ("d", "e"))
    assert not frontier.may_meet_more()
    frontier.people_found(batch(frontier, 3), [person("a"), person("b", discoverable=False)])
    frontier.failed(batch(frontier, 3), Transient("no"))
    assert (frontier.met(), frontier.looked_at, frontier.pages_read) == (5, 5, 2)
    assert (frontier.found, frontier.hidden, frontier.gone, frontier.unread) == (1, 1, 1, 2)
    assert (frontier.unfit, dict(frontier.failures)) == (2, {"transient": 1})
    assert frontier.examples == ["transient: d and 1 more: no"]


def test_no_more_than_the_breadth_is_taken_from_each_person() -> None:
    frontier = Frontier(SEED, CrawlConfig(max_depth=1, max_breadth=3))
    read(frontier, ("a", "b", "c", "d"), "2")
    read(frontier, ("e",))
    frontier.people_found(batch(frontier), [person("a")])
    read(frontier, ("f", "a"), "2")
    read(frontier, ("g", "h"), "3")
    assert batch(frontier).platform_ids == ("f", "g")
    assert frontier.ended_by() == "end"


def test_lists_that_never_end_are_left() -> None:
    frontier = Frontier(SEED, CrawlConfig(max_pages=10_000))
    read(frontier, ("a", "b"), "0")
    pages = 0
    while isinstance(page := frontier.next_errand(10), Page):
        frontier.page_read(page, RefPage(("a", "b"), str(pages := pages + 1)))
    assert pages == MAX_BARREN_PAGES
    assert dict(frontier.failures) == {"endless": 1}


@pytest.mark.parametrize(("cursor", "kind"), [("1", "loop"), ("x" * 1_000_000, "huge cursor")])
def test_cursors_that_lead_nowhere_are_told(cursor: str, kind: str) -> None:
    frontier = Frontier(SEED, CrawlConfig())
    read(frontier, ("a",), "1")
    read(frontier, ("b",), cursor)
    assert isinstance(frontier.next_errand(10), Batch)
    assert dict(frontier.failures) == {kind: 1}


def test_failures_are_told_briefly() -> None:
    frontier = Frontier(SEED, CrawlConfig(max_depth=1))
    read(frontier, tuple(f"{n}{'x' * 490}" for n in range(20)))
    for _ in range(20):
        frontier.failed(batch(frontier, 1), Rejected("y" * 10_000))
    assert len(frontier.examples) == MAX_EXAMPLES
    assert all(len(words) < 500 for words in frontier.examples)
    assert dict(frontier.failures) == {"rejected": 20}


def test_the_next_run_does_again_what_met_a_passing_fault() -> None:
    frontier = Frontier(SEED, CrawlConfig(max_pages=1))
    page = frontier.next_errand(10)
    assert isinstance(page, Page)
    log = [frontier.failed(page, Transient("no"))]
    again = resumed(CrawlConfig(max_pages=1), log)
    assert again.error() is None or not again.pages_read
    assert read(again, ("a", "b")) == page
    log = [*log, Begun(), again.failed(batch(again), KeyError("no"))]
    assert again.looked_at == 2
    refused = resumed(CrawlConfig(max_pages=1), log[:1])
    read(refused, ("a", "b"))
    refused.failed(batch(refused), Rejected("private"))
    assert refused.next_errand(10) is None


@given(
    pages=st.lists(
        st.tuples(st.lists(st.integers(0, 30), max_size=8), st.sampled_from([None, "1", "2", "3"])),
        max_size=30,
    ),
    fails=st.sets(st.integers(0, 60)),
    config=st.builds(
        CrawlConfig,
        max_profiles=st.integers(1, 20),
        max_pages=st.integers(1, 12),
        max_depth=st.integers(0, 2),
    ),
    size=st.integers(1, 7),
    at_once=st.integers(1, 4),
)
def test_any_crawl_ends_within_its_bounds(
    pages: list[tuple[list[int], str | None]],
    fails: set[int],
    config: CrawlConfig,
    size: int,
    at_once: int,
) -> None:
    frontier = Frontier(SEED, config)
    script = iter(pages)
    out: list[Errand] = []
    asked: list[str] = []
    read_pages = step = 0
    while True:
        while len(out) < at_once and (errand := frontier.next_errand(size)) is not None:
            out.append(errand)
        if not out:
            break
        errand, step = out.pop(0), step + 1
        if isinstance(errand, Page):
            read_pages += 1
        else:
            assert 1 <= len(errand.platform_ids) <= size
            asked += errand.platform_ids
        if step in fails:
            frontier.failed(errand, Transient("no"))
        elif isinstance(errand, Page):
            ids, cursor = next(script, _END)
            frontier.page_read(errand, RefPage(tuple(map(str, ids)), cursor))
        else:
            frontier.people_found(errand, map(person, errand.platform_ids))
    assert read_pages <= config.max_pages
    assert len(asked) == len(set(asked)) <= config.max_profiles
    assert frontier.looked_at <= frontier.met()


World = dict[str, list[int]]
"""Who follows whom: the followers of the seed (`root`) and of each person, by number."""

PAGE = 3
HIDDEN, GONE, PRIVATE = 5, 7, 11
"""Everybody whose number is divided by one of these asks not to be found, is gone, is private."""

worlds = st.dictionaries(
    st.sampled_from(["root", *map(str, range(40))]),
    st.lists(st.integers(1, 40), max_size=10),
    max_size=30,
)


def expand(world: World, page: Page) -> RefPage:
    people = world.get(page.seed.value, [])
    start = int(page.cursor or 0)
    following = start + PAGE
    ids = tuple(map(str, people[start:following]))
    return RefPage(ids, str(following) if following < len(people) else None)


def settle(world: World, frontier: Frontier, errand: Errand) -> Step:
    if isinstance(errand, Batch):
        there = [int(name) for name in errand.platform_ids if int(name) % GONE]
        people = [person(str(n), discoverable=bool(n % HIDDEN)) for n in there]
        return frontier.people_found(errand, people)[0]
    if errand.depth and int(errand.seed.value) % PRIVATE == 0:
        return frontier.failed(errand, Rejected("private"))
    return frontier.page_read(errand, expand(world, errand))


def outcome(frontier: Frontier) -> tuple[object, ...]:
    """Return all that two crawls must have in common."""
    counts = {
        name: value
        for name, value in vars(frontier).items()
        if not name.startswith("_") and name not in ("runs", "examples")
    }
    return sorted(frontier._ids), counts  # pyright: ignore[reportPrivateUsage]


def walk(world: World, config: CrawlConfig, dice: Random | None) -> Frontier:
    """Crawl to the end: as the answers come, or in any order and stopped anywhere."""
    frontier = Frontier(SEED, config)
    frontier.take(Begun())
    log: list[Step] = [Begun()]
    out: list[Errand] = []
    while True:
        while len(out) < 4 and (errand := frontier.next_errand(2)) is not None:
            out.append(errand)
        if not out:
            return frontier
        place = dice.randrange(len(out)) if dice else 0
        log.append(settle(world, frontier, out.pop(place)))
        assert len(log) < 1_000, "it ends"
        if dice and dice.random() < 0.1:
            # Whatever was not written yet is lost.
            log = log[: dice.randint(max(1, len(log) - 6), len(log))]
            frontier, out = resumed(config, log), []
            log.append(Begun())


@given(world=worlds, depth=st.integers(0, 3), breadth=st.integers(1, 12), seed=st.integers())
def test_whatever_the_order_and_wherever_it_is_stopped_it_comes_to_the_same(
    world: World, depth: int, breadth: int, seed: int
) -> None:
    config = CrawlConfig(max_depth=depth, max_breadth=breadth, max_pages=10_000)
    straight = walk(world, config, None)
    winding = walk(world, config, Random(seed))
    assert outcome(winding) == outcome(straight)


@given(
    world=worlds,
    config=st.builds(
        CrawlConfig,
        max_profiles=st.integers(1, 20),
        max_pages=st.integers(1, 12),
        max_depth=st.integers(0, 3),
        max_breadth=st.integers(1, 5),
    ),
    seed=st.integers(),
)
def test_bounds_hold_over_all_runs(world: World, config: CrawlConfig, seed: int) -> None:
    frontier = walk(world, config, Random(seed))
    assert frontier.met() <= config.max_profiles
    assert frontier.pages_read + frontier.failures["rejected"] <= config.max_pages
    assert frontier.depth <= config.max_depth
    assert frontier.looked_at == frontier.met()
    kept_or_not = frontier.found + frontier.hidden + frontier.gone + frontier.unread
    assert kept_or_not == frontier.looked_at


def test_passing_faults_get_a_second_round_and_no_third() -> None:
    frontier = Frontier(SEED, CrawlConfig())
    frontier.take(Begun())
    read(frontier, tuple(map(str, range(30))))
    for number in range(30):
        one = batch(frontier, 1)
        if number % 3:
            frontier.people_found(one, [person(one.platform_ids[0])])
        else:
            frontier.failed(one, Transient("no"))
    assert frontier.next_errand(1) is None
    assert frontier.second_round() is not None
    for number in range(10):
        one = batch(frontier, 1)
        if number % 2:
            frontier.people_found(one, [person(one.platform_ids[0])])
        else:
            frontier.failed(one, Transient("no"))
    assert frontier.next_errand(1) is None
    assert frontier.second_round() is None
    assert (frontier.found, frontier.unread, frontier.error()) == (25, 5, None)
