"""Whether a text that a model wrote says nothing but what it was given, in whichever language.

Nothing is looked up and nothing is judged: every word must come from somewhere. A sentence may be
one of the campaign's own, as its template has it. Any other is made of

- quotes of the profile, word for word (`quoting`), between quotation marks, or after a word that
  speaks to the person;
- words of the template, beside the word that they stand beside there;
- the person's name where people are addressed: at the beginning, or after a comma;
- words that say nothing of anybody, all of one language (`languages`); in English, where a sentence
  does not speak of the person, the words of the brief too.

Numbers, signs, links and handles must stand in the template or the brief sign for sign; links and
handles never come from the profile. A sentence with a quote has no "not". A text in a language that
`languages` does not know is made of the template's words and of quotes, or it is refused: rather no
draft than an invented one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from omni.dispatch.drafting_types import Claim
from omni.dispatch.languages import LANGUAGES, NEUTRAL, Language
from omni.dispatch.quoting import mask_quotes, problem_of_claims
from omni.dispatch.wording import (
    BARE,
    BLANK,
    COMMA,
    LINKED,
    QUOTED,
    is_unspaced,
    lines,
    links,
    mask_links,
    normal,
    sentences,
    short,
    stem,
    tokens,
    without_variables,
    words,
)

_FEELS = frozenset(
    ("enjoy", "enjoyed", "hope", "interest", "interested", "keen", "like", "liked", "love",
     "loved", "want", "wanted", "wish")
)  # fmt: skip
"""Said of the sender they are polite; said of the person they are claims."""
_ASKS = frozenset(("if", "should", "whether", "would"))
_GREETINGS = frozenset("👋🙂😊🙏✨")
_MOST_NAMES = 4
"""Words of a name: who calls themselves by a sentence is called by its beginning."""
_FIRST_WORDS = 2
"""So many words may stand before a name that begins a sentence: "Good morning Ann"."""
_START = ""
_ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Given:
    """All that a text may draw from.

    Attributes:
        names: What the person is called.
        quotes: The words of the profile that the verdict quotes.
        template: The campaign's template, made for this person.
        wording: The template itself, in which nothing of the person stands yet.
        brief: The campaign's brief and name, which speak of nobody.
    """

    names: tuple[str, ...]
    quotes: tuple[str, ...]
    template: str
    wording: str
    brief: str


def problem_of_text(text: str, claims: Sequence[Claim], given: Given) -> str | None:
    """Tell in words what a text says that nobody said, or None."""
    known = _Known(given)
    problem = (
        _problem_of_marks(text)
        or problem_of_claims(text, claims, given.quotes)
        or _problem_of_links(text, given)
    )
    if problem:
        return problem
    own = {normal(sentence) for sentence in _sentences(given.template, claims)}
    for sentence in _sentences(text, claims):
        if normal(sentence) in own:
            continue
        problem = _problem_of_signs(sentence, known) or _problem_of_words(sentence, known)
        if problem:
            return problem
    return None


class _Known:
    """What the sender wrote: words beside each other, pieces of scripts without spaces, signs."""

    def __init__(self, given: Given) -> None:
        wording = lines(without_variables(given.wording))
        told = mask_links(wording)
        self.pairs = {
            (_form(before), _form(word))
            for sentence in sentences(told)
            for before, word in _with_before(tokens(sentence))
        }
        self.pieces = frozenset(word for word in tokens(told) if is_unspaced(word))
        self.names = [words(name)[:_MOST_NAMES] for name in given.names]
        self.free = {_form(word) for word in words(f"{without_variables(told)} {given.brief}")}
        self.signs = _GREETINGS | {sign for sign in f"{wording}{given.brief}" if _is_symbol(sign)}


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence as one language reads it."""

    tokens: Sequence[str]
    name: str
    language: Language
    known: _Known
    asks: bool

    @property
    def quotes(self) -> bool:
        """Whether words of the profile stand in it."""
        return QUOTED in self.tokens or BARE in self.tokens

    @property
    def speaks(self) -> bool:
        """Whether it speaks to the person."""
        return any(token in self.language.you for token in self.tokens)

    @property
    def _is_of_us(self) -> bool:
        """Whether it is English and does not speak of the person."""
        if self.name != _ENGLISH or self.quotes or self.speaks:
            return False
        return sum(map(self._is_plain, self.tokens)) * 3 >= len(self.tokens)

    def first_unknown(self) -> tuple[int, str] | None:
        """Return the place of the first word that comes from nowhere, and what is wrong with it."""
        for place, (before, token) in enumerate(_with_before(self.tokens)):
            if token == BARE and not self.speaks:
                return place, "has words of the profile that stand in no quotation marks"
            if token in (QUOTED, BARE, LINKED, COMMA):
                continue
            if self.name == _ENGLISH and _is_feeling_of_theirs(self.tokens, place, self.language):
                return place, f"says that they “{short(token)}”, which nothing it was given says"
            if not (self._is_named(place) or self._is_known(before, token)):
                return place, f"says “{short(token)}”, which nothing that it was given says there"
        return None

    def _is_known(self, before: str, word: str) -> bool:
        plain = self._is_plain(word)
        if plain or (word in self.language.turns and self.quotes):
            return plain
        if is_unspaced(word):
            return self._is_covered(word)
        if (_form(before), _form(word)) in self.known.pairs:
            return True
        return self._is_of_us and _form(word) in self.known.free

    def _is_plain(self, word: str) -> bool:
        if word in self.language.turns:
            return not self.quotes
        if word in self.language.asked:
            return self.asks
        if word in self.language.plain or word in self.language.you:
            return True
        parts = word.split("'")
        return self.name != _ENGLISH and len(parts) > 1 and all(map(self._is_plain, parts))

    def _is_named(self, place: int) -> bool:
        """Tell whether a word is part of the person's name, where people are addressed."""
        return any(
            self._is_address(start, name)
            for name in self.known.names
            for start in range(max(0, place - len(name) + 1), place + 1)
            if list(self.tokens[start : place + 1]) == name[: place + 1 - start]
        )

    def _is_address(self, start: int, name: Sequence[str]) -> bool:
        before = self.tokens[:start]
        if before and before[-1] == COMMA:
            return True
        return len(before) <= _FIRST_WORDS and not any(t in self.language.you for t in before)

    def _is_covered(self, run: str) -> bool:
        """Tell whether a run of words without spaces is made of known pieces.

        Of two pieces beside each other one has two signs at least: single signs could spell much.
        """
        pieces = self.language.plain | self.language.you | self.known.pieces
        pieces |= frozenset("".join(name) for name in self.known.names)
        pieces |= frozenset() if self.quotes else self.language.turns
        longest = max(map(len, pieces), default=0)
        ways: list[set[bool]] = [{False}, *(set[bool]() for _ in run)]
        for end in range(1, len(run) + 1):
            for start in range(max(0, end - longest), end):
                single = end - start == 1
                if run[start:end] in pieces and any(not (single and was) for was in ways[start]):
                    ways[end].add(single)
        return bool(ways[-1])


