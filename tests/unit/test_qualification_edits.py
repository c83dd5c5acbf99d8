"""Whose verdict an edit can change: by cases, and held against a judge that is asked again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.llm.rules import judge_facts
from omni.predicate.plan import compile_criteria
from omni.qualification.edits import edit_of, stands
from omni.qualification.seen import visible

FOLLOWERS = {"field": "followers", "op": ">=", "value": 100}
SOLAR = {"field": "bio", "op": "matches", "value": "solar"}
WIND = {"field": "bio", "op": "matches", "value": "wind"}
CORALS = {"field": "hashtags", "op": "contains any", "value": ["corals"]}


def view_of(bio: str, hashtags: list[str] | None = None) -> dict[str, Any]:
    return {"platform": "x", "name": "Mara", "bio": bio, "hashtags": hashtags or [], "posts": []}


def outlives(
    before: dict[str, Any],
    after: dict[str, Any],
    view: dict[str, Any],
    *,
    brief: str = "",
    reasons: list[dict[str, str]] | None = None,
) -> bool:
    old, new = compile_criteria(before).canonical, compile_criteria(after).canonical
    return stands(edit_of(old, new), view, brief, reasons or [])


ENGINEER = view_of("A solar engineer who drinks tea")


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ([SOLAR, FOLLOWERS], [SOLAR, {**FOLLOWERS, "value": 200}], True),
        ([SOLAR, FOLLOWERS], [SOLAR], True),
        ([SOLAR], [SOLAR, {"field": "is_bot", "op": "=", "value": False}], True),
        ([SOLAR], [{"any": [SOLAR, WIND]}], True),  # nobody reads of wind in this view
        ([SOLAR], [{"field": "bio", "op": "matches", "value": "solar or wind"}], True),
        ([SOLAR], [{"any": [SOLAR, {**WIND, "value": "tea"}]}], False),
        ([SOLAR], [SOLAR, {**WIND, "value": "engineer"}], False),
        ([SOLAR], [SOLAR, {"field": "text", "op": "matches", "value": "corals"}], False),
        ([SOLAR, {"field": "text", "op": "matches", "value": "corals"}], [SOLAR], False),
        ([SOLAR], [SOLAR, {"not": WIND}], True),
        ([SOLAR], [SOLAR, {"not": {**WIND, "value": "teas"}}], False),
        ([SOLAR], [{**SOLAR, "op": "similar to"}], False),
        ([SOLAR, CORALS], [{"any": [SOLAR, CORALS]}], False),
    ],
)
def test_an_edit_concerns_those_who_show_what_it_is_about(
    before: list[Any], after: list[Any], kept: bool
) -> None:
    assert outlives({"all": before}, {"all": after}, ENGINEER) is kept


def test_a_word_of_the_brief_or_a_reason_that_speaks_of_the_fact_lets_no_verdict_stand() -> None:
    wider = {"any": [SOLAR, WIND]}
    assert outlives(SOLAR, wider, ENGINEER)
    assert not outlives(SOLAR, wider, ENGINEER, brief="Engineers of wind parks")
    more = {"all": [SOLAR, FOLLOWERS]}
    assert outlives(SOLAR, more, ENGINEER, reasons=[{"criterion": "solar", "evidence": "solar"}])
    for reason in (
        {"criterion": "at least some Followers", "evidence": "x"},
        {"criterion": "reach", "evidence": '"followers": 120'},
    ):
        assert not outlives(SOLAR, more, ENGINEER, reasons=[reason])


def test_words_in_hashtags_and_in_scripts_without_spaces_are_heard() -> None:
    tagged = view_of("", ["reefcorals"])
    assert not outlives(SOLAR, {"any": [SOLAR, CORALS]}, tagged)
    japanese = view_of("海で珊瑚を撮る")
    assert not outlives(SOLAR, {"any": [SOLAR, {**WIND, "value": "珊瑚"}]}, japanese)
    assert outlives(SOLAR, {"any": [SOLAR, {**WIND, "value": "太陽"}]}, japanese)


WORDS = ("solar", "wind", "coral", "tea", "film", "running", "runner", "stamp")
Part = dict[str, Any]
some_words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True)


@st.composite
def clauses(draw: st.DrawFn) -> Part:
    values = draw(some_words)
    return draw(
        st.sampled_from(
            [
                {"field": "bio", "op": "matches", "value": " or ".join(values)},
                {"field": "bio", "op": "matches", "value": " ".join(values)},
                {"field": "hashtags", "op": "contains any", "value": values},
                {"field": "hashtags", "op": "contains all", "value": values},
                {"field": "followers", "op": ">=", "value": len(values)},
                {"not": {"field": "bio", "op": "matches", "value": "crypto"}},
            ]
        )
    )


@st.composite
def parts(draw: st.DrawFn) -> Part:
    alternatives = draw(st.lists(clauses(), min_size=1, max_size=3))
    return {"any": alternatives} if len(alternatives) > 1 else alternatives[0]


@settings(max_examples=600, deadline=None)
@given(
    kept=st.lists(parts(), min_size=0, max_size=2),
    before=st.lists(parts(), min_size=1, max_size=2),
    after=st.lists(parts(), min_size=1, max_size=2),
    bio=st.lists(st.sampled_from((*WORDS, "and", "crypto", "I", "love")), min_size=1, max_size=8),
    tags=st.lists(st.sampled_from(WORDS), max_size=3, unique=True),
    brief=st.lists(st.sampled_from(WORDS), max_size=2),
)
def test_who_is_asked_again_would_say_the_same_where_a_verdict_stands(
    kept: list[Any],
    before: list[Any],
    after: list[Any],
    bio: list[str],
    tags: list[str],
    brief: list[str],
) -> None:
    old = compile_criteria({"all": [*kept, *before]}).canonical
    new = compile_criteria({"all": [*kept, *after]}).canonical
    view, wanted = view_of(" ".join(bio), tags), " ".join(brief)
    said = [
        judge_facts({"criteria": criteria, "brief": wanted, "profile": visible(view)})
        for criteria in (old, new)
    ]
    if stands(edit_of(old, new), view, wanted, said[0]["reasons"]):
        assert (said[0]["qualified"], said[0]["score"]) == (said[1]["qualified"], said[1]["score"])
