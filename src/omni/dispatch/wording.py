"""Texts as they are compared: words of any script, sentences, and what stands where."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from omni.dispatch.template import clean

QUOTED = "\ue000"
"""Stands for the words of the profile, between quotation marks."""
BARE = "\ue001"
"""Stands for the words of the profile, without them."""
LINKED = "\ue002"
"""Stands for a link or a handle that the sender gave."""
BLANK = "\ue003"
"""Stands for a variable of a template."""
COMMA = ","
_COMMAS = frozenset(",;、،")
_MARKS = frozenset((QUOTED, BARE, LINKED, BLANK))

_LINK = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+|[@#]\w[\w.:@-]*|\S+@\S+\.\w+"
    r"|\b(?:[\w-]+\.)+[^\W\d_]{2,}\b(?:/\S*)?",
    re.IGNORECASE,
)
_LINK_END = ".,;:!?)»”\"'"
_VARIABLE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”»)\]」』]*\s+|(?<=[!?。])[\"”»)\]」』]*|\n+")
_ENDINGS = ("'s", "ings", "ing", "ies", "ed", "ers", "er", "es", "s", "e", "y")
_LEAST_STEM = 3
_INSIDE = frozenset("'.")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana and Han: scripts that put no space between words."""


def normal(text: str) -> str:
    """Return text with one form for equal signs, cases, quotation marks and white space."""
    return " ".join(lines(text).split())


def lines(text: str) -> str:
    """Return text as `normal` does, with its lines kept."""
    plain = unicodedata.normalize("NFKC", clean(text)).casefold().replace("’", "'")
    return "\n".join(" ".join(line.split()) for line in plain.split("\n"))


def without_variables(source: str) -> str:
    """Return a template's own words, with a mark in the place of each variable."""
    return _VARIABLE.sub(BLANK, source)


def links(text: str) -> Iterator[str]:
    """Yield the links, handles and addresses of a text."""
    for link in _LINK.findall(text):
        yield link.rstrip(_LINK_END)


def mask_links(text: str) -> str:
    """Return a text with a mark for each link; what ends a sentence stays."""
    return _LINK.sub(lambda found: LINKED + _end_of(found.group()), text)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text."""
    return [part for part in _SENTENCE.split(text) if part and part.strip()]


def tokens(text: str) -> list[str]:
    """Return the words and the marks of a text that is in `normal` form.

    A word has letters, the signs that belong to them in any script, and digits.
    """
    found: list[str] = []
    word = ""
    for place, sign in enumerate(text):
        if is_of_word(sign) or (word and _is_inside(sign, word, text[place + 1 : place + 2])):
            word += sign
            continue
        if word:
            found.append(word)
        word = ""
        if sign in _MARKS or sign in _COMMAS:
            found.append(sign if sign in _MARKS else COMMA)
    return [*found, word] if word else found


def words(text: str) -> list[str]:
    """Return the words of a text in any form."""
    return [token for token in tokens(normal(text)) if token not in _MARKS and token != COMMA]


def _is_inside(sign: str, before: str, after: str) -> bool:
    """Tell whether a sign joins what stands beside it: "don't", "e.g", "1,000"."""
    if sign == COMMA:
        return before[-1].isdecimal() and after.isdecimal()
    return sign in _INSIDE and is_of_word(after)


def is_of_word(sign: str) -> bool:
    """Tell whether a sign is a part of words."""
    return bool(sign) and sign not in _MARKS and unicodedata.category(sign)[0] in "LMN"


def is_unspaced(text: str) -> bool:
    """Tell whether a text is of a script without spaces."""
    return _UNSPACED.search(text) is not None


def stem(word: str) -> str:
    """Return a word without an English ending."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            return word[: -len(ending)]
    return word


def is_ending(rest: str) -> bool:
    """Tell whether these signs end an English word, as "climb" ends as "climbing"."""
    return rest in _ENDINGS


def short(text: str) -> str:
    """Return a text as a problem names it."""
    plain = " ".join(clean(text).split())
    return plain if len(plain) <= 80 else plain[:79] + "…"


def _end_of(link: str) -> str:
    return link[len(link.rstrip(_LINK_END)) :]
