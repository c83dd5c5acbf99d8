"""What every `ProfileSource` owes the crawler; `sources.py` says how to add one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from omni.base.errors import Rejected
from omni.connectors.types import RawProfile, Seed
from tests.conformance.sources import MakeCase, SourceCase, source_params

MAX_PAGES = 50


@pytest.fixture(params=source_params())
async def case(request: pytest.FixtureRequest) -> AsyncIterator[SourceCase]:
    make: MakeCase = request.param
    async with make(request) as made:
        yield made


async def walk(case: SourceCase, seed: Seed) -> list[tuple[str, ...]]:
    """Follow a seed's cursors to the end; return the pages."""
    pages: list[tuple[str, ...]] = []
    cursor: str | None = None
    while len(pages) < MAX_PAGES:
        page = await case.source.expand(seed, cursor)
        pages.append(page.platform_ids)
        if page.cursor is None:
            return pages
        assert page.cursor != cursor, "a cursor that stands still never ends"
        cursor = page.cursor
    raise AssertionError(f"more than {MAX_PAGES} pages")


async def test_every_seed_type_leads_to_people_who_can_be_fetched(case: SourceCase) -> None:
    assert set(case.seeds) == case.source.seed_types
    for name, seed in case.seeds.items():
        assert (seed.platform, seed.type) == (case.source.platform, name)
        page = await case.source.expand(seed, None)
        some = page.platform_ids[: case.source.batch_size]
        assert some, name
        assert {p.platform_id for p in await case.source.fetch(some)} <= set(some)


async def test_pages_end_repeat_nobody_and_can_be_walked_again(case: SourceCase) -> None:
    pages = await walk(case, case.paged)
    people = [person for page in pages for person in page]
    assert sum(bool(page) for page in pages) >= 3
    assert len(people) == len(set(people))
    assert await walk(case, case.paged) == pages


async def test_a_cursor_can_be_used_by_another_process(case: SourceCase) -> None:
    first = await case.source.expand(case.paged, None)
    again = [await case.source.expand(case.paged, first.cursor) for _ in range(2)]
    assert again[0] == again[1]
    assert not set(again[0].platform_ids) & set(first.platform_ids)


async def test_a_profile_is_whole(case: SourceCase) -> None:
    (profile,) = await case.source.fetch([case.person])
    assert profile.platform == case.source.platform
    assert profile.platform_id == case.person
    assert profile.username
    assert profile.bio
    assert profile.posts
    assert all(post.text or post.text == "" for post in profile.posts)
    assert 1 <= len(profile.image_urls) <= 3
    assert all(url.startswith(("https://", "http://127.0.0.1")) for url in profile.image_urls)
    _check_values(profile)


def _check_values(profile: RawProfile) -> None:
    counts = [profile.followers, profile.follows, profile.posts_count]
    counts += [n for post in profile.posts for n in (post.likes, post.reposts, post.replies)]
    assert all(count is None or count >= 0 for count in counts)
    moments = [profile.created_at, *(post.created_at for post in profile.posts)]
    assert all(moment is None or moment.utcoffset() is not None for moment in moments)


async def test_people_who_are_gone_are_left_out(case: SourceCase) -> None:
    profiles = await case.source.fetch([case.gone, case.person])
    assert [profile.platform_id for profile in profiles] == [case.person]
    assert list(await case.source.fetch([case.gone])) == []
    assert list(await case.source.fetch([])) == []


async def test_a_full_batch_comes_back_without_doubles(case: SourceCase) -> None:
    people = [person for page in await walk(case, case.paged) for person in page]
    batch = people[: case.source.batch_size]
    profiles = await case.source.fetch(batch)
    ids = [profile.platform_id for profile in profiles]
    assert len(ids) == len(set(ids))
    assert set(ids) <= set(batch)
    assert len(ids) >= len(batch) * 0.9
    for profile in profiles:
        _check_values(profile)


async def test_what_did_not_change_reads_the_same(case: SourceCase) -> None:
    assert await case.source.fetch([case.person]) == await case.source.fetch([case.person])


async def test_a_seed_that_means_nothing_is_rejected_with_the_field(case: SourceCase) -> None:
    platform = case.source.platform
    with pytest.raises(Rejected) as caught:
        await case.source.expand(Seed(platform, "no-such-seed", "x"), None)
    assert caught.value.field == "seed_type"
    for seed in (case.unknown, Seed(platform, case.unknown.type, "")):
        with pytest.raises(Rejected) as caught:
            await case.source.expand(seed, None)
        assert caught.value.field == "seed_value"
        assert str(caught.value)
