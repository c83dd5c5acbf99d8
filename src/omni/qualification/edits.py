"""Whose verdict an edit of the criteria can change: decided from what the judge sees. Pure.

Whoever is judged fulfils the criteria, before the edit and after it: Omni itself has held their
features against every clause. So a judge has nothing to weigh in a *fact* (a number, a date, a
flag, a code): when only facts are edited, the verdict stands, unless a reason of it speaks of them.

What a judge does weigh are the *words* that clauses on text and lists ask for. An edit of such a
clause can change the verdict of those whose view, or whose campaign's brief, speaks of the words by
which the clauses differ. Whether it speaks of a word is asked generously, by the first letters: to
judge once too often costs a call, to keep a verdict that does not hold costs trust.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from omni.base.hashing import canonical_json
from omni.profiles.types import FEATURES
from omni.qualification.seen import visible

_KINDS = {feature.name: feature for feature in FEATURES}
_WORD = re.compile(r"\w+")
_NEGATIVE = frozenset({"!=", "not in"})
_PREFIX = 3
_INSIDE = 4
_DENSE = 0x2E7F
"""Scripts beyond it write words in one or two signs, without space between them."""

Point = tuple[str, ...]
Points = Counter[frozenset[Point]]


@dataclass(frozen=True, slots=True)
class Edit:
    """How two criteria differ.

    Attributes:
        facts: What the reasons of a verdict must not speak of: names of the fields whose facts
            were edited.
        gone: Parts that only the criteria before have, of those with words in them.
        come: Parts that only the criteria after have.
    """

    facts: frozenset[str]
    gone: tuple[Mapping[str, Any], ...]
    come: tuple[Mapping[str, Any], ...]

    @property
    def asks_for_views(self) -> bool:
        """Whether words were edited, so that it hangs on what each person shows."""
        return bool(self.gone or self.come)


def edit_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> Edit:
    """Return how two criteria differ, given as canonical JSON."""
    old = {canonical_json(part): part for part in _parts(before)}
    new = {canonical_json(part): part for part in _parts(after)}
    gone = [part for key, part in old.items() if key not in new]
    come = [part for key, part in new.items() if key not in old]
    edited = {_name(c) for part in (*gone, *come) for c, _ in _clauses(part) if not _weighed(c)}
    return Edit(frozenset(edited), _with_words(gone), _with_words(come))


def stands(
    edit: Edit, view: Mapping[str, Any], brief: str, reasons: Sequence[Mapping[str, Any]]
) -> bool:
    """Tell whether a verdict outlives the edit.

    Args:
        edit: From the criteria of the verdict to those that hold now.
        view: The person's, on which the verdict was given; empty will do where no words differ.
        brief: The campaign's, which the edit left as it is.
        reasons: Of the verdict.
    """
    if any(_speaks_of_fact(reason, field) for reason in reasons for field in edit.facts):
        return False
    if not edit.asks_for_views:
        return True
    heard = _Heard(f"{brief}\n{_text(view)}")
    return _points(edit.gone, heard) == _points(edit.come, heard)


class _Heard:
    """The words that a judge reads about one person."""

    def __init__(self, text: str) -> None:
        self._text = text.casefold()
        self._words = frozenset(word[:_PREFIX] for word in _WORD.findall(self._text))
        # Hashtags and addresses are several words written as one.
        self._joined = " ".join(
            word for word in self._text.split() if word[:1] == "#" or "/" in word
        )

    def speaks_of(self, word: str) -> bool:
        if any(ord(sign) > _DENSE for sign in word):
            return any(sign in self._text for sign in word)
        return word[:_PREFIX] in self._words or (
            len(word) >= _INSIDE and word[:_INSIDE] in self._joined
        )


def _points(parts: Sequence[Mapping[str, Any]], heard: _Heard) -> Points:
    """Return what the parts ask of this person, one entry for each part that asks for anything."""
    found: Points = Counter()
    for part in parts:
        points: set[Point] = set()
        for clause, negative in _clauses(part):
            if _weighed(clause):
                points |= _points_of(clause, negative, heard)
                # That words are asked for counts, even if this person shows none of them.
                points |= set() if negative else {("asks",)}
        if points:
            found[frozenset(points)] += 1
    return found


def _points_of(clause: Mapping[str, Any], negative: bool, heard: _Heard) -> set[Point]:
    mark = (_name(clause), str(clause["op"]), str(negative))
    value = clause["value"]
    if isinstance(value, bool):
        return {(*mark, str(value))}
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    points: set[Point] = {
        (*mark, word)
        for each in values
        for word in _WORD.findall(str(each).casefold())
        if heard.speaks_of(word)
    }
    if clause["op"] == "contains all":  # each value is a wish of its own
        points.add((*mark, "", str(len(values))))
    return points


def _parts(criteria: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts = criteria.get("all")
    return cast("list[Mapping[str, Any]]", parts) if isinstance(parts, list) else [criteria]


def _with_words(parts: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple(part for part in parts if any(_weighed(clause) for clause, _ in _clauses(part)))


def _clauses(
    node: Mapping[str, Any], negative: bool = False
) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Yield the clauses of a part, each with whether it is asked for the opposite."""
    if "field" in node:
        yield node, negative is not (node["op"] in _NEGATIVE)
        return
    if "not" in node:
        yield from _clauses(node["not"], not negative)
    for part in (*node.get("all", ()), *node.get("any", ())):
        yield from _clauses(part, negative)


def _name(clause: Mapping[str, Any]) -> str:
    return str(clause["field"])


def _weighed(clause: Mapping[str, Any]) -> bool:
    field = _KINDS.get(_name(clause))
    return field is None or field.kind in ("text", "array")


def _speaks_of_fact(reason: Mapping[str, Any], field: str) -> bool:
    said = f"{reason.get('criterion', '')} {reason.get('evidence', '')}".casefold()
    known = _KINDS.get(field)
    names = {field, field.replace("_", " "), *([known.label] if known else [])}
    return any(name.casefold() in said for name in names)


def _text(view: Mapping[str, Any]) -> str:
    texts: list[str] = []
    for key, value in visible(view).items():
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, list):
            sign = "#" if key == "hashtags" else ""
            texts += [f"{sign}{each}" for each in cast("list[Any]", value)]
    return "\n".join(texts)
