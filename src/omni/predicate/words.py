"""The words of a `matches`: Postgres' own reading of a websearch query, as a tree.

Only Postgres knows how it parts a text into words, so it parses each query, and this reads what
`websearch_to_tsquery(…)::text` says: `'solar' & !'oil' | 'wind' <-> 'power'`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*(?:'((?:[^'\\]|''|\\.)*)'|(<(?:-|[0-9]+)>)|([&|!()]))", re.DOTALL)
_ESCAPED = re.compile(r"''|\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Word:
    """The lexeme is there."""

    lexeme: str


@dataclass(frozen=True, slots=True)
class NoneOf:
    """The part does not hold."""

    part: Words


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts under `&`, `|`, or `<->` for a phrase, whose words stand at certain distances."""

    by: str
    parts: tuple[Words, ...]


Words = Word | NoneOf | Joined


def read_words(query: str) -> Words | None:
    """Return the tree of a tsquery's text form; None if it has no words.

    Raises:
        ValueError: It is none.
    """
    tokens = _tokens(query)
    if not tokens:
        return None
    reader = _Reader(tokens)
    tree = reader.read_any()
    if not reader.at_end:
        raise ValueError("not a tsquery")
    return tree


def lexemes_of(words: Words) -> frozenset[str]:
    """Return every lexeme of a tree."""
    if isinstance(words, Word):
        return frozenset({words.lexeme})
    parts = (words.part,) if isinstance(words, NoneOf) else words.parts
    return frozenset[str]().union(*map(lexemes_of, parts))


def _tokens(query: str) -> list[Word | str]:
    found: list[Word | str] = []
    end = 0
    while end < len(query):
        match = _TOKEN.match(query, end)
        if match is None:
            raise ValueError("not a tsquery")
        quoted, phrase, sign = match.groups()
        if quoted is not None:
            found.append(Word(_ESCAPED.sub(lambda m: m[1] or "'", quoted)))
        else:
            found.append("<->" if phrase else sign)
        end = match.end()
    return found


class _Reader:
    """Reads by precedence: `!` binds closest, then `<->`, then `&`, then `|`."""

    def __init__(self, tokens: list[Word | str]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def at_end(self) -> bool:
        """Whether every token was read."""
        return self._at == len(self._tokens)

    def read_any(self) -> Words:
        """Read parts under `|`."""
        parts = [self._read_all()]
        while self._take("|"):
            parts.append(self._read_all())
        return parts[0] if len(parts) == 1 else Joined("|", tuple(parts))

    def _read_all(self) -> Words:
        parts = [self._read_phrase()]
        while self._take("&"):
            parts.append(self._read_phrase())
        return parts[0] if len(parts) == 1 else Joined("&", tuple(parts))

    def _read_phrase(self) -> Words:
        parts = [self._read_one()]
        while self._take("<->"):
            parts.append(self._read_one())
        return parts[0] if len(parts) == 1 else Joined("<->", tuple(parts))

    def _read_one(self) -> Words:
        if self._take("!"):
            return NoneOf(self._read_one())
        if self._take("("):
            inner = self.read_any()
            if not self._take(")"):
                raise ValueError("not a tsquery")
            return inner
        token = None if self.at_end else self._tokens[self._at]
        if not isinstance(token, Word):
            raise ValueError("not a tsquery")
        self._at += 1
        return token

    def _take(self, sign: str) -> bool:
        if self.at_end or self._tokens[self._at] != sign:
            return False
        self._at += 1
        return True
