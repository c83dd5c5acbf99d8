"""The crawl against the synthetic network over HTTP, and against sources that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing
from pathlib import Path
from time import monotonic

import pytest

from omni.base.errors import Rejected, Transient
from omni.connectors.http import HttpClient
from omni.connectors.ports import ProfileSource
from omni.connectors.synthetic.source import SyntheticSource
from omni.connectors.types import RawProfile, RefPage, Seed
from omni.crawl.basket import YIELD_SIZE
from omni.crawl.work import Walk
from omni.jobs.types import CrawlConfig, Progress
from tests.synthetic_fixtures import (
    break_network,
    edit_person,
    mend_network,
    quick_client,
    running_network,
)


@pytest.fixture
def url(tmp_path: Path) -> Generator[str]:
    with running_network(tmp_path / "network.sqlite") as base:
        yield base


@pytest.fixture
async def http() -> AsyncGenerator[HttpClient]:
    async with quick_client() as client:
        yield client


async def walk(
    source: ProfileSource,
    kind: str,
    value: str,
    config: CrawlConfig | None = None,
    *,
    reports: list[Progress] | None = None,
) -> list[RawProfile]:
    """Crawl to the end; hold what every crawl promises."""
    found: list[RawProfile] = []
    kept = reports if reports is not None else []
    walking = Walk(
        source,
        Seed("synthetic", kind, value),
        config or CrawlConfig(),
        concurrency=4,
        monotonic=monotonic,
        report=kept.append,
    )
    async for haul in walking.hauls():
        assert len(haul.profiles) < YIELD_SIZE + source.batch_size
        found += haul.profiles
    assert len({p.platform_id for p in found}) == len(found)
    return [person for person in found if person.discoverable]


async def test_it_finds_everybody_who_may_be_found(url: str, http: HttpClient) -> None:
    source = SyntheticSource(http, url)
    reports: list[Progress] = []
    found = await walk(source, "search", "pottery", reports=reports)
    listed: list[str] = []
    cursor: str | None = None
    while True:
        page = await source.expand(Seed("synthetic", "search", "pottery"), cursor)
        listed += page.platform_ids
        cursor = page.cursor
        if cursor is None:
            break
    shown = [p.platform_id for p in await source.fetch(listed) if p.discoverable]
    assert len(shown) < len(listed)
    assert {p.platform_id for p in found} == set(shown)
    assert (reports[-1].done, reports[-1].total) == (len(listed), len(listed))


async def test_depth_reaches_the_followers_of_whom_it_finds(url: str, http: HttpClient) -> None:
    source = SyntheticSource(http, url)
    assert len(await walk(source, "actor", "syn:3")) == 1
    near = await walk(source, "actor", "syn:3", CrawlConfig(max_depth=1))
    far = await walk(source, "actor", "syn:3", CrawlConfig(max_depth=2))
    followers = await walk(source, "followers", "syn:3")
    assert {p.platform_id for p in near} == {"syn:3"} | {p.platform_id for p in followers}
    assert len(far) > len(near)


async def test_budgets_are_kept_to_the_letter(url: str, http: HttpClient) -> None:
    source = SyntheticSource(http, url)
    reports: list[Progress] = []
    config = CrawlConfig(max_profiles=37, max_depth=3)
    assert 30 <= len(await walk(source, "actor", "syn:3", config, reports=reports)) <= 37
    assert reports[-1].done == 37
    few = await walk(source, "actor", "syn:3", CrawlConfig(max_pages=1, max_depth=3))
    assert len(few) == 1


async def test_a_platform_that_fails_now_and_then_is_read_through(
    url: str, http: HttpClient
) -> None:
    source = SyntheticSource(http, url)
    whole = await walk(source, "actor", "syn:3", CrawlConfig(max_depth=1))
    reports: list[Progress] = []
    break_network(url, path="/people/syn:3/followers", times=50)
    part = await walk(source, "actor", "syn:3", CrawlConfig(max_depth=2), reports=reports)
    assert [p.platform_id for p in part] == ["syn:3"]
    assert "2 failures" in reports[-1].note
    assert reports[-1].counts["failures"] == 2
    mend_network(url)
    assert await walk(source, "actor", "syn:3", CrawlConfig(max_depth=1)) == whole


@pytest.mark.parametrize("mode", ["status", "garbage", "drop"])
async def test_a_platform_that_is_down_fails_the_crawl(
    url: str, http: HttpClient, mode: str
) -> None:
    break_network(url, path="/search", mode=mode, times=1_000)
    with pytest.raises(Transient):
        await walk(SyntheticSource(http, url), "search", "pottery")
    mend_network(url)
    break_network(url, path="/people", mode=mode, times=1_000)
    with pytest.raises(Transient):
        await walk(SyntheticSource(http, url), "search", "pottery")


async def test_what_was_found_before_the_platform_went_down_is_kept(
    url: str, http: HttpClient
) -> None:
    source = SyntheticSource(http, url)
    found: list[RawProfile] = []

    async def walk_into_the_fault() -> None:
        walking = Walk(
            source,
            Seed("synthetic", "followers", "syn:3"),
            CrawlConfig(max_depth=3, max_profiles=10_000, max_pages=1_000),
            concurrency=2,
            monotonic=monotonic,
            report=lambda p: break_network(url, times=1_000) if p.done > 50 else None,
        )
        async for haul in walking.hauls():
            found.extend(haul.profiles)

    with pytest.raises(Transient):
        await walk_into_the_fault()
    assert len(found) > 40


async def test_nobody_by_that_name(url: str, http: HttpClient) -> None:
    with pytest.raises(Rejected) as caught:
        await walk(SyntheticSource(http, url), "followers", "nobody")
    assert caught.value.field == "seed_value"


async def test_people_who_left_are_passed_over(url: str, http: HttpClient) -> None:
    source = SyntheticSource(http, url)
    before = await walk(source, "followers", "syn:3")
    edit_person(url, before[0].platform_id, gone=True)
    edit_person(url, before[1].platform_id, discoverable=False)
    after = await walk(source, "followers", "syn:3")
    assert {p.platform_id for p in after} == {p.platform_id for p in before[2:]}


class Endless:
    """A platform with a page behind every page; counts what is asked of it at the same time."""

    platform = "endless"
    seed_types = frozenset({"search", "followers"})
    batch_size = 10

    def __init__(self, *, delay: float = 0.0, hangs: bool = False) -> None:
        self.calls = self.now = self.most = 0
        self._delay, self._hangs = delay, hangs

    async def expand(self, seed: Seed, cursor: str | None) -> RefPage:
        await self._call()
        page = int(cursor or 0)
        return RefPage(tuple(str(page * 10 + n) for n in range(10)), str(page + 1))

    async def fetch(self, platform_ids: Sequence[str]) -> Sequence[RawProfile]:
        await self._call()
        return [RawProfile(self.platform, name, name) for name in platform_ids]

    async def _call(self) -> None:
        self.calls += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(3_600 if self._hangs and self.calls > 20 else self._delay)
        finally:
            self.now -= 1


async def test_calls_at_a_time_are_bounded() -> None:
    source = Endless(delay=0.001)
    found = await walk(source, "search", "x", CrawlConfig(max_profiles=1_000))
    assert len(found) == 1_000
    assert 2 <= source.most <= 4


async def test_nothing_begins_while_the_caller_works() -> None:
    source = Endless()
    config = CrawlConfig(max_profiles=100_000, max_pages=100_000)
    walking = Walk(
        source, Seed("endless", "search", "x"), config,
        concurrency=4, monotonic=monotonic, report=lambda _: None,
    )  # fmt: skip
    async with aclosing(walking.hauls()) as hauls:
        assert len((await anext(hauls)).profiles) == YIELD_SIZE
        calls = source.calls
        await asyncio.sleep(0.05)
        assert source.calls <= calls + 4
    assert source.now == 0


async def test_time_is_bounded_and_what_came_is_kept() -> None:
    source = Endless(hangs=True)
    config = CrawlConfig(max_profiles=10_000, max_seconds=1)
    async with asyncio.timeout(10):
        found = await walk(source, "search", "x", config)
    assert 50 <= len(found) < 200
    assert source.now == 0, "calls that still ran were ended"


async def test_profiles_do_not_wait_long_for_others() -> None:
    source = Endless(hangs=True)
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.5
        return now

    walking = Walk(
        source, Seed("endless", "search", "x"), CrawlConfig(max_seconds=3_000),
        concurrency=4, monotonic=clock, report=lambda _: None,
    )  # fmt: skip
    async with aclosing(walking.hauls()) as hauls, asyncio.timeout(10):
        while not (haul := await anext(hauls)).profiles:
            assert haul.entry.steps
        assert len(haul.profiles) < YIELD_SIZE
