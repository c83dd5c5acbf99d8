"""A judge that needs no model: it looks for the words of the brief in the person's own words.

The formula. A *wish* is one telling word of the brief, or one text clause of the criteria; it is
granted by the first passage of the profile that carries one of its stems. A wish granted by the
name, the bio or a hashtag weighs 1, by a post 0.6.

    needed = min(3, wishes)
    score  = 0.9 * min(1, weight of the granted / needed) + 0.1 * min(1, granted beyond needed / 3)

A declared bot keeps a fifth of its score and never qualifies; without words of their own nobody
does. Where there is nothing to wish for, the criteria have decided already: the score is 0.6, and
the confidence is low. A score of 0.5 or more qualifies. Confidence grows from 0.3 to 0.9 with the
number of words that there were to read. The same facts always get the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

import msgspec

from omni.llm.ports import Answer, Health, Prompt
from omni.llm.words import Word, find_words, is_found, quote, stem, telling_words

MAX_WISHES = 24
MAX_REASONS = 5

_TEXT_FIELDS = frozenset({"bio", "display_name", "text", "keywords", "hashtags"})
_TEXT_OPERATORS = frozenset(
    {"=", "in", "contains any", "contains all", "starts with", "matches", "similar to"}
)
_FORBIDDEN = re.compile(r'(?<!\S)-(?:"[^"]*"|\S+)')
_NOTHING_TO_WISH = 0.6
_QUALIFIES = 0.5
_BOT_KEEPS = 0.2
_WORDS_FOR_FULL_CONFIDENCE = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that is looked for: any of `stems` grants it."""

    label: str
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the person's own text, and how much it weighs."""

    text: str
    words: tuple[Word, ...]
    weight: float
    compound: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A granted wish with the words that grant it."""

    wish: Wish
    evidence: str
    weight: float


class RulesJudge:
    """Judges by the formula of this module."""

    def __init__(self, concurrency: int = 4) -> None:
        self.model = "rules-1"
        self.concurrency = concurrency

    async def ask(self, prompt: Prompt) -> Answer:
        """Return the verdict as the JSON text that a model would answer with; never fails."""
        started = perf_counter()
        text = msgspec.json.encode(judge_facts(prompt.facts)).decode()
        return Answer(text, complete=True, latency_ms=(perf_counter() - started) * 1_000)

    async def health(self) -> Health:
        """Need nothing, so be well."""
        return Health(True, "the rules need no model", (self.model,))

    async def close(self) -> None:
        """Hold nothing, so give nothing back."""


def judge_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict on `facts` (`criteria`, `brief`, `profile`) as plain JSON values."""
    profile: Mapping[str, Any] = facts.get("profile") or {}
    wishes = find_wishes(str(facts.get("brief") or ""), facts.get("criteria"))
    passages = list(own_passages(profile))
    findings = [found for wish in wishes if (found := _grant(wish, passages))]
    is_bot = profile.get("is_bot") is True
    score = _score(wishes, findings, passages) * (_BOT_KEEPS if is_bot else 1)
    return {
        "reasons": _reasons(wishes, findings, passages, is_bot),
        "qualified": score >= _QUALIFIES and not is_bot,
        "score": round(score, 4),
        "confidence": round(_confidence(wishes, passages, is_bot), 4),
    }


def find_wishes(brief: str, criteria: Any) -> list[Wish]:
    """Return what brief and criteria look for; a word that both name counts once."""
    wishes = list(_wishes_of_criteria(criteria))
    known = frozenset[str]().union(*(wish.stems for wish in wishes))
    wishes += [
        Wish(_cut(f"brief: {word}"), frozenset({stem(word)}))
        for word in telling_words(brief, MAX_WISHES)
        if stem(word) not in known
    ]
    return wishes[:MAX_WISHES]


