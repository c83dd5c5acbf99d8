"""Cursors come back as they went, and nothing else is taken for one."""

from __future__ import annotations

import math
import struct
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.api.cursors import (
    id_cursor,
    read_id_cursor,
    read_score_cursor,
    read_time_cursor,
    score_cursor,
    time_cursor,
)
from omni.base.errors import Rejected

IDS = st.integers(1, 2**63 - 1)


@given(st.floats(allow_nan=False, allow_infinity=False), IDS)
def test_a_score_cursor_keeps_every_bit(score: float, last_id: int) -> None:
    assert read_score_cursor(score_cursor(score, last_id)) == (score, last_id)


@given(IDS)
def test_an_id_cursor_comes_back(last_id: int) -> None:
    assert read_id_cursor(id_cursor(last_id)) == last_id


@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2200, 1, 1)), st.uuids()
)  # fmt: skip
def test_a_time_cursor_keeps_the_microseconds(moment: datetime, last_id: UUID) -> None:
    moment = moment.replace(tzinfo=UTC)
    assert read_time_cursor(time_cursor(moment, last_id)) == (moment, last_id)


def test_no_cursor_is_the_first_page() -> None:
    assert read_score_cursor(None) is read_id_cursor(None) is read_time_cursor(None) is None


def _packed(layout: str, *values: object) -> str:
    return urlsafe_b64encode(struct.pack(layout, *values)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "abc def",
        "é" * 22,
        "A" * 21,
        "A" * 23,
        score_cursor(0.5, 7) + "=",
        " " + score_cursor(0.5, 7),
        score_cursor(0.5, 7)[:-1] + "_",
        id_cursor(7),
        _packed(">dq", math.nan, 7),
        _packed(">dq", math.inf, 7),
        _packed(">dq", 0.5, 0),
        _packed(">dq", 0.5, -1),
    ],
)
def test_anything_else_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_score_cursor(cursor)
    assert caught.value.field == "cursor"


def test_a_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(Rejected):
        read_time_cursor(_packed(">q16s", 2**62, b"x" * 16))
