"""Hashtags and telling words of a person's texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources
from unicodedata import category

from omni.profiles.urls import without_urls

MAX_HASHTAGS = 50
MAX_KEYWORDS = 20
# The mark comes first, and what stands before it is looked at afterwards: it is quicker to find.
_HASHTAG = re.compile(r"#(?<![\w&/#].)(\w{2,64})")
_WIDE_HASHTAG = re.compile(r"[#＃](?<![\w&/#].)(\w{2,64})")
_MENTION = re.compile(r"(?<!\w)@[\w.@-]+")
_TAGGED = re.compile(r"[@#＃]\S+")
_SHORTEST, _LONGEST = 3, 40
_BIO_WEIGHT = 2
"""A word of the bio counts as much as two of the posts: it was chosen to describe the person."""


def hashtags_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the hashtags of the texts in lower case, the commonest first, then by alphabet."""
    text = "\n".join(texts)
    found = (_WIDE_HASHTAG if "＃" in text else _HASHTAG).findall(text)
    if not found:
        return ()
    counts: dict[str, int] = {}
    for tag in map(str.lower, found):
        counts[tag] = counts.get(tag, 0) + 1
    return tuple([tag for tag in _by_count(counts) if not tag.isdigit()][:MAX_HASHTAGS])


def keywords_of(bio: str, posts: Sequence[str]) -> tuple[str, ...]:
    """Return the commonest telling words of bio and posts in lower case, at most 20.

    Words under three letters, stop words of seven languages, names of people who are mentioned and
    links tell nothing. Of equally common words the alphabet's first come first.
    """
    found = Counter(_BIO_WEIGHT * _words(bio) + _words("\n".join(posts)))
    for word in _stop_words().intersection(found):
        del found[word]
    telling = [word for word in _by_count(found) if _SHORTEST <= len(word) <= _LONGEST]
    return tuple(telling[:MAX_KEYWORDS])


def letters_of(text: str, limit: int) -> str:
    """Return the letters of a text in lower case, words parted by one space; at most so many.

    Links, names of people, hashtags, digits, emoji and punctuation are left out.
    """
    beginning = text[: limit + limit // 2].rpartition(" ")[0]  # which mostly has enough of them
    letters = _letters(beginning)
    if len(letters) < limit:
        letters = _letters(text[: 4 * limit])
    return letters[:limit]


def _letters(text: str) -> str:
    words = _TAGGED.sub(" ", without_urls(text)).lower().translate(_LETTERS)
    return " ".join(words.split())


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without looking for links or names in it."""
    return text.lower().translate(_LETTERS).split()


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case; hyphens and apostrophes may stand inside."""
    lower = text.lower()
    if "@" in lower or "://" in lower or "ww." in lower:
        lower = _MENTION.sub(" ", without_urls(text)).lower()
    words = lower.translate(_LETTERS).split()
    inner = "-" in lower or "'" in lower or "’" in lower
    return [word.strip("-'") for word in words] if inner else words


def _by_count(found: dict[str, int]) -> list[str]:
    ordered = sorted(found)
    ordered.sort(key=found.__getitem__, reverse=True)  # stable: equals stay in alphabetical order
    return ordered


class _Letters(dict[int, int]):
    """For `str.translate`: letters and their marks stay, all else becomes a space.

    It is filled as characters come, and there are no more of them than Unicode has.
    """

    def __missing__(self, code: int) -> int:
        char = chr(code)
        kept = char.isalpha() or (category(char) in ("Mn", "Mc") and not 0xFE00 <= code <= 0xFE0F)
        self[code] = code if kept else ord(" ")
        return self[code]


_LETTERS = _Letters({ord("-"): ord("-"), ord("'"): ord("'"), ord("’"): ord("'")})


@cache
def _stop_words() -> frozenset[str]:
    text = (resources.files("omni.profiles") / "stopwords.txt").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())
