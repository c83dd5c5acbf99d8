"""The form of criteria shows all of a document, or leaves it to the JSON view."""

from __future__ import annotations

from typing import Any

import pytest

from omni.client.models import CriteriaField
from omni.predicate.plan import compile_criteria, list_fields
from omni.ui.rows import to_groups

FIELDS = {
    field.name: CriteriaField(
        name=field.name, label=field.label, kind=field.kind, doc=field.doc, operators=[*operators]
    )
    for field, operators in list_fields()
}
FOLLOWERS = {"field": "followers", "op": ">=", "value": 5}
NAMES = {"field": "display_name", "op": "in", "value": ["Ada", "Bo"]}
AGED = {"field": "account_created_at", "op": "between", "value": ["2 years ago", "30 days ago"]}
KNOWN = {"field": "bio", "op": "exists", "value": True}


def meaning(document: object) -> str:
    return compile_criteria(document).criteria_hash


@pytest.mark.parametrize(
    "document",
    [
        FOLLOWERS,
        {"not": KNOWN},
        {"not": FOLLOWERS},
        {"all": [FOLLOWERS, {"any": [NAMES, AGED]}, {"not": {"any": [KNOWN, FOLLOWERS]}}]},
        {"any": [{"all": [FOLLOWERS, {"not": KNOWN}]}, NAMES]},
    ],
)
def test_what_has_rows_means_the_same_in_them(document: dict[str, Any]) -> None:
    group = to_groups(document, FIELDS)
    assert group is not None
    assert meaning(group.document()) == meaning(document)


@pytest.mark.parametrize(
    "document",
    [
        {"all": [{"any": [{"all": [FOLLOWERS, NAMES]}, KNOWN]}]},
        {"all": [{"any": [{"not": {"any": [FOLLOWERS, NAMES]}}, KNOWN]}]},
        {"not": {"all": [FOLLOWERS, NAMES]}},
        {"not": {"not": FOLLOWERS}},
        {"all": [FOLLOWERS], "any": [NAMES]},
        {**FOLLOWERS, "field": "shoe_size"},
        {**FOLLOWERS, "op": "≥"},
        {**FOLLOWERS, "value": "5"},
        {**FOLLOWERS, "value": [5, 6]},
        {**FOLLOWERS, "because": "x"},
        {**NAMES, "value": ["Lovelace, Ada"]},
        {**NAMES, "value": "Ada"},
        {**AGED, "value": ["2 years ago"]},
        {"field": "bio", "op": "=", "value": "two\nlines"},
    ],
)
def test_what_has_no_rows_is_left_alone(document: dict[str, Any]) -> None:
    assert to_groups(document, FIELDS) is None
