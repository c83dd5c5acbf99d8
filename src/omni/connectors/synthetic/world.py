"""The synthetic people: each one is a pure function of (seed, number), so a million cost nothing.

Time in the world: accounts and posts lie on fixed moments of the calendar, and the world shows what
lies before `now`. A later `now` shows the same people with a few more posts, as a real network
does; with the same `now`, everything is the same to the byte. The server passes the midnight before
it started, so that nothing moves while it runs and "last post" stays plausible in any year.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from omni.connectors.synthetic.dice import Dice
from omni.connectors.synthetic.graph import Graph
from omni.connectors.synthetic.lexicon import (
    Language,
    Topic,
    lexicon,
    plain,
    tokens,
    topic_tokens,
)

MAX_PEOPLE = 10_000_000
POSTS_SHOWN = 8
_DAY = timedelta(days=1)
_FIRST_ACCOUNTS = datetime(2012, 1, 1, tzinfo=UTC)
_SCAN = 300
"""The most people that one page of a search looks at."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LONG = "I never stop talking about my work. "


@dataclass(frozen=True, slots=True)
class Post:
    """A public post."""

    text: str
    created_at: datetime
    likes: int
    reposts: int
    replies: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist.

    Attributes:
        number: Their place in the world; the immutable id is made of it.
        followers: What the counter shows. As on federated networks it counts more people than
            the list of followers names.
        pictures: How many images they show, the avatar first.
        days_between_posts: None for somebody who never posts.
        charm: Likes of a typical post, as a share of the followers.
    """

    number: int
    username: str
    display_name: str
    bio: str
    language: str
    topic: str
    created_at: datetime
    followers: int
    follows: int
    is_bot: bool
    accepts_messages: bool
    discoverable: bool
    pictures: int
    links: tuple[str, ...]
    days_between_posts: float | None
    charm: float

    @property
    def id(self) -> str:
        """The immutable id."""
        return person_id(self.number)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of people, and where the next one begins (None at the end)."""

    numbers: tuple[int, ...]
    next: int | None


def person_id(number: int) -> str:
    """Return the immutable id of the person `number`."""
    return f"syn:{number}"


class World:
    """Everybody, computed when asked for."""

    def __init__(self, people: int, seed: int, now: datetime) -> None:
        if not 1 <= people <= MAX_PEOPLE:
            raise ValueError(f"a world has 1 to {MAX_PEOPLE} people, not {people}")
        self.people, self.seed, self.now = people, seed, now
        self._graph = Graph(people, seed)
        self._topics = tuple(lexicon().topics.items())
        self.person = lru_cache(maxsize=4_096)(self._person)

    def number_of(self, name: str) -> int | None:
        """Return the number behind an id or a username, None if nobody has it."""
        text = name.removeprefix("syn:") if name.startswith("syn:") else None
        if text is not None:
            known = text.isascii() and text.isdigit() and len(text) < 12
            number = int(text) if known else self.people
        else:
            number = _from_base36(name.rpartition(".")[2])
        if not 0 <= number < self.people:
            return None
        return number if text is not None or self.person(number).username == name else None

    def posts(self, number: int, limit: int = POSTS_SHOWN) -> tuple[Post, ...]:
        """Return the person's latest posts, newest first."""
        person = self.person(number)
        last = self.posts_count(number)
        return tuple(self._post(person, index) for index in range(last, max(0, last - limit), -1))

    def posts_count(self, number: int) -> int:
        """Return how many posts the person has written."""
        person = self.person(number)
        if person.days_between_posts is None or person.created_at > self.now:
            return 0
        slots = int((self.now - person.created_at) / _DAY / person.days_between_posts)
        return slots + (self._post_time(person, slots + 1) <= self.now)

    def follows(self, number: int, start: int, limit: int) -> Found:
        """Return one page of the people whom the person follows."""
        everyone = self._graph.follows(number)
        end = start + limit
        return Found(everyone[start:end], end if end < len(everyone) else None)

    def followers(self, number: int, start: int, limit: int) -> Found:
        """Return one page of the person's followers; it may be short before the end."""
        numbers, after = self._graph.followers(number, start, limit)
        return Found(tuple(numbers), after)

    def search(self, query: str, start: int, limit: int) -> Found:
        """Return one page of the people who match every word; it may be empty before the end.

        A word matches what a person writes, and what their topic is called in any language.
        """
        wanted = tokens(query)
        if not wanted:
            return Found((), None)
        found: list[int] = []
        position = start
        for number in self._candidates(wanted, start):
            if len(found) == limit or position - start == _SCAN:
                return Found(tuple(found), position)
            position += 1
            if wanted <= self._haystack(number):
                found.append(number)
        return Found(tuple(found), None)

    def tagged(self, tag: str, start: int, limit: int) -> Found:
        """Return one page of the people whose latest posts bear the hashtag."""
        page = self.search(tag, start, limit)
        mark = "#" + tag.removeprefix("#").casefold()
        bearing = (n for n in page.numbers if any(mark in p.text.casefold() for p in self.posts(n)))
        return Found(tuple(bearing), page.next)

    def _candidates(self, wanted: frozenset[str], start: int) -> Iterator[int]:
        """Yield whom a search must look at, from position `start` of a fixed order."""
        topics = [n for n, known in enumerate(topic_tokens()) if wanted & known]
        if not topics:
            yield from range(start, self.people)
        for topic in topics:
            size = self._graph.topic_size(topic)
            for index in range(min(start, size), size):
                yield self._graph.member(topic, index)
            start = max(0, start - size)

    def _haystack(self, number: int) -> frozenset[str]:
        person = self.person(number)
        written = (post.text for post in self.posts(number))
        text = " ".join((person.username, person.display_name, person.bio[:2_000], *written))
        return tokens(text) | topic_tokens()[self._graph.topic_of(number)]

    def _person(self, number: int) -> Person:
        dice = Dice(self.seed, "person", number)
        code = _weighted(dice, [(c, spoken.share) for c, spoken in lexicon().languages.items()])
        spoken = lexicon().languages[code]
        name, topic = self._topics[self._graph.topic_of(number)]
        first, last, town = dice.pick(spoken.first), dice.pick(spoken.last), dice.pick(spoken.towns)
        is_bot = dice.chance(0.03)
        days = _days_between_posts(dice)
        standing = self._graph.standing(number)
        audience = 60 * (standing + 0.0005) ** -1.2 * 10 ** dice.between(-0.6, 0.6)
        username = f"{_slug(first)}.{_slug(topic.words(code)[1])}.{_base36(number)}"
        return Person(
            number=number,
            username=username,
            display_name=_display_name(dice, first, last, topic),
            bio=_bot_bio(topic) if is_bot else _bio(dice, spoken, topic, code, town),
            language=code,
            topic=name,
            created_at=_FIRST_ACCOUNTS + timedelta(seconds=dice.below(4_500 * 86_400)),
            followers=max(int(audience), self._graph.followers_estimate(number)),
            follows=len(self._graph.follows(number)) + dice.below(600),
            is_bot=is_bot,
            accepts_messages=not is_bot and not dice.chance(0.12),
            discoverable=not dice.chance(0.04),
            pictures=0 if dice.chance(0.15) else 1 + dice.chance(0.2) + dice.chance(0.1),
            links=(f"https://{username}.example/",) if dice.chance(0.35) else (),
            days_between_posts=days / 20 if is_bot and days else days,
            charm=10 ** dice.between(-2.5, -0.8),
        )

    def _post_time(self, person: Person, index: int) -> datetime:
        """Return when post `index` (the first is 1) was written: somewhere in its own slot."""
        assert person.days_between_posts is not None
        within = Dice(self.seed, "time", person.number, index).unit()
        moment = person.created_at + _DAY * person.days_between_posts * (index - 1 + within)
        return moment.replace(microsecond=0)

    def _post(self, person: Person, index: int) -> Post:
        dice = Dice(self.seed, "post", person.number, index)
        spoken, topic = lexicon().languages[person.language], lexicon().topics[person.topic]
        things = dice.sample(topic.words(person.language)[2:], 3)
        town = dice.pick(spoken.towns)[0]
        text = _fill(dice.pick(spoken.posts), topic.words(person.language)[0], things, (town, ""))
        text += f" #{topic.tag}" if dice.chance(0.5) else ""
        text += f" https://{_slug(person.topic)}.example/{index}" if dice.chance(0.15) else ""
        likes = int(person.followers * person.charm * dice.between(0, 2))
        return Post(
            text=f"{text} {topic.emoji}" if dice.chance(0.2) else text,
            created_at=self._post_time(person, index),
            likes=likes,
            reposts=int(likes * dice.between(0, 0.3)),
            replies=int(likes * dice.between(0, 0.2)),
        )


