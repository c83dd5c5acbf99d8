"""What criteria say that is hardly meant: what nobody can fulfil, and what everybody does.

The tree is read as its normal form would be, with `not` pushed down to the clauses: then every
group asks for truth, and a part that cannot become true is worth as much as one that is false.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from omni.predicate.clashes import clash
from omni.predicate.english import sentence
from omni.predicate.normal import normalise
from omni.predicate.registry import CODES, FIELDS, NEVER_UNKNOWN
from omni.predicate.types import All, AnyOf, Clause, Criteria, Not, Note

Fate = Literal["never", "always"]
_MAX_WORDS = 300
_ON_THE_WHOLE: Mapping[Fate, Note] = {
    "never": Note("criteria", "contradiction", "so nobody at all can match"),
    "always": Note("criteria", "tautology", "so everybody matches"),
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of a node: its fate, and its tests if it is one of them or a group of them."""

    fate: Fate | None
    kind: type[All] | type[AnyOf] | None
    tests: tuple[Criteria, ...]


def find_notes(tree: Criteria) -> tuple[Note, ...]:
    """Return what is hardly meant, the parts before the groups that hold them.

    Args:
        tree: As it was parsed, so that the paths are the document's own.
    """
    reader = _Reader()
    fate = reader.look(tree, "criteria", negated=False).fate
    if fate is not None and all(
        note.path.replace(".not", "") != "criteria" for note in reader.notes
    ):
        reader.notes.append(_ON_THE_WHOLE[fate])
    return tuple(reader.notes)


class _Reader:
    """Walks the tree and collects notes."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def look(self, tree: Criteria, path: str, *, negated: bool) -> _Seen:
        if isinstance(tree, Not):
            return self.look(tree.part, f"{path}.not", negated=not negated)
        if isinstance(tree, Clause):
            test = normalise(Not(tree) if negated else tree)
            self._doubt(tree, path)
            return _Seen(self._judge(All, (test,), path), None, (test,))
        head = "all" if isinstance(tree, All) else "any"
        parts = [
            self.look(part, f"{path}.{head}[{i}]", negated=negated)
            for i, part in enumerate(tree.parts)
        ]
        kind = All if isinstance(tree, All) is not negated else AnyOf
        return self._group(kind, parts, path)

    def _group(self, kind: type[All] | type[AnyOf], parts: Sequence[_Seen], path: str) -> _Seen:
        tests = tuple(t for part in parts if part.kind in (None, kind) for t in part.tests)
        fates = {part.fate for part in parts}
        decisive: Fate = "never" if kind is All else "always"
        if decisive in fates:
            return _Seen(decisive, kind, tests)
        if len(fates) == 1 and None not in fates:
            return _Seen(parts[0].fate, kind, tests)
        return _Seen(self._judge(kind, tests, path), kind, tests)

    def _judge(
        self, kind: type[All] | type[AnyOf], tests: Sequence[Criteria], path: str
    ) -> Fate | None:
        """Say what becomes of tests that all (or of which one) must hold, and note it."""
        alone = len(tests) == 1
        if kind is All and (clashing := clash(tests)):
            words = _cut(" and ".join(sentence(test) for test in clashing))
            self._note(path, "contradiction", f"nobody can fulfil this: {words}")
            return "never"
        if kind is AnyOf or alone:
            return self._cover(tests, path)
        return None

    def _cover(self, tests: Sequence[Criteria], path: str) -> Fate | None:
        """Say whether one of the tests always holds: whether their opposites clash."""
        clashing = clash([normalise(Not(test)) for test in tests])
        if not clashing:
            return None
        covering = [normalise(Not(test)) for test in clashing]
        name = _field(covering[0])
        words = _cut(" or ".join(sentence(test) for test in covering))
        if name in NEVER_UNKNOWN or any(_asks_unknown(test) for test in covering):
            self._note(path, "tautology", f"everybody fulfils this: {words}")
            return "always"
        label = FIELDS[name].label
        self._note(
            path,
            "tautology",
            f"everybody whose {label} is known fulfils this: {words}; "
            f"if that is meant, use {name} exists",
        )
        return None

    def _doubt(self, clause: Clause, path: str) -> None:
        if clause.field not in CODES or clause.op not in ("=", "!=", "in", "not in"):
            return
        values = clause.value if isinstance(clause.value, tuple) else (clause.value,)
        odd = [str(value) for value in values if len(str(value)) != 2]
        if odd:
            self._note(
                f"{path}.value", "doubt", f"{clause.field} is {CODES[clause.field]}: "
                f"nobody has {_cut(', '.join(f'“{_plain(value)}”' for value in odd[:3]))}",
            )  # fmt: skip

    def _note(
        self, path: str, kind: Literal["contradiction", "tautology", "doubt"], text: str
    ) -> None:
        self.notes.append(Note(path, kind, text))


def _field(test: Criteria) -> str:
    clause = test.part if isinstance(test, Not) else test
    assert isinstance(clause, Clause)
    return clause.field


def _asks_unknown(test: Criteria) -> bool:
    return isinstance(test, Clause) and test.op == "exists" and test.value is False


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:40])


def _cut(words: str) -> str:
    return words if len(words) <= _MAX_WORDS else words[: _MAX_WORDS - 1] + "…"