def _problem_of_words(sentence: str, known: _Known) -> str | None:
    """Return what is wrong with a sentence in the language that reads it farthest, or None."""
    read: Mapping[str, Language] = {**LANGUAGES, "": NEUTRAL}
    asks = sentence.rstrip(" \"'”»)]」』").endswith("?")
    found: list[tuple[int, str]] = []
    for name, language in read.items():
        unknown = _Sentence(tokens(sentence), name, language, known, asks).first_unknown()
        if unknown is None:
            return None
        found.append(unknown)
    return max(found, key=lambda each: each[0])[1]


def _problem_of_marks(text: str) -> str | None:
    if any(mark in text for mark in (QUOTED, BARE, LINKED, BLANK)):
        return "has signs that no script has"
    return None


def _problem_of_links(text: str, given: Given) -> str | None:
    """Links and handles are the sender's, or the person's own name."""
    own = {normal(name) for name in given.names}
    own |= {f"@{name}" for name in own}
    own |= {normal(link) for link in links(f"{without_variables(given.wording)} {given.brief}")}
    foreign = [link for link in links(text) if normal(link) not in own]
    return f"has a link or a handle that nobody gave: “{short(foreign[0])}”" if foreign else None


def _problem_of_signs(sentence: str, known: _Known) -> str | None:
    for sign in sentence:
        if _is_symbol(sign) and sign not in known.signs:
            return f"has the sign “{sign}”, which nothing that it was given has"
    return None


def _is_symbol(sign: str) -> bool:
    """Tell whether a sign may say something and is no word: pictures, currencies, unseen."""
    if sign in (QUOTED, BARE, LINKED, BLANK, "\u200c", "\u200d"):
        return False
    return unicodedata.category(sign)[0] == "S" or unicodedata.category(sign) in ("Cf", "Co", "Cn")


def _sentences(text: str, claims: Iterable[Claim]) -> list[str]:
    """Return the sentences of a text, with marks for links and for what its claims quote."""
    return sentences(mask_links(mask_quotes(lines(text).replace("\ufe0f", ""), claims)))


def _with_before(found: Sequence[str]) -> list[tuple[str, str]]:
    """Return each token with the word before it; none at the start, after a comma or a mark."""
    masks = (QUOTED, BARE, LINKED, BLANK, COMMA)
    befores = [_START, *(_START if token in masks else token for token in found)]
    return list(zip(befores, found, strict=False))


def _form(word: str) -> str:
    """Return the form in which words are equal: numbers as they stand, others without ending."""
    return stem(word) if word.isalpha() else word


def _is_feeling_of_theirs(found: Sequence[str], place: int, language: Language) -> bool:
    """Tell whether a word says what the person feels: "you love", "you also love"."""
    before = found[max(0, place - 2) : place]
    asks = any(word in _ASKS for word in found[max(0, place - 3) : place])
    return found[place] in _FEELS and any(word in language.you for word in before) and not asks