def _weighted(dice: Dice, shares: Sequence[tuple[str, int]]) -> str:
    point = dice.below(sum(share for _, share in shares))
    for name, share in shares:
        point -= share
        if point < 0:
            return name
    raise AssertionError("the shares add up")


def _days_between_posts(dice: Dice) -> float | None:
    """Return how eagerly somebody posts: daily, weekly, monthly, hardly, never."""
    kind = dice.unit()
    if kind < 0.08:
        return None
    for limit, low, high in ((0.28, 0.3, 1.0), (0.68, 2.0, 7.0), (0.9, 10.0, 40.0)):
        if kind < limit:
            return dice.between(low, high)
    return dice.between(150, 500)


def _display_name(dice: Dice, first: str, last: str, topic: Topic) -> str:
    if dice.chance(0.05):
        return ""
    return f"{first} {last}" + (f" {topic.emoji}" if dice.chance(0.2) else "")


def _bio(dice: Dice, spoken: Language, topic: Topic, code: str, town: tuple[str, str, str]) -> str:
    """Return words about oneself: most are plain, some empty, a few hostile."""
    kind = dice.unit()
    if kind < 0.06:
        return ""
    if kind < 0.09:
        return spoken.empty
    if kind < 0.11:
        hostile = dice.pick(lexicon().hostile)
        return _LONG * 1_000 if hostile == "LONG" else f"{topic.words(code)[0]}. {hostile}"
    things = dice.sample(topic.words(code)[2:], 3)
    bio = _fill(dice.pick(spoken.bios), topic.words(code)[0], things, (town[0], town[2]))
    bio += f" {_flag(town[1])}" if dice.chance(0.35) else ""
    bio += f" {topic.emoji}" if dice.chance(0.3) else ""
    return bio + (f" #{topic.tag}" if dice.chance(0.25) else "")


def _bot_bio(topic: Topic) -> str:
    return f"I am a bot 🤖 that posts the day's news about {topic.en[1]}. Automated account."


def _fill(pattern: str, trade: str, things: tuple[str, ...], where: tuple[str, str]) -> str:
    a, b, c = things
    return pattern.format(
        trade=trade, Trade=_upper(trade), a=a, A=_upper(a), b=b, c=c, town=where[0],
        country=where[1],
    )  # fmt: skip


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _flag(country: str) -> str:
    return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in country)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", plain(text)).strip("-")


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if number == 0:
            return digits


def _from_base36(text: str) -> int:
    """Return the number, or -1 where `text` is not one."""
    return int(text, 36) if re.fullmatch(r"[0-9a-z]{1,8}", text) else -1
