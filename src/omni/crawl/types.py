"""What a crawl has to do next, and the steps that it has taken: its log, from which it resumes."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from omni.connectors.types import RawProfile, Seed


@dataclass(frozen=True, slots=True)
class Page:
    """A page of people that is to be read.

    Attributes:
        depth: 0 for the seed's own pages, 1 for those of the people found there, and so on.
        cursor: None for the first page of `seed`.
        number: The how-manieth page it is that this crawl has heard of, from 0.
        listed: How many people the pages before it in the same list held.
        barren: How many pages in a row before it in the same list held nobody new.
    """

    seed: Seed
    depth: int
    cursor: str | None = None
    number: int = 0
    listed: int = 0
    barren: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """People that are to be fetched with one call; all were met at the same depth.

    Attributes:
        numbers: The how-manieth each one is whom this crawl has met, from 0; in the same order.
    """

    platform_ids: tuple[str, ...]
    depth: int
    numbers: tuple[int, ...] = ()


Errand = Page | Batch
"""One bounded call to a source."""


class Begun(msgspec.Struct, frozen=True, array_like=True, tag="b"):
    """A run of the crawl's job began. It is the fence: a run before it can write no more steps."""


class PageRead(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """A page was read.

    Attributes:
        page: Its number.
        met: Those on it who were not met before and fit into the bounds, in order.
        cursor: Where its list goes on, if the crawl follows it.
        listed: People on the list up to the end of this page.
        barren: Pages in a row, this one included, with nobody new.
        unfit: Ids on it that no platform gives: empty, or longer than an id can be.
        cut: Why the list is not followed although it goes on: `loop`, `endless`, `huge cursor`.
    """

    page: int
    met: tuple[str, ...] = ()
    cursor: str | None = None
    listed: int = 0
    barren: int = 0
    unfit: int = 0
    cut: str = ""


class PeopleFound(msgspec.Struct, frozen=True, array_like=True, tag="f"):
    """People were looked at.

    Attributes:
        numbers: Who was asked for.
        kept: Who came and may be kept, in the order of the answer.
        followed: To the followers of how many of `kept`, from the first, the crawl will go.
        hidden: How many came and ask not to be found.
    """

    numbers: tuple[int, ...]
    kept: tuple[int, ...]
    followed: int = 0
    hidden: int = 0


class CallFailed(msgspec.Struct, frozen=True, array_like=True, tag="x"):
    """A call came to nothing.

    Attributes:
        page: The page that was to be read, or None.
        numbers: The people who were to be fetched, if it was no page.
        error: What was raised: `transient`, `rejected`, `not_found`, … or `unexpected`.
        kind: What the failure is counted as; says more than `error` where more is known.
        message: One line.
    """

    page: int | None
    numbers: tuple[int, ...]
    error: str
    kind: str
    message: str


class SecondRound(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """Everything else was done: what met a passing fault is tried once more."""


Step = Begun | PageRead | PeopleFound | CallFailed | SecondRound
"""What changes the state of a frontier: the same steps in the same order lead to the same state."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One entry of a crawl's log: the steps that were written in one transaction.

    Attributes:
        seconds: Spent since the entry before, or since the run began.
        requests: Sent in that time, and `bytes` of answers read.
        wrote: What became of the people of these steps, by name, as they were taken in.
    """

    steps: tuple[Step, ...]
    seconds: float = 0.0
    requests: int = 0
    bytes: int = 0
    wrote: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Haul:
    """People to be written or let go, together with the entry of the steps that brought them.

    Attributes:
        profiles: Everybody who came, those who ask not to be found among them.
    """

    profiles: tuple[RawProfile, ...]
    entry: Entry


@dataclass(frozen=True, slots=True)
class Spent:
    """What a crawl has cost, over all its runs."""

    seconds: float = 0.0
    requests: int = 0
    bytes: int = 0
