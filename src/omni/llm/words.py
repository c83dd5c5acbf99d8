"""Words, stems and what a brief asks for: the little that a judge without a model understands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CLAUSE_END = re.compile(r"[.,;:!?()\n]")
_SUFFIXES = (
    "ations", "ation", "ional", "ities", "iness", "ingly", "ments", "ment", "ists", "ist", "ings",
    "ing", "ions", "ion", "ians", "ian", "ies", "ers", "ors", "ery", "ive", "ed", "er", "or", "ly",
    "es", "s", "y", "e",
)  # fmt: skip
_SHORTEST_STEM = 3
_NEGATIONS = frozenset(
    {"no", "not", "nor", "without", "except", "never", "excluding", "avoid", "don't"}
)
_STOP_WORDS = frozenset(
    """
    a about above account accounts active after all also am an and any anyone are around as at be
    because been being best both brief but by campaign can could did do does doing e each either
    especially etc every everyone few find follow followers following for from full g get give go
    good great had has have having he her here hers him his how i ideally if in into is it its
    itself just keen know least less let like likes live lives looking lot love loves made make
    makes making many may me mainly might more most much must my near need needs new of off often on
    one only or other others our ours out over own people person persons please possible post
    posting posts prefer preferably profile profiles real really regularly relevant same see seek
    seeking several share sharing she should show similar since so some somebody someone something
    such take talk talks than that the their them themselves then there these they this those
    through to too try under up us use user users uses using various very want wants was we well
    were what when where which while who whom whose why will wish with work working works would
    write writes you your yours interested interest interests ask invite start share join tell help
    """.split()  # noqa: SIM905 - a list of a hundred quoted words reads worse
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word where it stands in a text: `text[start:end]`."""

    text: str
    start: int
    end: int


def find_words(text: str) -> list[Word]:
    """Return the words of `text` in their order."""
    return [Word(found.group(), found.start(), found.end()) for found in _WORD.finditer(text)]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Cut the ending that inflection gives an English word.

    `photographer`, `photography` and `photographs` share the stem `photograph`; a word of another
    language mostly keeps its own form, in which it is found all the same.
    """
    plain = word.casefold().replace("’", "'").removesuffix("'s")
    for suffix in _SUFFIXES:
        if plain.endswith(suffix) and len(plain) - len(suffix) >= _SHORTEST_STEM:
            return _single_ending(plain.removesuffix(suffix))
    return plain


def _single_ending(root: str) -> str:
    """Turn `runn` (of `running`) into `run`."""
    doubled = len(root) > _SHORTEST_STEM and root[-1] == root[-2] and root[-1] not in "aeiouls"
    return root[:-1] if doubled else root


def telling_words(text: str, limit: int) -> list[str]:
    """Return the words of `text` that say whom it looks for, each stem once, `limit` at most.

    Stop words say nothing. Words behind a negation, up to the end of that clause, say the opposite,
    and are left out.
    """
    telling: dict[str, str] = {}
    for clause in _CLAUSE_END.split(text):
        for word in find_words(clause):
            plain = word.text.casefold().replace("’", "'")
            if plain in _NEGATIONS:
                break
            if len(plain) > 1 and not plain.isdigit() and plain not in _STOP_WORDS:
                telling.setdefault(stem(plain), word.text)
    return list(telling.values())[:limit]


def is_found(wanted: str, word: str, *, compound: bool) -> bool:
    """Tell whether `word` carries the stem `wanted`.

    Args:
        wanted: A stem.
        word: A word as it was written.
        compound: The word may be several written as one, as hashtags are.
    """
    plain = word.casefold()
    if stem(plain) == wanted or (len(wanted) > 4 and plain.startswith(wanted)):
        return True
    return compound and len(wanted) > 3 and wanted in plain


def quote(text: str, start: int, end: int, *, width: int = 120) -> str:
    """Return the words of `text` around `text[start:end]`, verbatim, about `width` characters."""
    margin = max(0, width - (end - start)) // 2
    left, right = max(0, start - margin), min(len(text), end + margin)
    if left > 0:
        left = start if (space := text.find(" ", left, start)) < 0 else space + 1
    if right < len(text):
        right = end if (space := text.rfind(" ", end, right)) < 0 else space
    return text[left:right].strip()[: 2 * width]
