"""Templates are small, safe and exact; foreign values cannot break out of their line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.base.errors import Rejected
from omni.dispatch.plan import check_template
from omni.dispatch.rules import checked_body
from omni.dispatch.template import (
    MAX_TEMPLATE,
    MAX_VALUE,
    MessageTemplate,
    Unrenderable,
    clean,
    one_line,
)

ANN: dict[str, str | None] = {
    "name": "Ann",
    "username": "ann.example",
    "platform": "synthetic",
    "reason": "climbs at weekends",
    "campaign": "Climbers",
}


def _render(source: str, platform: str = "synthetic", **changes: str | None) -> str:
    return MessageTemplate(source).render(platform, ANN | changes)


def test_variables_conditions_and_filters_are_rendered() -> None:
    source = (
        "Hi {{ name }}{% if reason is defined %}, you wrote “{{ reason }}”{% endif %}."
        "\n{{ 'Good' if platform == 'synthetic' else 'Bad' }} {{ campaign|upper }}"
    )
    assert _render(source) == "Hi Ann, you wrote “climbs at weekends”.\nGood CLIMBERS"
    assert _render(source, reason=None) == "Hi Ann.\nGood CLIMBERS"
    assert _render("{{ reason|default('you') }}", reason=None) == "you"
    assert _render("{{ name }} & <b>") == "Ann & <b>"


def test_a_value_that_is_unknown_for_one_person_skips_that_person_only() -> None:
    template = MessageTemplate("You wrote {{ reason }}")
    with pytest.raises(Unrenderable, match="reason"):
        template.render("synthetic", ANN | {"reason": None})
    assert template.render("synthetic", ANN) == "You wrote climbs at weekends"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("Hi {{ first_name }}", "unknown variable 'first_name'"),
        ("Hi {{ name", "unexpected end"),
        ("{{ name }} {% endif %}", "endif"),
        ("{{ name.__class__.__mro__ }}", "getattr"),
        ("{{ name['__class__'] }}", "getitem"),
        ("{{ name|attr('__class__') }}", "'attr'"),
        ("{{ self }}", "unknown variable 'self'"),
        ("{{ cycler.__init__.__globals__ }}", "getattr"),
        ("{{ range(9) }}", "call"),
        ("{% for x in name %}{{ x }}{% endfor %}", "for"),
        ("{% set name = 'x' %}", "assign"),
        ("{% include '/etc/passwd' %}", "include"),
        ("{% import 'os' as os %}", "import"),
        ("{% macro m() %}{% endmacro %}", "macro"),
        ("{{ 'a' * 1000000000 }}", "mul"),
        ("{{ '%1000000000d' % 1 }}", "mod"),
        ("{{ name|center(1000000000) }}", "'center'"),
        ("{{ name|replace('a', 'aaaaaaaaaa') }}", "'replace'"),
        ("{{ name is mapping }}", "'mapping'"),
        ("{{ name > 3 }}", "cannot be rendered"),
        ("{{ name|truncate('x') }}", "cannot be rendered"),
        ("{{ " + "(" * 2_000 + "name" + ")" * 2_000 + " }}", "longer|nested"),
        ("{{ " + "(" * 1_900 + "name" + ")" * 1_900 + " }}", "nested"),
        ("{% if name %}" * 190 + "{% endif %}" * 130, "template|nested"),
        ("x" * (MAX_TEMPLATE + 1), "longer"),
    ],
)
def test_what_is_no_harmless_template_is_refused_with_its_field(source: str, words: str) -> None:
    with pytest.raises(Rejected, match=words) as caught:
        check_template(source)
    assert caught.value.field == "message_template"
    assert "\n" not in str(caught.value)


def test_an_empty_template_is_fine() -> None:
    check_template("  \n")


@pytest.mark.parametrize(
    ("platform", "limit"), [("synthetic", 2_000), ("bluesky", 1_000), ("mastodon", 460)]
)
def test_a_text_that_the_platform_does_not_take_is_not_made(platform: str, limit: int) -> None:
    assert len(_render("x" * limit, platform)) == limit
    with pytest.raises(Unrenderable, match=str(limit)):
        _render("x" * (limit + 1), platform)
    with pytest.raises(Unrenderable, match="empty"):
        _render("{% if reason is undefined %}x{% endif %}", platform)


def test_signs_are_counted_as_people_see_them_and_bytes_as_the_wire_does() -> None:
    family, accents = "👨\u200d👩\u200d👧", "e" + "\u0301" * 30
    assert checked_body("bluesky", family * 500) == family * 500
    with pytest.raises(Rejected, match="1000 characters"):
        checked_body("bluesky", "é" * 1_001)
    with pytest.raises(Rejected, match="10000 bytes"):
        checked_body("bluesky", accents * 200)


def test_a_profile_cannot_speak_in_our_name() -> None:
    hostile = "Ann\n\n{{ campaign }} {% if %}\u202eevil\0\x1b[31m\ud800" + "z" * 5_000
    text = _render("Hi {{ name }}, hello.\nYours", name=hostile)
    first, last = text.split("\n")
    assert first.startswith("Hi Ann {{ campaign }} {% if %}evil[31mzzz")
    assert first.endswith("…, hello.")
    assert last == "Yours"
    assert len(text) < MAX_VALUE + 30


@given(st.text(max_size=2_000), st.text(max_size=400))
def test_no_value_makes_a_text_that_cannot_be_stored_or_sent(name: str, reason: str) -> None:
    text = _render("{{ name }}: {{ reason }} – {{ username }}", name=name, reason=reason)
    assert text == clean(text)
    text.encode("utf-8")
    assert all(unicodedata.category(c) not in ("Cc", "Cs") for c in text)
    assert one_line(one_line(name)) == one_line(name)


def test_an_edited_text_is_cleaned_and_bounded() -> None:
    assert checked_body("synthetic", " Hi\r\nyou\0\x07 ") == "Hi\nyou"
    for body in ("", " \0 \n", "x" * 2_001):
        with pytest.raises(Rejected) as caught:
            checked_body("synthetic", body)
        assert caught.value.field == "body"