def own_passages(profile: Mapping[str, Any]) -> Iterator[Passage]:
    """Yield the texts of a profile view that the person wrote, the most telling first."""
    for key in ("name", "bio"):
        if isinstance(text := profile.get(key), str) and text.strip():
            yield _passage(text)
    for tag in _strings(profile.get("hashtags")):
        yield _passage(tag, compound=True)
    for post in _strings(profile.get("posts")):
        yield _passage(post, weight=0.6)


def _wishes_of_criteria(node: Any) -> Iterator[Wish]:
    """Yield a wish for each text clause; alternatives are one wish, and what is ruled out is none.

    The tree was checked when it was compiled, so what is not understood here is passed over.
    """
    if not isinstance(node, dict):
        return
    tree = cast(dict[str, Any], node)
    for part in tree.get("all") or ():
        yield from _wishes_of_criteria(part)
    alternatives = [wish for part in tree.get("any") or () for wish in _wishes_of_criteria(part)]
    if alternatives:
        stems = frozenset[str]().union(*(wish.stems for wish in alternatives))
        yield Wish(_cut(" or ".join(wish.label for wish in alternatives)), stems)
    if tree.get("field") in _TEXT_FIELDS and tree.get("op") in _TEXT_OPERATORS:
        yield from _wishes_of_clause(tree["field"], tree["op"], tree.get("value"))


def _wishes_of_clause(field: str, op: str, value: Any) -> Iterator[Wish]:
    values = [_FORBIDDEN.sub(" ", value)] if isinstance(value, str) else _strings(value)
    groups = [[each] for each in values] if op == "contains all" else [values]
    for group in groups:
        stems = frozenset(stem(word) for text in group for word in telling_words(text, MAX_WISHES))
        if stems:
            yield Wish(_cut(f"{field} {op} {', '.join(group)}"), stems)


def _grant(wish: Wish, passages: Iterable[Passage]) -> Finding | None:
    for passage in passages:
        for word in passage.words:
            tagged = passage.compound or passage.text[word.start - 1 : word.start] == "#"
            if any(is_found(wanted, word.text, compound=tagged) for wanted in wish.stems):
                evidence = quote(passage.text, word.start, word.end)
                return Finding(wish, evidence, passage.weight)
    return None


def _score(wishes: list[Wish], findings: list[Finding], passages: list[Passage]) -> float:
    if not any(passage.words for passage in passages):
        return 0.0
    if not wishes:
        return _NOTHING_TO_WISH
    needed = min(3, len(wishes))
    breadth = sum(finding.weight for finding in findings) / needed
    beyond = max(0, len(findings) - needed) / 3
    return 0.9 * min(1.0, breadth) + 0.1 * min(1.0, beyond)


def _confidence(wishes: list[Wish], passages: list[Passage], is_bot: bool) -> float:
    if is_bot:
        return 0.9
    words = sum(len(passage.words) for passage in passages)
    read = min(1.0, words / _WORDS_FOR_FULL_CONFIDENCE)
    return 0.3 + 0.6 * read if wishes else 0.3


def _reasons(
    wishes: list[Wish], findings: list[Finding], passages: list[Passage], is_bot: bool
) -> list[dict[str, str]]:
    if is_bot:
        return [{"criterion": "not a bot", "evidence": "is_bot: true"}]
    if wishes:
        return [
            {"criterion": finding.wish.label, "evidence": finding.evidence}
            for finding in findings[:MAX_REASONS]
        ]
    spoken = next((passage for passage in passages if passage.words), None)
    if spoken is None:
        return []
    first = spoken.words[0]
    return [{"criterion": "criteria", "evidence": quote(spoken.text, first.start, first.end)}]


def _passage(text: str, weight: float = 1.0, compound: bool = False) -> Passage:
    return Passage(text, tuple(find_words(text)), weight, compound)


def _strings(value: Any) -> list[str]:
    if not isinstance(value, list | tuple):
        return []
    return [item for item in cast(Iterable[Any], value) if isinstance(item, str)]


def _cut(label: str) -> str:
    return label if len(label) <= 80 else label[:79] + "…"
