"""What is told of criteria that are hardly meant: contradictions, tautologies, odd values."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings

from omni.predicate.plan import compile_criteria
from omni.predicate.registry import NEVER_NEGATIVE, NEVER_UNKNOWN
from tests.predicate_fixtures import EXAMPLES, Json, Profile, cases, evaluate

pytestmark = pytest.mark.long

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def clause(field: str, op: str, value: object) -> Json:
    return {"field": field, "op": op, "value": value}


WORDY = clause("bio", "matches", "solar")
TOLD: list[tuple[str, Json, list[tuple[str, str]]]] = [
    ("bounds that cross", {"all": [clause("posts", ">", 10), clause("posts", "<", 5)]},
     [("criteria", "contradiction")]),
    ("no whole number between", {"all": [clause("posts", ">", 10), clause("posts", "<", 11)]},
     [("criteria", "contradiction")]),
    ("two values at once", {"all": [clause("country", "=", "de"), clause("country", "=", "at")]},
     [("criteria", "contradiction")]),
    ("a value and not that", {"all": [clause("posts", "=", 3), clause("posts", "!=", 3)]},
     [("criteria", "contradiction")]),
    ("too late and too early", {"all": [clause("last_post_at", ">", "30 days ago"),
     clause("last_post_at", "<", "60 days ago")]}, [("criteria", "contradiction")]),
    ("known and unknown", {"all": [WORDY, clause("bio", "exists", False)]},
     [("criteria", "contradiction")]),
    ("a tag and not that", {"all": [clause("hashtags", "contains any", ["a"]),
     {"not": clause("hashtags", "contains any", ["a", "b"])}]}, [("criteria", "contradiction")]),
    ("a start and another", {"all": [clause("bio", "starts with", "ab"), clause("bio", "=", "ac")]},
     [("criteria", "contradiction")]),
    ("fewer than none", clause("followers", "<", 0), [("criteria", "contradiction")]),
    ("across nested groups", {"all": [clause("posts", ">", 9), {"all": [clause("posts", "<", 5)]}]},
     [("criteria", "contradiction")]),
    ("in one branch only", {"any": [{"all": [clause("posts", "=", 1), clause("posts", "=", 2)]},
     clause("posts", "=", 7)]}, [("criteria.any[0]", "contradiction")]),
    ("in every branch", {"any": [clause("posts", "<", 0), clause("follows", "<", 0)]},
     [("criteria.any[0]", "contradiction"), ("criteria.any[1]", "contradiction"),
      ("criteria", "contradiction")]),
    ("a clause and its opposite", {"any": [WORDY, {"not": WORDY}]}, [("criteria", "tautology")]),
    ("the same under not", {"not": {"any": [WORDY, {"not": WORDY}]}},
     [("criteria.not", "contradiction")]),
    ("everyone has an avatar, or not", {"any": [clause("has_avatar", "=", True),
     clause("has_avatar", "=", False)]}, [("criteria", "tautology")]),
    ("none or more", clause("followers", ">=", 0), [("criteria", "tautology")]),
    ("a code that is none", clause("country", "in", ["de", "germany"]),
     [("criteria.value", "doubt")]),
    ("a fixed and a moving moment", {"all": [clause("last_post_at", ">", "30 days ago"),
     clause("last_post_at", "<", "2020-01-01")]}, []),
    ("what can be", {"all": [clause("posts", ">=", 5), clause("posts", "<=", 5), WORDY]}, []),
]  # fmt: skip


@pytest.mark.parametrize(("document", "told"), [pytest.param(*c, id=n) for n, *c in TOLD])
def test_what_is_hardly_meant_is_told_with_its_path(
    document: Json, told: list[tuple[str, str]]
) -> None:
    notes = compile_criteria(document).notes
    assert [(note.path, note.kind) for note in notes] == told
    assert all(note.text.isprintable() and len(note.text) < 600 for note in notes)


def test_the_opposite_of_a_clause_does_not_cover_the_unknown() -> None:
    halves = [WORDY, {"not": WORDY}]
    (partly,) = compile_criteria({"any": halves}).notes
    assert partly.text.startswith("everybody whose bio is known")
    (wholly,) = compile_criteria({"any": [*halves, clause("bio", "exists", False)]}).notes
    assert wholly.text.startswith("everybody fulfils this")


@given(cases())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_told_of_the_whole_holds_for_every_profile(
    case: tuple[Json, list[Profile]],
) -> None:
    document, rows = case
    on_all = {note.kind: note for note in compile_criteria(document).notes
              if note.path == "criteria"}  # fmt: skip
    for row in rows:
        if any((row[name] or 0) < 0 for name in NEVER_NEGATIVE) or _lacks(row):
            continue
        answer = evaluate(document, row, NOW)
        if "contradiction" in on_all:
            assert answer is not True
        if "tautology" in on_all:
            assert answer is not False
            assert answer or "is known" in on_all["tautology"].text


def _lacks(row: Profile) -> bool:
    """Whether a generated row lacks what no stored profile lacks."""
    return any(row[name] is None for name in NEVER_UNKNOWN - {"text"})
