"""What every `ProfileSource` owes the crawler; `sources.py` says how to add one."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import msgspec
import pytest

from omni.base.errors import Rejected, Transient
from omni.connectors.types import RawProfile, Seed
from omni.profiles.payload import content_hash, tidy
from tests.conformance.sources import MakeCase, SourceCase, source_params

MAX_PAGES = 50
MAX_PAGE = 1_000
MAX_POSTS = 100
MAX_TEXT = 100_000
MAX_BYTES = 1_000_000
SKEW = timedelta(days=1)
LACKING = ("hidden", "odd", "down")


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


async def test_a_page_is_bounded_and_names_nobody_twice(case: SourceCase) -> None:
    for seed in (*case.seeds.values(), case.paged):
        page = await case.source.expand(seed, None)
        assert len(page.platform_ids) <= MAX_PAGE
        assert len(page.platform_ids) == len(set(page.platform_ids))
        assert all(name and name == name.strip() for name in page.platform_ids)


async def test_a_profile_is_whole(case: SourceCase) -> None:
    (profile,) = await case.source.fetch([case.person])
    assert profile.platform == case.source.platform
    assert profile.platform_id == case.person
    assert profile.username
    assert profile.bio
    assert bool(profile.posts) != ("posts" in case.lacks)
    assert profile.discoverable
    assert all(post.text or post.text == "" for post in profile.posts)
    assert 1 <= len(profile.image_urls) <= 3
    _check_values(profile)


def _check_values(profile: RawProfile) -> None:
    counts = [profile.followers, profile.follows, profile.posts_count]
    counts += [n for post in profile.posts for n in (post.likes, post.reposts, post.replies)]
    assert all(count is None or count >= 0 for count in counts)
    latest = datetime.now(UTC) + SKEW
    for moment in (profile.created_at, *(post.created_at for post in profile.posts)):
        assert moment is None or (moment.utcoffset() is not None and moment <= latest)
    assert len(profile.image_urls) <= 3
    assert len(set(profile.image_urls)) == len(profile.image_urls)
    assert all(_is_absolute(url) for url in (*profile.image_urls, *profile.links))
    _check_sizes(profile)


def _is_absolute(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _check_sizes(profile: RawProfile) -> None:
    texts = (profile.username, profile.display_name, profile.bio, *(p.text for p in profile.posts))
    assert all(len(text or "") <= MAX_TEXT for text in texts)
    assert len(profile.posts) <= MAX_POSTS
    assert len(msgspec.json.encode(profile)) <= MAX_BYTES


async def test_ids_last(case: SourceCase) -> None:
    """What a page calls a person is what their profile calls them, at every reading."""
    page = await case.source.expand(case.paged, None)
    some = page.platform_ids[: min(case.source.batch_size, 20)]
    for _ in range(2):
        for profile in await case.source.fetch(some):
            assert profile.platform_id in some
            tidied = tidy(profile)
            assert tidied
            assert tidied.platform_id == profile.platform_id
    assert await case.source.expand(case.paged, None) == page


async def test_people_who_hide_say_so(case: SourceCase) -> None:
    if case.hidden:
        found = await case.source.fetch([case.hidden, case.person])
        shown = {profile.platform_id: profile.discoverable for profile in found}
        # Left out is hidden, too.
        assert shown.pop(case.hidden, False) is False
        assert shown == {case.person: True}


async def test_control_characters_do_no_harm(case: SourceCase) -> None:
    if case.odd:
        (profile,) = await case.source.fetch([case.odd])
        assert profile.bio
        assert any(unicodedata.category(char) == "Cc" for char in profile.bio)
        tidied = tidy(profile)
        assert tidied
        assert content_hash(tidied)


async def test_a_server_that_is_down_is_passing_trouble(case: SourceCase) -> None:
    if case.down:
        with pytest.raises(Transient):
            await case.down.fetch([case.person])
        with pytest.raises(Transient):
            await case.down.expand(case.paged, None)


async def test_what_a_platform_lacks_has_its_reason(case: SourceCase) -> None:
    missing = {name for name in LACKING if getattr(case, name) is None}
    assert missing == set(case.lacks) - {"posts"}
    assert all(len(reason) > 10 for reason in case.lacks.values())


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


async def test_a_batch_is_bounded_and_doubles_in_it_count_once(case: SourceCase) -> None:
    assert 1 <= case.source.batch_size <= 1_000
    doubled = [case.person] * min(2, case.source.batch_size)
    assert [profile.platform_id for profile in await case.source.fetch(doubled)] == [case.person]
    too_many = [f"{case.gone}{n}" for n in range(case.source.batch_size + 1)]
    with pytest.raises(Rejected):
        await case.source.fetch(too_many)


async def test_what_did_not_change_reads_the_same(case: SourceCase) -> None:
    assert await case.source.fetch([case.person]) == await case.source.fetch([case.person])


async def test_a_seed_that_means_nothing_is_rejected_with_the_field(case: SourceCase) -> None:
    platform = case.source.platform
    with pytest.raises(Rejected) as caught:
        await case.source.expand(Seed(platform, "no-such-seed", "x"), None)
    assert caught.value.field == "seed_type"
    empty = [Seed(platform, name, value) for name in case.seeds for value in ("", " \n")]
    endless = Seed(platform, case.unknown.type, "x" * 100_000)
    for seed in (case.unknown, *empty, endless):
        with pytest.raises(Rejected) as caught:
            await case.source.expand(seed, None)
        assert caught.value.field == "seed_value"
        assert str(caught.value)
