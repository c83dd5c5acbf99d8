"""Strict reading of a judge's answer: a verdict, or a refusal that says why it is none.

A refused answer is never read as "no".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import msgspec

from omni.qualification.seen import is_quoted, visible, visible_text
from omni.qualification.types import Reason, Refusal, Verdict

MAX_ANSWER = 16_000
"""The most characters of an answer; what the schema allows is shorter."""
MAX_REASONS = 5
MAX_CRITERION = 160
MAX_EVIDENCE = 240
MAX_RAW = 4_000
"""The most characters of an answer that are kept for people to look at."""

_Unit = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _ReasonShape(msgspec.Struct, forbid_unknown_fields=True):
    criterion: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CRITERION)]
    evidence: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_EVIDENCE)]


class _VerdictShape(msgspec.Struct, forbid_unknown_fields=True):
    reasons: Annotated[list[_ReasonShape], msgspec.Meta(max_length=MAX_REASONS)]
    qualified: bool
    score: _Unit
    confidence: _Unit


def read_verdict(text: str, complete: bool, view: Mapping[str, Any]) -> Verdict | Refusal:
    """Read an answer.

    Args:
        text: The answer as it came, from a model that a stranger's text may have led astray.
        complete: False where the server says that it was cut off.
        view: The person's view; evidence must be found in what the judge was shown of it.

    Returns:
        A verdict whose every reason quotes the profile truly, or why the answer is none.
    """
    if not complete:
        return Refusal("cut off before its end")
    if len(text) > MAX_ANSWER:
        return Refusal(f"longer than {MAX_ANSWER} characters")
    try:
        shape = msgspec.convert(_strict_json(text), _VerdictShape)
    except msgspec.ValidationError as error:
        return Refusal(f"not of the schema: {_storable(str(error), 300)}")
    except (ValueError, RecursionError) as error:
        return Refusal(f"not JSON: {_storable(str(error), 300)}")
    return _with_true_quotes(shape, view)


def keepable(raw: str) -> str:
    """Return an answer as it may be stored: bounded, and without what Postgres cannot hold."""
    return _storable(raw, MAX_RAW)


def _with_true_quotes(shape: _VerdictShape, view: Mapping[str, Any]) -> Verdict | Refusal:
    shown = visible(view)
    reasons = tuple(
        Reason(criterion, visible_text(reason.evidence).strip())
        for reason in shape.reasons
        if (criterion := visible_text(reason.criterion).strip())
        and is_quoted(reason.evidence, shown)
    )
    if shape.qualified and not reasons:
        return Refusal("says yes without one quote that is found in the profile")
    return Verdict(shape.qualified, shape.score, shape.confidence, reasons)


def _strict_json(text: str) -> Any:
    """Parse JSON as RFC 8259 has it, and refuse what parsers disagree about.

    Raises:
        ValueError: Not one JSON text, a key twice, NaN, an infinity.
        RecursionError: Nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _storable(text: str, limit: int) -> str:
    cut = text[:limit].replace("\x00", "�")
    return cut.encode("utf-8", "replace").decode("utf-8")
