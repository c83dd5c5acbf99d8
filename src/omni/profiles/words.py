"""Hashtags and telling words of a person's texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources

from omni.profiles.urls import without_urls

MAX_HASHTAGS = 50
MAX_KEYWORDS = 20
_HASHTAG = re.compile(r"(?<![\w&/#])[#＃](\w{2,64})")
_MENTION = re.compile(r"(?<!\w)@[\w.@-]+")
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_SHORTEST, _LONGEST = 3, 40
_BIO_WEIGHT = 2
"""A word of the bio counts as much as two of the posts: it was chosen to describe the person."""


def hashtags_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the hashtags of the texts in lower case, the commonest first, then by alphabet."""
    found = Counter(tag.lower() for text in texts for tag in _HASHTAG.findall(text))
    tags = (tag for tag in _by_count(found) if not tag.isdigit())
    return tuple(tags)[:MAX_HASHTAGS]


def keywords_of(bio: str, posts: Sequence[str]) -> tuple[str, ...]:
    """Return the commonest telling words of bio and posts in lower case, at most 20.

    Words under three letters, stop words of seven languages, names of people who are mentioned and
    links tell nothing. Of equally common words the alphabet's first come first.
    """
    found: Counter[str] = Counter()
    for text, weight in ((bio, _BIO_WEIGHT), *((post, 1) for post in posts)):
        for word in _words(text):
            found[word] += weight
    return tuple(_by_count(found))[:MAX_KEYWORDS]


def _words(text: str) -> list[str]:
    plain = _MENTION.sub(" ", without_urls(text)).lower().replace("’", "'")
    return [
        word
        for word in _WORD.findall(plain)
        if _SHORTEST <= len(word) <= _LONGEST and word not in _stop_words()
    ]


def _by_count(found: Counter[str]) -> list[str]:
    return sorted(found, key=lambda word: (-found[word], word))


@cache
def _stop_words() -> frozenset[str]:
    text = (resources.files("omni.profiles") / "stopwords.txt").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())
