"""The words that the synthetic people are made of, read once from `lexicon.json`."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

import msgspec


class Topic(msgspec.Struct, frozen=True):
    """What a person is about.

    Attributes:
        share: How many of the 64 places of the world's wheel it takes.
        en: And so on for each language: trade, plain name of the topic, four things.
    """

    share: int
    emoji: str
    tag: str
    en: tuple[str, ...]
    de: tuple[str, ...]
    fr: tuple[str, ...]
    es: tuple[str, ...]
    pt: tuple[str, ...]

    def words(self, language: str) -> tuple[str, ...]:
        """Return trade, plain name and four things in `language`."""
        return {"de": self.de, "fr": self.fr, "es": self.es, "pt": self.pt}.get(language, self.en)


class Language(msgspec.Struct, frozen=True):
    """How people of one language are called, where they live and what they write."""

    share: int
    first: tuple[str, ...]
    last: tuple[str, ...]
    towns: tuple[tuple[str, str, str], ...]
    bios: tuple[str, ...]
    posts: tuple[str, ...]
    empty: str


class Lexicon(msgspec.Struct, frozen=True):
    """All of it; the order of the topics and languages is part of the world."""

    topics: dict[str, Topic]
    languages: dict[str, Language]
    replies: dict[str, dict[str, tuple[str, ...]]]
    hostile: tuple[str, ...]


@cache
def lexicon() -> Lexicon:
    """Return the words; the file is read at the first call."""
    data = (resources.files("omni.connectors.synthetic") / "lexicon.json").read_bytes()
    return msgspec.json.decode(data, type=Lexicon)


def plain(text: str) -> str:
    """Return `text` in lower case and without accents, for comparing."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def tokens(text: str) -> frozenset[str]:
    """Return the plain words of `text`, those of two characters and more."""
    return frozenset(re.findall(r"\w{2,}", plain(text)))


@cache
def topic_tokens() -> tuple[frozenset[str], ...]:
    """Return for each topic, in order, the words in any language that a search knows it by."""
    known: list[frozenset[str]] = []
    for name, topic in lexicon().topics.items():
        words = [word for code in lexicon().languages for word in topic.words(code)]
        known.append(tokens(" ".join((name, topic.tag, *words))))
    return tuple(known)
