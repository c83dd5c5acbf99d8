"""The language as JSON Schema (2020-12), made from the registry.

Every document that the schema takes compiles, but for what no schema can say: how deep groups are
nested and how many clauses and values there are in all (`x-limits`), that the lesser bound comes
first, and that a day exists. The compiler takes some spellings more than the schema (`CONTAINS_ALL`
for `contains all`, other ways to write a date); the canonical form is always within the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omni.predicate.registry import CODES, FIELDS, NEVER_NEGATIVE, OPERATORS, TEXT, operators_of
from omni.predicate.types import (
    HEAP_OF_SIGNS,
    MAX_CLAUSES,
    MAX_DEPTH,
    MAX_NUMBER,
    MAX_TEXT,
    MAX_VALUES,
    Operator,
)
from omni.profiles.types import FeatureField

ID = "urn:omni:criteria"

_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_FIXED = rf"^{_DAY}([T ]{_TIME}(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?$"
_AGO = r"^[1-9][0-9]{0,3} (hour|day|week|month|year)s? ago$"
_WORD = r"[^\s!-/:-@\[-`{-~]"
"""Something besides blanks and ASCII punctuation; the compiler wants a letter or a digit."""

_NO_NUL = r"^[^\u0000]*$"


def build_schema() -> dict[str, Any]:
    """Return the schema; `$defs` has one clause for each field and kind of value."""
    clauses = [f"clause_{name}" for name in FIELDS]
    defs: dict[str, Any] = {
        "criteria": {
            "oneOf": [
                _object("all", _group("Every part holds.")),
                _object("any", _group("At least one part holds.")),
                _object("not", {"$ref": "#/$defs/criteria", "title": "The part does not hold."}),
                {"$ref": "#/$defs/clause"},
            ]
        },
        "clause": {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in clauses]},
    }
    for name, field in zip(clauses, FIELDS.values(), strict=True):
        defs[name] = _clauses(field)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "Criteria",
        "description": "Whom a campaign looks for.",
        "$ref": "#/$defs/criteria",
        "x-limits": {"depth": MAX_DEPTH, "clauses": MAX_CLAUSES, "values": MAX_VALUES},
        "$defs": defs,
    }


def _object(key: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key: value},
        "required": [key],
        "additionalProperties": False,
    }


def _group(title: str) -> dict[str, Any]:
    return {
        "title": title,
        "type": "array",
        "items": {"$ref": "#/$defs/criteria"},
        "minItems": 1,
        "maxItems": MAX_CLAUSES,
    }


def _clauses(field: FeatureField) -> dict[str, Any]:
    """Return what may be asked of a field: operators with the same values stand together."""
    by_value: list[tuple[dict[str, Any], list[Operator]]] = []
    for op in operators_of(field):
        value = _value(field, op)
        same = next((ops for known, ops in by_value if known == value), None)
        if same is None:
            by_value.append((value, [op]))
        else:
            same.append(op)
    return {
        "title": field.label,
        "description": field.doc,
        "x-kind": field.kind,
        "oneOf": [_clause(field, ops, value) for value, ops in by_value],
    }


def _clause(field: FeatureField, ops: list[Operator], value: dict[str, Any]) -> dict[str, Any]:
    words = "; ".join(f"{op}: {OPERATORS[op].doc}" for op in ops)
    return {
        "type": "object",
        "properties": {
            "field": {"const": field.name},
            "op": {"enum": ops, "description": words},
            "value": value,
        },
        "required": ["field", "op"] if ops == ["exists"] else ["field", "op", "value"],
        "additionalProperties": False,
    }


def _value(field: FeatureField, op: Operator) -> dict[str, Any]:
    one = _one(field, op)
    match OPERATORS[op].shape:
        case "flag":
            return {"type": "boolean", "default": True}
        case "pair":
            return {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
        case "list":
            return {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_VALUES}
        case _:
            return one


def _one(field: FeatureField, op: Operator) -> dict[str, Any]:
    match field.kind:
        case "number":
            usual = {"x-usual-minimum": 0} if field.name in NEVER_NEGATIVE else {}
            return {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER, **usual}
        case "boolean":
            return {"type": "boolean"}
        case "date":
            fixed = {"type": "string", "pattern": _FIXED, "examples": ["2026-01-31"]}
            moving = {"type": "string", "pattern": _AGO, "examples": ["30 days ago"]}
            return fixed if op in ("=", "!=", "in", "not in") else {"anyOf": [fixed, moving]}
        case _:
            return _text(field, op)


def _text(field: FeatureField, op: Operator) -> dict[str, Any]:
    something = r"\S"
    if op in ("matches", "similar to"):
        something = _WORD
    elif field.name == "hashtags":
        something = r"[^\s#]"
    value: dict[str, Any] = {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_TEXT,
        "allOf": [{"pattern": something}, {"pattern": _NO_NUL}],
    }
    if op == "matches":
        value["not"] = {"pattern": HEAP_OF_SIGNS}
    if field.name in CODES:
        value |= {"description": CODES[field.name], "examples": [CODES[field.name][-2:]]}
    if field is TEXT or op == "matches":
        value |= {"examples": ["solar or climate", '"open source" -crypto']}
    return value
