"""The published JSON Schema and the compiler take the same documents."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from omni.base.errors import Rejected
from omni.predicate.plan import compile_criteria, criteria_schema
from omni.predicate.types import MAX_DEPTH
from tests.predicate_fixtures import EXAMPLES, Json, documents
from tests.unit.test_predicate_parse import BAD

pytestmark = pytest.mark.long

SCHEMA = criteria_schema()
VALIDATOR: Any = Draft202012Validator(SCHEMA)
BOUNDED = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
BEYOND = {
    "reversed bounds", "a reversed range of time", "too many in all", "too many values in all",
    "1,000 groups deep", "1,000 nots deep", "half a surrogate pair", "text that grows",
    "too long ago", "year 0", "NaN", "too many values",
}  # fmt: skip
"""What no schema can say: relations between values, sums, the calendar, composed forms; NaN is no
JSON, and a million values take the validator minutes."""


def takes(document: Any) -> bool:
    return bool(VALIDATOR.is_valid(document))


def compiles(document: object) -> bool:
    try:
        compile_criteria(document)
    except Rejected:
        return False
    return True


def test_it_is_a_schema_that_stands_alone() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["x-limits"]["depth"] == MAX_DEPTH


@given(documents())
@BOUNDED
def test_the_canonical_form_of_all_that_compiles_is_within_the_schema(document: Json) -> None:
    assert takes(compile_criteria(document).canonical)


@given(st.data())
@settings(BOUNDED, max_examples=EXAMPLES // 2)
def test_with_one_thing_changed_both_take_it_or_neither(data: st.DataObject) -> None:
    document = compile_criteria(data.draw(documents())).canonical
    changed = data.draw(_mutations(document))
    assume(not _is_another_spelling(changed))
    assert takes(changed) is compiles(changed)


@pytest.mark.parametrize(
    ("name", "document"), [pytest.param(name, doc, id=name) for name, doc, *_ in BAD]
)
def test_what_the_compiler_refuses_the_schema_refuses(name: str, document: object) -> None:
    if name not in BEYOND:
        assert not takes(document)


def _mutations(document: Json) -> st.SearchStrategy[Any]:
    places = list(_places(document, ()))
    return st.tuples(st.sampled_from(places), st.sampled_from(_CHANGES)).map(
        lambda chosen: _changed(document, *chosen)
    )


_DROP = object()
_CHANGES: tuple[Any, ...] = (
    _DROP, None, True, False, 3, -1, 2**53, 0.5, "", " ", "x", "#", "!?", "a\0b", "x" * 501, [],
    ["x"], [1], [1, 2], [1, 2, 3], ["2026-01-31", "2026-02-01"], {}, {"all": []}, "2026-01-31",
    "30 days ago", "followers", "bio", "is_bot", "hashtags", "text", "=", "exists", "between", "in",
    "matches", "contains any",
)  # fmt: skip


def _places(document: Any, path: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    inner: dict[Any, Any] = {}
    if isinstance(document, dict):
        inner = dict(cast("dict[Any, Any]", document))
    elif isinstance(document, list):
        inner = dict(list(enumerate(cast("list[Any]", document)))[:4])
    for key, value in inner.items():
        found += _places(value, (*path, key))
    return found


def _changed(document: Json, path: tuple[Any, ...], change: Any) -> Any:
    fresh: Any = copy.deepcopy(document)
    inner = fresh
    for key in path[:-1]:
        inner = inner[key]
    if change is _DROP:
        del inner[path[-1]]
    else:
        inner[path[-1]] = change
    return fresh


def _is_another_spelling(document: Any) -> bool:
    """Whether a bound is said that no schema can say: here, reversed bounds of a changed clause."""
    try:
        compile_criteria(document)
    except Rejected as refused:
        return "swap them" in str(refused)
    return False
