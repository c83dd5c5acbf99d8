"""`omni demo`: the whole script, and a second run on the data of the first."""

from __future__ import annotations

import re

import pytest

from tests.up_fixtures import Here, here

__all__ = ["here"]
pytestmark = pytest.mark.xdist_group("product")


def count(text: str, words: str) -> int:
    """Return the number that stands before `words` in the demo's output."""
    found = re.search(rf"(\d+|no) {words}", text)
    assert found, f"no number before {words!r} in:\n{text}"
    return 0 if found[1] == "no" else int(found[1])


@pytest.mark.timeout(400)
def test_the_demo_shows_every_step_and_keeps_its_data(here: Here) -> None:
    first = here.start("demo", "--exit")
    first.end(180)
    assert first.code == 0, first.text
    steps = re.split(r"^\d  ", first.text, flags=re.M)[1:]
    assert len(steps) == 8, first.text
    found = count(steps[1], "profiles read")
    assert found == count(steps[1], "new") > 50
    assert count(steps[2], "new verdicts") == count(steps[1], "candidates")
    assert count(steps[2], "leads") > 5
    assert count(steps[3], "new verdicts") == count(steps[3], "calls of the judge") == 0
    assert count(steps[4], "people came in") > 0
    assert count(steps[4], "left") > 0
    assert count(steps[4], "new verdicts") > 0
    assert count(steps[5], "approved") == count(steps[5], "sent") > 0
    assert count(steps[6], "people have answered") > 0
    assert "weights, version 1" in steps[7]
    assert "score" in steps[7]
    assert "@" in steps[7]

    second = here.start("demo", "--exit")
    second.end(180)
    assert second.code == 0, second.text
    steps = re.split(r"^\d  ", second.text, flags=re.M)[1:]
    assert "from an earlier run" in steps[0]
    assert count(steps[1], "unchanged") == found
    assert count(steps[3], "new verdicts") == 0
    assert count(steps[4], "people came in") > 0
    assert "Traceback" not in first.text + second.text
