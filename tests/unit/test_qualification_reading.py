"""Reading an answer: a verdict, or no verdict at all; never a false one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.qualification.reading import MAX_ANSWER, MAX_RAW, keepable, read_verdict
from omni.qualification.types import Reason, Refusal, Verdict

VIEW: dict[str, Any] = {
    "name": "Mara Ødegård",
    "bio": "Landscape  photographer.\nI shoot <film> in the “mountains”.",
    "followers": 1200,
    "is_bot": False,
    "hashtags": ["film", "ai"],
    "posts": ["写真が好きです", "Rolls drying in the bath"],
}
TRUE_QUOTE = {"criterion": "brief: film", "evidence": "i shoot <FILM>"}


def answer(**changes: Any) -> str:
    verdict = {"reasons": [TRUE_QUOTE], "qualified": True, "score": 0.9, "confidence": 0.8}
    return json.dumps(verdict | changes)


def read(text: str) -> Verdict | Refusal:
    return read_verdict(text, complete=True, view=VIEW)


def test_a_good_answer_is_a_verdict() -> None:
    expected = Verdict(True, 0.9, 0.8, (Reason("brief: film", "i shoot <FILM>"),))
    assert read(f" {answer()}\n") == expected
    assert isinstance(read(answer(score=1, confidence=0)), Verdict)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("I think that this person fits.", "not JSON"),
        ("<html>502 Bad Gateway</html>", "not JSON"),
        (f"```json\n{answer()}\n```", "not JSON"),
        (answer() + answer(), "not JSON"),
        (answer() + " I hope this helps!", "not JSON"),
        (answer()[:-20], "not JSON"),
        (answer()[:10] + " " * 3_000, "not JSON"),
        (" " * (MAX_ANSWER + 1), "longer than"),
        (answer(reasons=[{"criterion": "x" * 10_000_000, "evidence": "film"}]), "longer than"),
        ("[" * 9_000, "not JSON"),
        ("null", "schema"),
        ("[]", "schema"),
        ("true", "schema"),
        ('{"score": 0.9, ' + answer()[1:], "twice"),
        ('{"qualified": false, ' + answer()[1:], "twice"),
        (answer().replace('"criterion"', '"evidence": "film", "criterion"'), "twice"),
        (answer(score=float("nan")), "NaN"),
        (answer(score=float("inf")), "Infinity"),
        (answer().replace("0.9", "1e999"), "schema"),
        (answer().replace("0.9", "9" * 400), "schema"),
        (answer().replace("0.9", "9" * 6_000), "not JSON"),
        (answer(score=1.01), "schema"),
        (answer(score=-0.01), "schema"),
        (answer(score=70), "schema"),
        (answer(confidence=2), "schema"),
        (answer(score="0.9"), "schema"),
        (answer(score=True), "schema"),
        (answer(score=None), "schema"),
        (answer(qualified="yes"), "schema"),
        (answer(qualified=1), "schema"),
        (answer(reasons="film"), "schema"),
        (answer(reasons=["film"]), "schema"),
        (answer(reasons=[TRUE_QUOTE] * 6), "schema"),
        (answer(reasons=[{"criterion": "film"}]), "schema"),
        (answer(reasons=[TRUE_QUOTE | {"criterion": ""}]), "schema"),
        (answer(reasons=[TRUE_QUOTE | {"evidence": "film" * 61}]), "schema"),
        (answer(reasons=[TRUE_QUOTE | {"weight": 1}]), "schema"),
        (answer(note="also"), "schema"),
        (json.dumps({"qualified": False}), "schema"),
        (answer(reasons=[]), "without one quote"),
    ],
)
def test_anything_else_is_no_verdict(text: str, why: str) -> None:
    reading = read(text)
    assert isinstance(reading, Refusal)
    assert why in reading.reason
    assert len(reading.reason) < 400


def test_a_truncated_answer_is_no_verdict_even_if_it_parses() -> None:
    assert isinstance(read_verdict(answer(), complete=False, view=VIEW), Refusal)


@pytest.mark.parametrize(
    "evidence",
    [
        "Landscape photographer. I shoot <film>",
        "LANDSCAPE PHOTOGRAPHER",
        "the “mountains”",
        "mara ødegård",
        "写真",
        "followers: 1200",
        '"followers": 1200',
        "is_bot: false",
        "ai",
    ],
)
def test_quotes_that_stand_in_the_profile_are_kept(evidence: str) -> None:
    reading = read(answer(reasons=[{"criterion": "c", "evidence": evidence}]))
    assert isinstance(reading, Verdict)
    assert len(reading.reasons) == 1


@pytest.mark.parametrize(
    "evidence",
    ["portrait photographer", "followers: 12000", "is_bot: true", "la", "…", "\u200b", " ", "1200",
     "film, mountains", "photographer. Rolls drying"],
)  # fmt: skip
def test_quotes_that_do_not_are_dropped(evidence: str) -> None:
    invented = {"criterion": "c", "evidence": evidence}
    both = read(answer(reasons=[invented, TRUE_QUOTE]))
    assert isinstance(both, Verdict)
    assert [reason.evidence for reason in both.reasons] == [TRUE_QUOTE["evidence"]]
    assert isinstance(read(answer(reasons=[invented])), Refusal)
    no = read(answer(reasons=[invented], qualified=False, score=0.1))
    assert no == Verdict(False, 0.1, 0.8, ())


@given(st.text(max_size=400))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert isinstance(read(text), Refusal | Verdict)


@given(st.text(), st.text())
def test_what_is_kept_can_be_stored(criterion: str, evidence: str) -> None:
    odd = '{"a": "\\ud800\\u0000' + evidence
    assert "\x00" not in keepable(odd + "\x00\ud800")
    assert len(keepable(odd * 900 + "\ud800").encode("utf-8")) <= 4 * MAX_RAW
    reading = read(answer(reasons=[{"criterion": criterion + "\x00\ud800", "evidence": "film"}]))
    if isinstance(reading, Verdict):
        for reason in reading.reasons:
            assert "\x00" not in reason.criterion + reason.evidence
            (reason.criterion + reason.evidence).encode("utf-8")
