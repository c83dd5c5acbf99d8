"""Which country and place a person names: by a flag, or by a small gazetteer that is kept here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

import msgspec

from omni.profiles.text import plain
from omni.profiles.words import split_words

_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_NATIONS = {"\U000e0067\U000e0062": "GB"}  # England, Scotland and Wales are tagged sequences
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*\.?")
_AFTER_NAME = re.compile(r"[|(\[/,•·@📍🌍🌎🌏](.*)", re.DOTALL)
_LONGEST = 4


class Place(msgspec.Struct, frozen=True):
    """Where somebody says that they are; None is unknown, or two answers that do not agree.

    Attributes:
        country: ISO 3166-1 code.
        place: A city or region, by its English name.
    """

    country: str | None = None
    place: str | None = None


class _Named(msgspec.Struct, frozen=True):
    """A name of the gazetteer as it stands in a text: `begin` and `end` count words.

    Neither city nor region is the country itself.
    """

    country: str
    city: str | None
    region: str | None
    begin: int
    end: int


NOWHERE = Place()


def place_of(text: str, name: str = "") -> Place:
    """Return the country and the place that a person names.

    A single flag decides the country: it is put there on purpose. Else the places that are named
    do, if they lie in one country; of "London, Ontario" the part after the comma decides. What is
    named in several countries, or by several flags alone, is unknown.

    Args:
        text: The person's own words, such as the bio.
        name: The name that they show. Names of people are names of places, too ("Jack London"), so
            that of it only flags count, and what comes after a mark such as `|` or `(`.
    """
    flags = {*flags_in(text), *flags_in(name)}
    after = _AFTER_NAME.search(name)
    named = _names_in(f"{text}\n{after[1]}" if after else text)
    if len(flags) == 1:
        (country,) = flags
        return _place_in(country, named)
    beside = zip(named, (*named[1:], None), strict=False)
    country = _one(name.country for name, next_ in beside if not _is_placed_by(name, next_))
    return NOWHERE if country is None else _place_in(country, named)


def flags_in(text: str) -> list[str]:
    """Return the codes of the flags in a text, in order; those of no country are left out."""
    if text.isascii():
        return []
    codes = [
        "".join(chr(ord(letter) - 0x1F1E6 + ord("A")) for letter in match.group())
        for match in _FLAG.finditer(text)
    ]
    codes += [code for tag, code in _NATIONS.items() if tag in text]
    return [code for code in codes if code in _iso_codes()]


def _one(found: Iterable[str | None]) -> str | None:
    """Return what all agree on, None if nobody says anything or two differ."""
    known = {each for each in found if each is not None}
    return known.pop() if len(known) == 1 else None


def _place_in(country: str, named: Iterable[_Named]) -> Place:
    """Return the one city that is named in a country; without cities, the one region."""
    there = [name for name in named if name.country == country]
    cities = {name.city for name in there if name.city}
    return Place(country, _one(cities or {name.region for name in there}))


def _is_placed_by(name: _Named, following: _Named | None) -> bool:
    """Tell whether what follows at once says where a city is, as in "London, Ontario"."""
    if following is None or following.begin != name.end:
        return False
    return following.city is None and name.city is not None


def _names_in(text: str) -> list[_Named]:
    if _hints().isdisjoint(split_words(plain(text))):
        return []
    words = _WORD.findall(text)
    folded = [word.rstrip(".") for word in plain("\n".join(words)).split("\n")]
    first_words = _first_words()
    found: list[_Named] = []
    end = 0
    for at in [place for place, word in enumerate(folded) if word in first_words]:
        if at >= end and (named := _name_at(words, folded, at, first_words[folded[at]])):
            found.append(named)
            end = named.end
    return found


def _name_at(words: list[str], folded: list[str], begin: int, longest: int) -> _Named | None:
    """Return the longest name that begins with this word, of at most so many words."""
    for end in range(min(begin + longest, len(words)), begin, -1):
        exact, loose = " ".join(words[begin:end]), " ".join(folded[begin:end])
        if known := _exact().get(exact) or _loose().get(loose):
            return _Named(*known, begin, end)
    return None


class _Country(msgspec.Struct):
    """One country of the gazetteer: its own names, and its regions and cities with theirs."""

    names: tuple[str, ...]
    regions: dict[str, tuple[str, ...]]
    cities: dict[str, tuple[str, ...]]


_Names = dict[str, tuple[str, str | None, str | None]]


@cache
def _gazetteer() -> _Names:
    data = (resources.files("omni.profiles") / "places.json").read_bytes()
    names: _Names = {}
    for code, country in msgspec.json.decode(data, type=dict[str, _Country]).items():
        names |= dict.fromkeys(country.names, (code, None, None))
        for region, spellings in country.regions.items():
            names |= dict.fromkeys(spellings, (code, None, region))
        for city, spellings in country.cities.items():
            names |= dict.fromkeys(spellings, (code, city, None))
    return names


@cache
def _exact() -> _Names:
    """Names that are written with capitals because their small form means something else."""
    return {name: known for name, known in _gazetteer().items() if name != name.lower()}


@cache
def _loose() -> _Names:
    """Names that are recognised in any spelling of capitals and accents."""
    return {plain(name): known for name, known in _gazetteer().items() if name == name.lower()}


@cache
def _first_words() -> dict[str, int]:
    """The words that names begin with, and how many words the longest of these names has."""
    longest: dict[str, int] = {}
    for name in (*_exact(), *_loose()):
        word = plain(name.partition(" ")[0]).rstrip(".")
        longest[word] = min(_LONGEST, max(longest.get(word, 0), name.count(" ") + 1))
    return longest


@cache
def _hints() -> frozenset[str]:
    """Words of which a text has at least one if it names anything."""
    return frozenset(split_words(word)[0] for word in _first_words())


@cache
def _iso_codes() -> frozenset[str]:
    """The codes of ISO 3166-1, from which flags are made."""
    return frozenset((resources.files("omni.profiles") / "countries.txt").read_text().split())
