"""Whether a text that a model wrote says nothing but what it was given.

Nothing is looked up and nothing is judged: every word must come from somewhere. A sentence may be
one of the campaign's own, as its template has it. Any other is made of

- words that say nothing of anybody ("you", "wrote", "would"), of a fixed list;
- the person's name and the words of the template;
- the words of those quotes of the profile that the sentence's claims stand on;
- the words of the brief, where the sentence does not speak of the person.

Numbers, links and handles must stand in the quotes or in the template sign for sign; links and
handles never come from the profile. A "not" in a sentence with a claim could turn it round, so
there is none. A text in a language that the list does not know is made of the template's words
and of quotes, or it is refused: rather no draft than an invented one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from omni.dispatch.drafting_types import Claim
from omni.dispatch.template import clean

_LINK = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+|[@#]\w[\w.:@-]*|\S+@\S+\.\w+"
    r"|\b(?:[\w-]+\.)+[^\W\d_]{2,}\b(?:/\S*)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’.,][^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"”»)\]]*\s+|\n+")
_ENDINGS = ("'s", "’s", "ings", "ing", "ies", "ed", "ers", "er", "es", "s", "e", "y")
_LEAST_STEM = 3
_LEAST_QUOTE = 3


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SPEAKS_TO = _listed(
    """
    ci ciebie dein deine deinem deinen deiner deines dich dir du ihnen ihr ihre ihrem ihren
    ihrer je jij jouw jullie lei pan pani seu sie su sua suo sus ta te tes teu ti toi ton tu
    tua tuo tus twój ty tú u ur usted ustedes uw você vocês voi vos votre vous you you'd
    you'll you're you've your yours yourself yourselves вам вас ваш вы твой тебе тебя ты
    """
)
_PLAIN = _listed(
    """
    a about after again all also always am an and any anything are around as ask at be
    because been before being best both but by call came can care caught chance chat check
    come could curious day dear did do does doing done each else enjoy enjoyed ever every
    eye feel find first for forward found from gave get give glad go good got great
    greetings had happen happy has have hear heard hello help here hey hi hope how
    hurry i i'd i'll i'm i've idea if in interest interested interesting into is it it's its
    just keen
    keep kind know last let like liked line little look looking love made make many may
    maybe me mean mention mentioned message might mind minute moment more most much my name
    new nice note noticed now of off often on one only or other our out over perhaps please
    pleased pressure point post posted posts profile put question quick quite rather reach reaching
    read reading really reason reply said same saw say saying says see seem seems send sent
    share shared short should so some something soon sorry speak still stood such sure take
    talk tell than thank thanks that that's the their them then there these they thing
    things think this those though thought time to today together too touch try up us very
    want wanted was way we we'd we'll we're we've welcome well were what when where which
    while who why will wish with wonder wondered wondering word words would write writing
    wrote yes yet you your yours
    """
)
"""They say nothing of anybody: no place, no trade, no taste, no kin, no number."""
_TURNS_ROUND = _listed(
    """
    aren't can't cannot couldn't didn't doesn't don't hasn't haven't isn't neither never no
    no-one nobody none nor not nothing shouldn't wasn't weren't without won't wouldn't
    """
)
_FEELS = _listed(
    "enjoy enjoyed hope interest interested keen like liked love loved want wanted wish"
)
"""Said of the sender they are polite; said of the person they are claims."""
_ASKS = _listed("if should whether would")


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
    for claim in claims:
        if not _stands_in(claim.claim, text):
            return f"claims what the text does not say: “{_short(claim.claim)}”"
        if not any(_stands_in(claim.quote, quote) for quote in given.quotes):
            return f"quotes what the profile does not say: “{_short(claim.quote)}”"
    own = {normal(sentence) for sentence in _SENTENCE.split(given.template)}
    for sentence in filter(str.strip, _SENTENCE.split(text)):
        if normal(sentence) in own:
            continue
        problem = _problem_of_sentence(sentence, claims, given)
        if problem:
            return problem
    return None


def normal(text: str) -> str:
    """Return text with one form for equal signs, cases, quotation marks and white space."""
    plain = unicodedata.normalize("NFKC", clean(text)).casefold().replace("’", "'")
    return " ".join(plain.split())


def _problem_of_sentence(sentence: str, claims: Sequence[Claim], given: Given) -> str | None:
    for link in _LINK.findall(sentence):
        if not _is_ours(link, given):
            return f"has a link or a handle that nobody gave: “{_short(link)}”"
    rest = _LINK.sub(" ", sentence)
    behind = [claim.quote for claim in claims if _touches(normal(claim.claim), normal(sentence))]
    words = _words(rest)
    names = {word for name in given.names for word in _words(name)}
    personal = bool(behind) or any(word in _SPEAKS_TO for word in words)
    sources = [given.wording, *given.names, *behind]
    if not personal:
        sources += [given.template, given.brief]
    known = _Known(sources)
    for place, word in enumerate(words):
        if _is_feeling_of_theirs(words, place) and word not in known:
            return f"says that they “{_short(word)}”, which nothing that it was given says"
        if word in names or word in known or (behind and word in _TURNS_ROUND and known.has(word)):
            continue
        if word in _PLAIN or word in _SPEAKS_TO:
            continue
        if word in _TURNS_ROUND and not behind:
            continue
        return f"says “{_short(word)}”, which nothing that it was given says there"
    return None


class _Known:
    """The words of some sources: numbers and short words as they stand, others by their stem."""

    def __init__(self, sources: Iterable[str]) -> None:
        self._words = {word for source in sources for word in _words(source)}
        self._stems = {_stem(word) for word in self._words}

    def __contains__(self, word: str) -> bool:
        return self.has(word) or (word.isalpha() and _stem(word) in self._stems)

    def has(self, word: str) -> bool:
        """Tell whether the word stands there as it is."""
        return word in self._words


def _is_ours(link: str, given: Given) -> bool:
    """Tell whether the sender wrote a link, or it is the person's own name."""
    wanted = normal(link).rstrip(".,;:!?)»”\"'")
    own = {normal(name) for name in given.names}
    if wanted in own or wanted.lstrip("@") in own:
        return True
    written = f"{given.template} {given.brief}"
    return any(normal(each).rstrip(".,;:!?)»”\"'") == wanted for each in _LINK.findall(written))


def _is_feeling_of_theirs(words: Sequence[str], place: int) -> bool:
    """Tell whether a word says what the person feels: "you love", "you also love"."""
    before = words[max(0, place - 2) : place]
    asks = any(word in _ASKS for word in words[max(0, place - 3) : place])
    return words[place] in _FEELS and any(word in _SPEAKS_TO for word in before) and not asks


def _touches(claim: str, sentence: str) -> bool:
    """Tell whether a claim is made in this sentence; it may go over several."""
    return bool(claim) and (claim in sentence or sentence in claim)


def _stands_in(words: str, text: str) -> bool:
    wanted = normal(words)
    return sum(sign.isalnum() for sign in wanted) >= _LEAST_QUOTE and wanted in normal(text)


def _words(text: str) -> list[str]:
    return [word.strip("'") for word in _WORD.findall(normal(text))]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            return word[: -len(ending)]
    return word


def _short(text: str) -> str:
    plain = " ".join(clean(text).split())
    return plain if len(plain) <= 80 else plain[:79] + "…"
