"""Bad criteria: each is refused with the path of what is wrong and with a mend."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.base.errors import Rejected
from omni.predicate.plan import compile_criteria
from tests.predicate_fixtures import Json

GOOD: Json = {"field": "followers", "op": ">=", "value": 500}


def nested(head: str, levels: int) -> object:
    document: object = GOOD
    for _ in range(levels):
        document = {head: document if head == "not" else [document]}
    return document


def clause(field: object, op: object, value: object) -> Json:
    return {"field": field, "op": op, "value": value}


BAD: list[tuple[str, object, str, str]] = [
    ("null", None, "criteria", "must be an object"),
    ("a list", [GOOD], "criteria", "must be an object"),
    ("nothing", {}, "criteria", "names no test"),
    ("an empty group", {"all": []}, "criteria.all", "must not be empty"),
    ("an empty group inside", {"any": [GOOD, {"all": []}]}, "criteria.any[1].all", "empty"),
    ("no list", {"all": GOOD}, "criteria.all", "must be a list"),
    ("two heads", {"all": [GOOD], "any": [GOOD]}, "criteria", "both all and any"),
    ("an extra key", {**GOOD, "oops": 1}, "criteria", "“oops” does not belong"),
    ("an unknown field", clause("folowers", "=", 1), "criteria.field", "did you mean followers"),
    ("SQL for a field", clause("bio; drop", "=", 1), "criteria.field", "there is no field"),
    ("a field of a wrong type", clause(["bio"], "=", 1), "criteria.field", "there is no field"),
    ("an unknown operator", clause("bio", "like", "x"), "criteria.op", "use =, !="),
    ("an unfit operator", clause("bio", "<", "x"), "criteria.op", "no operator “<”"),
    ("a part of a code", clause("country", "starts with", "d"), "criteria.op", "use =, !=, in"),
    ("a list of operators", clause("bio", ["="], "x"), "criteria.op", "no operator a list"),
    ("no value", {"field": "bio", "op": "="}, "criteria.value", "needs a value"),
    ("a quoted number", clause("followers", ">", "500"), "criteria.value", "without quotes"),
    ("true for a number", clause("followers", ">", True), "criteria.value", "needs a number"),
    ("a number for true", clause("is_bot", "=", 1), "criteria.value", "needs true or false"),
    ("a number for text", clause("bio", "=", 1), "criteria.value", "needs text"),
    ("NaN", clause("posts", "=", float("nan")), "criteria.value", "within ±"),
    ("infinity", clause("posts", "=", float("inf")), "criteria.value", "within ±"),
    ("beyond bigint", clause("posts", "=", 2**63), "criteria.value", "within ±"),
    ("beyond float", clause("posts", "=", 10**400), "criteria.value", "within ±"),
    ("a list for one", clause("posts", "=", [1]), "criteria.value", "one value"),
    ("one for a list", clause("posts", "in", 1), "criteria.value", "a list"),
    ("an empty list", clause("posts", "in", []), "criteria.value", "at least one"),
    ("a bad element", clause("posts", "in", [1, "2"]), "criteria.value[1]", "without quotes"),
    ("three bounds", clause("posts", "between", [1, 2, 3]), "criteria.value", "two values"),
    ("reversed bounds", clause("posts", "between", [2, 1]), "criteria.value", "swap them"),
    ("a reversed range of time", clause("last_post_at", "between", ["1 day ago", "9 days ago"]),
     "criteria.value", "swap them"),
    ("blank text", clause("bio", "=", " "), "criteria.value", "not blank"),
    ("NUL", clause("bio", "=", "a\0b"), "criteria.value", "NUL"),
    ("half a surrogate pair", clause("bio", "=", "\ud83d"), "criteria.value", "surrogate"),
    ("half a pair for a field", clause("\ud83d", "=", 1), "criteria.field", "no field"),
    ("long text", clause("bio", "=", "x" * 501), "criteria.value", "longer than 500"),
    ("text that grows", clause("hashtags", "contains any", ["İ" * 300]), "criteria.value[0]",
     "longer than 500"),
    ("no words", clause("bio", "matches", "!?"), "criteria.value", "a letter or a digit"),
    ("a heap of nots", clause("bio", "matches", "a " + "- !" * 17 + "b"), "criteria.value",
     "at most 16 “-”"),
    ("only a hash", clause("hashtags", "contains any", ["#"]), "criteria.value[0]", "not blank"),
    ("no date", clause("last_post_at", "<", "soon"), "criteria.value", "such as 2026-01-31"),
    ("year 0", clause("last_post_at", "<", "0001-01-01T00:00+01:00"), "criteria.value", "date"),
    ("a moving equal", clause("last_post_at", "=", "3 days ago"), "criteria.value", "use <"),
    ("too long ago", clause("last_post_at", "<", "101 years ago"), "criteria.value", "100 years"),
    ("exists maybe", clause("bio", "exists", "yes"), "criteria.value", "true or false"),
    ("text has no equal", clause("text", "=", "x"), "criteria.op", "use matches"),
    ("too many clauses", {"all": [GOOD] * 201}, "criteria.all", "at most 200 clauses"),
    ("too many in all", {"all": [{"any": [GOOD] * 150}] * 2}, "criteria.all[1].any[50]", "200"),
    ("too many values", clause("posts", "in", [1] * 1_000_000), "criteria.value", "1,000 values"),
    ("too many values in all", {"all": [clause("posts", "in", [*range(600)])] * 2},
     "criteria.all[1].value", "1,000 values"),
    ("1,000 groups deep", nested("all", 1_000), "criteria" + ".all[0]" * 8, "8 levels of groups"),
    ("1,000 nots deep", nested("not", 1_000), "criteria" + ".not" * 8, "8 levels of not"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "path", "words"), [pytest.param(*case, id=name) for name, *case in BAD]
)
def test_bad_criteria_are_refused_with_their_path_and_a_mend(
    document: object, path: str, words: str
) -> None:
    with pytest.raises(Rejected) as refused:
        compile_criteria(document)
    assert refused.value.field == path
    assert words in str(refused.value)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 500


def test_the_path_leads_to_the_clause_in_the_depth() -> None:
    document = {"all": [GOOD, GOOD, {"any": [{"not": {"all": [clause("posts", "=", "x")]}}]}]}
    with pytest.raises(Rejected) as refused:
        compile_criteria(document)
    assert refused.value.field == "criteria.all[2].any[0].not.all[0].value"


@pytest.mark.parametrize("head", ["all", "any", "not"])
def test_the_bound_of_depth_itself_is_fine(head: str) -> None:
    assert compile_criteria(nested(head, 8)).canonical == GOOD


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["bio", "followers", "=", "in", "exists", "30 days ago"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["all", "any", "not", "field", "op", "value", "x"]), inner),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
@settings(max_examples=500, deadline=None)
def test_any_json_is_compiled_or_refused(document: object) -> None:
    path, compiled = "criteria", None
    try:
        compiled = compile_criteria(document)
    except Rejected as refused:
        path = str(refused.field)
    assert path.startswith("criteria")
    assert compiled is None or compile_criteria(compiled.canonical) == compiled
