"""The frontier: bounded in every direction, nobody twice, failures within reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.base.errors import Rejected, Transient
from omni.connectors.types import RawProfile, RefPage, Seed
from omni.crawl.plan import MAX_FAILURES_IN_A_ROW, Frontier, check_config, check_seed
from omni.crawl.types import Batch, Errand, Page
from omni.jobs.types import CrawlConfig, Progress

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
    assert page == Page(Seed("somewhere", "followers", "a"), 1)
    deeper = batch(frontier)
    assert deeper == Batch(("c",), 1)
    frontier.people_found(deeper, [person("c")])
    assert frontier.next_errand(10) is None


def test_people_who_were_not_asked_for_are_not_taken() -> None:
    frontier = Frontier(SEED, CrawlConfig())
    read(frontier, ("a", "b"))
    kept = frontier.people_found(batch(frontier), [person("a"), person("x"), person("a")])
    assert [p.platform_id for p in kept] == ["a"]


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


def test_progress_is_exact() -> None:
    frontier = Frontier(SEED, CrawlConfig())
    read(frontier, ("a", "b", "c"), "2")
    assert frontier.progress().total is None
    read(frontier, ("d",))
    frontier.people_found(batch(frontier, 2), [person("a"), person("b", discoverable=False)])
    assert frontier.progress() == Progress(2, 4, "1 people found, 2 pages read")
    frontier.failed(batch(frontier, 2), Transient("no"))
    assert frontier.progress() == Progress(4, 4, "1 people found, 2 pages read, 1 calls failed")


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
    progress = frontier.progress()
    assert progress.total is None or progress.done <= progress.total


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (CrawlConfig(max_profiles=0), "crawl_config.max_profiles"),
        (CrawlConfig(max_profiles=10**9), "crawl_config.max_profiles"),
        (CrawlConfig(max_pages=-1), "crawl_config.max_pages"),
        (CrawlConfig(max_depth=4), "crawl_config.max_depth"),
        (CrawlConfig(max_depth=-1), "crawl_config.max_depth"),
        (CrawlConfig(max_seconds=0), "crawl_config.max_seconds"),
        (CrawlConfig(max_seconds=86_400), "crawl_config.max_seconds"),
    ],
)
def test_bounds_out_of_bounds_are_named(config: CrawlConfig, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        check_config(config)
    assert caught.value.field == field


def test_bounds_within_bounds_pass() -> None:
    assert check_config(CrawlConfig()) == CrawlConfig()


@pytest.mark.parametrize(
    ("seed", "config", "field"),
    [
        (Seed("p", "wedding", "x"), CrawlConfig(), "seed_type"),
        (Seed("p", "search", " \n"), CrawlConfig(), "seed_value"),
        (Seed("p", "search", "x" * 501), CrawlConfig(), "seed_value"),
        (Seed("p", "search", "x"), CrawlConfig(max_depth=1), "crawl_config.max_depth"),
    ],
)
def test_seeds_that_lead_nowhere_are_refused(seed: Seed, config: CrawlConfig, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        check_seed(seed, {"search"}, config)
    assert caught.value.field == field


def test_a_seed_is_freed_of_white_space() -> None:
    assert check_seed(Seed("p", "search", " two words "), {"search"}, CrawlConfig()).value == (
        "two words"
    )
