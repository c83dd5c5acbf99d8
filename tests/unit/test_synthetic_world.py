"""The synthetic world: deterministic, skewed, consistent in both directions, cheap at any size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image

from omni.connectors.synthetic.avatar import identicon
from omni.connectors.synthetic.graph import Graph
from omni.connectors.synthetic.lexicon import lexicon, tokens
from omni.connectors.synthetic.replies import reply_of
from omni.connectors.synthetic.world import Found, World, person_id

NOW = datetime(2025, 11, 22, tzinfo=UTC)


def whole(page: Callable[[int, int], Found], limit: int) -> list[int]:
    """Read all pages."""
    found: list[int] = []
    start: int | None = 0
    while start is not None:
        part = page(start, limit)
        assert len(part.numbers) <= limit
        found += part.numbers
        start = part.next
    return found


def test_same_seed_and_size_same_people() -> None:
    one, two = World(400, 7, NOW), World(400, 7, NOW)
    other = World(400, 8, NOW)
    for number in (0, 17, 399):
        assert one.person(number) == two.person(number)
        assert one.posts(number) == two.posts(number)
        assert one.follows(number, 0, 50) == two.follows(number, 0, 50)
    assert [one.person(n) for n in range(50)] != [other.person(n) for n in range(50)]


def test_the_world_does_not_change_by_accident() -> None:
    # People's data directories hold what this world said: it may change only on purpose.
    person = World(400, 7, NOW).person(3)
    assert (person.username, person.language, person.topic) == (
        "lucas.ceramique.3", "fr", "ceramics",
    )  # fmt: skip


def test_a_later_moment_only_adds_posts() -> None:
    early, late = World(400, 7, NOW), World(400, 7, NOW + timedelta(days=3))
    new = 0
    for number in range(400):
        assert early.person(number) == late.person(number)
        before, after = early.posts(number), late.posts(number, 1_000)
        assert all(post in after for post in before)
        assert all(post.created_at <= NOW for post in before)
        grown = late.posts_count(number) - early.posts_count(number)
        assert grown == sum(post.created_at > NOW for post in after)
        new += grown
    assert new > 100


@pytest.mark.parametrize("people", [1, 2, 5, 64, 300])
def test_followers_and_follows_are_the_same_edges(people: int) -> None:
    world = World(people, 7, NOW)
    follows = {n: set(world.follows(n, 0, 100).numbers) for n in range(people)}
    for number in range(people):
        listed = whole(lambda start, limit, n=number: world.followers(n, start, limit), 7)
        assert len(listed) == len(set(listed))
        assert set(listed) == {n for n in range(people) if number in follows[n]}
        assert number not in listed


def test_a_few_are_followed_by_many() -> None:
    graph = Graph(2_000, 7)
    followed = Counter(target for n in range(2_000) for target in graph.follows(n))
    counts = sorted(followed.values(), reverse=True)
    assert sum(counts[:100]) > 0.15 * sum(counts)
    assert counts[0] > 20 * counts[len(counts) // 2]


def test_people_follow_their_own_kind() -> None:
    graph = Graph(2_000, 7)
    edges = [(n, target) for n in range(2_000) for target in graph.follows(n)]
    same = sum(graph.topic_of(a) == graph.topic_of(b) for a, b in edges)
    assert same > 0.4 * len(edges)


def test_search_finds_exactly_those_who_match() -> None:
    world = World(400, 7, NOW)
    found = whole(lambda start, limit: world.search("pottery", start, limit), 9)
    about = [n for n in range(400) if world.person(n).topic == "ceramics"]
    assert sorted(found) == about
    both = whole(lambda start, limit: world.search("pottery Lyon", start, limit), 9)
    assert set(both) < set(about)
    for number in both:
        written = [world.person(number).bio, *(post.text for post in world.posts(number))]
        assert "lyon" in tokens(" ".join(written))
    somewhere = whole(lambda start, limit: world.search("Wellington", start, limit), 50)
    assert len({world.person(n).topic for n in somewhere}) > 1
    assert whole(lambda start, limit: world.search("?!", start, limit), 9) == []


def test_hashtags_find_those_who_use_them() -> None:
    world = World(400, 7, NOW)
    found = whole(lambda start, limit: world.tagged("#Sourdough", start, limit), 9)
    using = [n for n in range(400) if any("#sourdough" in p.text for p in world.posts(n))]
    assert sorted(found) == using != []


def test_names_lead_back_to_their_people() -> None:
    world = World(400, 7, NOW)
    for number in range(400):
        assert world.number_of(person_id(number)) == number
        assert world.number_of(world.person(number).username) == number
    for nobody in ("", "syn:", "syn:400", "syn:-1", "syn:٣", "syn:9" * 20, "a.b.0", ".", "\x00"):
        assert world.number_of(nobody) is None


def test_all_kinds_of_people_are_there() -> None:
    world = World(2_000, 7, NOW)
    people = [world.person(n) for n in range(2_000)]
    assert {p.language for p in people} == set(lexicon().languages)
    assert {p.topic for p in people} == set(lexicon().topics)
    for share in (
        sum(p.is_bot for p in people),
        sum(not p.bio for p in people),
        sum(not p.discoverable for p in people),
        sum(not p.pictures for p in people),
        sum(not world.posts(p.number) for p in people),
        sum("DROP TABLE" in p.bio or "gnore all" in p.bio or "<script>" in p.bio for p in people),
    ):
        assert 5 <= share <= 400
    assert 1_500 < sum(p.accepts_messages for p in people) < 1_950
    assert any("🇫🇷" in p.bio for p in people)
    assert any("\x00" in p.bio for p in people)
    followers = sorted(p.followers for p in people)
    assert followers[0] < 100
    assert followers[-1] > 20_000


def test_a_million_people_cost_nothing_up_front() -> None:
    world = World(1_000_000, 7, NOW)
    assert world.person(999_999).id == "syn:999999"
    star = max(range(500), key=lambda n: world.person(n).followers)
    page = world.followers(star, 0, 100)
    assert len(page.numbers) <= 100
    assert all(star in world.follows(n, 0, 100).numbers for n in page.numbers[:20])


def test_replies_follow_from_the_person_and_what_was_written() -> None:
    world = World(1_000, 7, NOW)
    people = [world.person(n) for n in range(1_000)]
    cold = [reply_of(p, "Hello! Would you like to talk?", 7) for p in people]
    assert cold == [reply_of(p, "Hello! Would you like to talk?", 7) for p in people]
    warm = [reply_of(p, f"Hello! I love your {p.topic} work", 7) for p in people]
    moods = Counter(reply.mood for reply in cold if reply)
    assert set(moods) == {"interested", "not_interested", "out_of_office", "opt_out"}
    assert sum(r.mood == "interested" for r in warm if r) > 1.3 * moods["interested"]
    assert all(reply is None for p, reply in zip(people, cold, strict=True) if p.is_bot)


def test_interest_can_be_foreseen_from_what_is_visible() -> None:
    person = World(400, 7, NOW).person(3)
    keen = replace(person, days_between_posts=1.0, charm=0.1, followers=50, links=("x",), bio="")
    cool = replace(person, days_between_posts=None, charm=0.001, followers=90_000, links=())

    def interested(kind: object) -> int:
        assert isinstance(kind, type(person))
        answers = (reply_of(replace(kind, number=n), "hi", 7) for n in range(600))
        return sum(a.mood == "interested" for a in answers if a)

    assert interested(keen) > 4 * interested(cool)


def test_pictures_are_small_pngs_that_differ() -> None:
    one = identicon(7, 1, 0)
    assert one == identicon(7, 1, 0)
    assert one != identicon(7, 2, 0)
    with Image.open(BytesIO(one)) as image:
        assert (image.format, image.size) == ("PNG", (120, 120))
    assert len(one) < 2_000


def test_a_world_has_a_size() -> None:
    with pytest.raises(ValueError, match="people"):
        World(0, 7, NOW)
