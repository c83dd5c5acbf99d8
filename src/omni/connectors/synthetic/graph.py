"""Who follows whom: a skewed graph that is computed, not stored, in both directions.

Person `j` follows one person for each edge number `k` below `j`'s own out-degree. Even edges stay
among people of the same topic, odd ones go anywhere. For an edge, `j` is shuffled by a ring that
can be undone to a place `u` of `n`, and the followed person is the one of rank `u*u // n`: low
ranks collect about `sqrt(n)` followers an edge, high ranks less than one. Since every step can be
undone, the followers of a person are found without looking at anybody else.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import gcd, isqrt

from omni.connectors.synthetic.dice import Dice, mix
from omni.connectors.synthetic.lexicon import lexicon

EDGES = 24
"""The most people that one person follows."""
_LEAST_EDGES = 4
_SCAN = 5_000
"""The most places that one page of followers looks at."""


@dataclass(frozen=True, slots=True)
class Ring:
    """A shuffle of 0 … size-1 that can be undone: x → (factor·x + shift) mod size."""

    size: int
    factor: int
    inverse: int
    shift: int

    @classmethod
    def roll(cls, size: int, dice: Dice) -> Ring:
        """Return a random ring of `size` places."""
        factor = dice.below(size) or 1
        while gcd(factor, size) != 1:
            factor = factor % size + 1
        return cls(size, factor, pow(factor, -1, size), dice.below(size))

    def at(self, x: int) -> int:
        """Return where `x` goes."""
        return (self.factor * x + self.shift) % self.size

    def back(self, y: int) -> int:
        """Return what goes to `y`."""
        return (y - self.shift) * self.inverse % self.size


@dataclass(frozen=True, slots=True)
class Group:
    """Places of the world that belong together: those whose number mod `period` is in `slots`."""

    size: int
    period: int
    slots: tuple[int, ...]

    @classmethod
    def of(cls, people: int, period: int, slots: tuple[int, ...]) -> Group:
        """Return the group of the places below `people`."""
        full, rest = divmod(people, period)
        return cls(full * len(slots) + bisect_left(slots, rest), period, slots)

    def place(self, index: int) -> int:
        """Return the place of the member `index`."""
        block, slot = divmod(index, len(self.slots))
        return block * self.period + self.slots[slot]

    def index(self, place: int) -> int:
        """Return which member stands at `place`, which must be one of the group's."""
        block, slot = divmod(place, self.period)
        return block * len(self.slots) + bisect_left(self.slots, slot)


class Graph:
    """Topics and edges of a world of `people`, in constant memory."""

    def __init__(self, people: int, seed: int) -> None:
        self.people = people
        self._seed = mix(seed & ((1 << 64) - 1))
        self._places = Ring.roll(people, Dice(seed, "places"))
        self._everyone = Group.of(people, 1, (0,))
        self._topics, self._wheel = _topic_groups(people)
        groups = (*self._topics, self._everyone)
        self._ranks = [Ring.roll(max(g.size, 1), Dice(seed, "r", n)) for n, g in enumerate(groups)]
        self._edges = [
            [Ring.roll(max(g.size, 1), Dice(seed, "e", n, k)) for k in range(EDGES)]
            for n, g in enumerate(groups)
        ]

    def topic_of(self, person: int) -> int:
        """Return the number of the person's topic, in the lexicon's order."""
        return self._wheel[self._places.at(person) % len(self._wheel)]

    def topic_size(self, topic: int) -> int:
        """Return how many people are about `topic`."""
        return self._topics[topic].size

    def member(self, topic: int, index: int) -> int:
        """Return the person who is the topic's member `index`."""
        return self._places.back(self._topics[topic].place(index))

    def standing(self, person: int) -> float:
        """Return the person's rank among everyone, 0 for the most followed up to almost 1."""
        return self._ranks[-1].back(self._places.at(person)) / self.people

    def follows(self, person: int) -> tuple[int, ...]:
        """Return whom the person follows: at most `EDGES` people, each once, never themselves."""
        place, topic = self._places.at(person), self.topic_of(person)
        targets = dict.fromkeys(
            self._target(place, topic, k) for k in range(self._out_degree(person))
        )
        targets.pop(place, None)
        return tuple(map(self._places.back, targets))

    def followers(self, person: int, start: int, limit: int) -> tuple[list[int], int | None]:
        """Return up to `limit` followers from position `start` of the list.

        Returns:
            The followers, and the position where the next page begins, None at the end. A page
            may be short, even empty, before the end: one call looks at a bounded part of the list.
        """
        place, topic = self._places.at(person), self.topic_of(person)
        found: list[int] = []
        passed, looked = 0, 0
        for k in range(EDGES):
            low, high = self._span(place, topic, k)
            for u in range(low + max(0, start - passed), high):
                if len(found) == limit or looked == _SCAN:
                    return found, passed + u - low
                looked += 1
                follower = self._source(u, topic, k)
                if self._is_first_edge(follower, place, k):
                    found.append(self._places.back(follower))
            passed += high - low
        return found, None

    def followers_estimate(self, person: int) -> int:
        """Return about how many followers `followers` lists, without listing them."""
        place, topic = self._places.at(person), self.topic_of(person)
        spans = (self._span(place, topic, k) for k in range(EDGES))
        total = sum(high - low for low, high in spans)
        return round(total * (EDGES + _LEAST_EDGES) / 2 / EDGES)

    def _out_degree(self, person: int) -> int:
        return _LEAST_EDGES + mix(self._seed ^ person * 2 + 1) % (EDGES - _LEAST_EDGES + 1)

    def _group(self, topic: int, k: int) -> tuple[Group, Ring, Ring]:
        number = topic if k % 2 == 0 else len(self._topics)
        group = self._everyone if k % 2 else self._topics[topic]
        return group, self._ranks[number], self._edges[number][k]

    def _target(self, place: int, topic: int, k: int) -> int:
        group, ranks, edges = self._group(topic, k)
        u = edges.at(group.index(place))
        return group.place(ranks.at(u * u // group.size))

    def _span(self, place: int, topic: int, k: int) -> tuple[int, int]:
        """Return the range of `u` whose rank `u*u // n` is that of `place`."""
        group, ranks, _ = self._group(topic, k)
        rank = ranks.back(group.index(place))
        return _root_up(rank * group.size), min(_root_up((rank + 1) * group.size), group.size)

    def _source(self, u: int, topic: int, k: int) -> int:
        group, _, edges = self._group(topic, k)
        return group.place(edges.back(u))

    def _is_first_edge(self, follower: int, place: int, k: int) -> bool:
        """Tell whether edge `k` exists, and is the first by which `follower` reaches `place`."""
        person = self._places.back(follower)
        if follower == place or k >= self._out_degree(person):
            return False
        topic = self._wheel[follower % len(self._wheel)]
        return all(self._target(follower, topic, earlier) != place for earlier in range(k))


def _root_up(value: int) -> int:
    """Return the least whole number whose square is at least `value`."""
    return isqrt(value - 1) + 1 if value > 0 else 0


def _topic_groups(people: int) -> tuple[list[Group], list[int]]:
    """Spread the topics over the wheel, so that even a small world has most of them."""
    shares = [topic.share for topic in lexicon().topics.values()]
    order = sorted(
        ((turn + 0.5) / share, number)
        for number, share in enumerate(shares)
        for turn in range(share)
    )
    wheel = [number for _, number in order]
    slots = [tuple(s for s, owner in enumerate(wheel) if owner == n) for n in range(len(shares))]
    return [Group.of(people, len(wheel), each) for each in slots], wheel
