"""docs/criteria.md tells of every field, operator and bound, and its example compiles."""

from __future__ import annotations

import json
import re
from pathlib import Path

from omni.predicate.plan import compile_criteria, list_fields
from omni.predicate.registry import OPERATORS
from omni.predicate.types import MAX_CLAUSES, MAX_DEPTH, MAX_TEXT, MAX_VALUES

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "criteria.md").read_text("utf-8")


def test_every_field_and_operator_has_its_row() -> None:
    for field, _ in list_fields():
        assert f"| `{field.name}` | {field.kind} | {field.doc} |" in TEXT
    for name, operator in OPERATORS.items():
        assert re.search(rf"^\| `{re.escape(name)}` \|.*{re.escape(operator.doc)} \|$", TEXT, re.M)


def test_the_bounds_are_those_that_hold() -> None:
    plain = " ".join(TEXT.split())
    bounds = f"{MAX_DEPTH} levels of groups, {MAX_CLAUSES} clauses, {MAX_VALUES:,} values, "
    assert f"{bounds}{MAX_TEXT} characters in a value" in plain


def test_the_example_means_what_the_preview_says() -> None:
    blocks = re.findall(r"```json\n(.*?)```", TEXT, re.S)
    assert compile_criteria(json.loads(blocks[0])).english == json.loads(blocks[1])["english"]
