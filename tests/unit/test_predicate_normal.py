"""One meaning, one normal form, one hash."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omni.predicate.plan import compile_criteria
from omni.predicate.types import Compiled
from tests.predicate_fixtures import (
    EXAMPLES,
    Json,
    Profile,
    cases,
    documents,
    evaluate,
    spellings,
)

pytestmark = pytest.mark.long

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BOUNDED = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@given(cases())
@BOUNDED
def test_the_normal_form_means_the_same(case: tuple[Json, list[Profile]]) -> None:
    document, rows = case
    canonical = compile_criteria(document).canonical
    for row in rows:
        assert evaluate(canonical, row, NOW) is evaluate(document, row, NOW)


@given(documents())
@BOUNDED
def test_the_normal_form_of_a_normal_form_is_itself(document: Json) -> None:
    compiled = compile_criteria(document)
    assert compile_criteria(compiled.canonical) == compiled


@given(st.data())
@settings(BOUNDED, max_examples=EXAMPLES // 4)
def test_other_spellings_hash_the_same(data: st.DataObject) -> None:
    document = data.draw(documents())
    other = data.draw(spellings(document))
    assert compile_criteria(other).criteria_hash == compile_criteria(document).criteria_hash


@given(documents())
@BOUNDED
def test_english_is_one_line_that_names_every_field(document: Json) -> None:
    compiled = compile_criteria(document)
    assert compiled.english.isprintable()
    assert set(compiled.where.params) == {f"c_{i}" for i in range(len(compiled.where.params))}
    assert all(f":{name}::" in compiled.where.sql for name in compiled.where.params)


def test_different_criteria_hash_differently() -> None:
    documents = [
        clause("followers", ">", 500),
        clause("followers", ">=", 500),
        clause("follows", ">", 500),
        clause("followers", ">", 501),
        {"not": clause("bio", "matches", "a")},
        clause("bio", "matches", "a"),
        {"all": [clause("bio", "matches", "a"), clause("bio", "matches", "b")]},
        {"any": [clause("bio", "matches", "a"), clause("bio", "matches", "b")]},
        clause("hashtags", "contains any", ["a", "b"]),
        clause("hashtags", "contains all", ["a", "b"]),
        clause("last_post_at", ">", "30 days ago"),
        clause("last_post_at", ">", "2026-01-31"),
    ]
    assert len({compile_criteria(d).criteria_hash for d in documents}) == len(documents)


def test_the_hash_of_known_criteria_does_not_change_between_versions() -> None:
    """Stored hashes guard stored verdicts: another hash for the same criteria costs money."""
    document = {
        "all": [
            clause("followers", ">=", 500),
            {"any": [clause("country", "=", "DE"), clause("country", "=", "AT")]},
        ]
    }
    compiled = compile_criteria(document)
    assert compiled.canonical == {
        "all": [clause("country", "in", ["at", "de"]), clause("followers", ">=", 500)]
    }
    assert compiled.criteria_hash == (
        "fa31afe15ebe74afd25d0d5c133e7dd5e67fe7dd040d124234e1f6016e21251e"
    )


@pytest.mark.parametrize(
    ("document", "canonical"),
    [
        ({"not": {"not": {"field": "bio", "op": "exists"}}}, ("bio", "exists", True)),
        ({"not": {"field": "bio", "op": "exists"}}, ("bio", "exists", False)),
        ({"not": {"field": "followers", "op": "<", "value": 5}}, ("followers", ">=", 5)),
        ({"field": "followers", "op": "BETWEEN", "value": [5.0, 5]}, ("followers", "=", 5)),
        ({"field": "is_bot", "op": "<>", "value": True}, ("is_bot", "=", False)),
        ({"field": "country", "op": "in", "value": ["DE", "de"]}, ("country", "=", "de")),
        ({"field": "hashtags", "op": "contains_all", "value": ["#Solar"]},
         ("hashtags", "contains any", ["solar"])),
        ({"field": "last_post_at", "op": ">", "value": "48 Hours ago"},
         ("last_post_at", ">", "2 days ago")),
        ({"field": "last_post_at", "op": ">", "value": "2026-01-31T01:00:00+01:00"},
         ("last_post_at", ">", "2026-01-31")),
        ({"field": "last_post_at", "op": ">", "value": "2026-01-31 09:30"},
         ("last_post_at", ">", "2026-01-31T09:30:00Z")),
    ],
)  # fmt: skip
def test_one_spelling_is_chosen(document: Json, canonical: tuple[str, str, object]) -> None:
    assert compile_criteria(document).canonical == clause(*canonical)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("between", [5, 10]), (">=", 7)], [("between", [7, 10])]),
        ([("between", [5, 10]), ("between", [7, 20])], [("between", [7, 10])]),
        ([("between", [5, 10]), ("<", 8)], [(">=", 5), ("<", 8)]),
        ([("between", [5, 10]), ("<=", 5)], [("=", 5)]),
    ],
)
def test_between_is_two_bounds(
    one: list[tuple[str, object]], other: list[tuple[str, object]]
) -> None:
    hashes = {
        compile_criteria({"all": [clause("followers", *part) for part in parts]}).criteria_hash
        for parts in (one, other)
    }
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            {
                "all": [
                    {"field": "bio", "op": "matches", "value": "solar energy"},
                    {"field": "followers", "op": ">=", "value": 5000},
                    {"not": {"field": "is_bot", "op": "=", "value": True}},
                    {"not": {"field": "hashtags", "op": "contains any", "value": ["a", "b"]}},
                ]
            },
            "bio matches “solar energy” and followers at least 5,000 and is not a bot "
            "and hashtags do not include any of “a” or “b”",
        ),
        (
            {
                "all": [
                    {"any": [clause_ := {"field": "posts", "op": "exists", "value": False},
                             {"field": "last_post_at", "op": ">", "value": "1 month ago"}]},
                    {"field": "account_created_at", "op": "<=", "value": "2026-01-31T09:30Z"},
                ]
            },
            "(last post less than 30 days ago or posts is unknown) "
            "and account created on or before 2026-01-31 09:30:00 UTC",
        ),
        ({"not": clause_}, "posts is known"),
        (
            {"field": "bio", "op": "starts with", "value": "a” or\nis a bot “"},
            "bio starts with “a\" or is a bot \"”",
        ),
        (
            {"field": "country", "op": "in", "value": [f"c{i:02}" for i in range(12)]},
            "country is any of " + ", ".join(f"“c{i:02}”" for i in range(10)) + " or 2 more",
        ),
    ],
)  # fmt: skip
def test_english_reads_well(document: Json, words: str) -> None:
    assert compile_criteria(document).english == words


def test_where_says_what_it_reads() -> None:
    compiled: Compiled = compile_criteria(
        {"all": [clause("bio", "matches", "x"), {"not": clause("text", "matches", "y")}]}
    )
    assert compiled.where.fields == {"bio", "text"}
    assert not compiled.where.drifts


def clause(field: str, op: str, value: object) -> Json:
    return {"field": field, "op": op, "value": value}
