"""`omni demo`: the whole script, and a second run on the data of the first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.up_fixtures import Here, here

__all__ = ["here"]
README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
README_FACTS = re.findall(r"^   (✓ .+)$", README.partition("\n6  Approve")[0], re.M)
"""What the README shows of the first five steps."""

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
    assert len(README_FACTS) == 6
    found = count(steps[1], "profiles read")
    assert found == count(steps[1], "new") > 50
    assert count(steps[2], "new verdicts") == count(steps[1], "candidates")
    assert count(steps[2], "leads") > 5
    assert count(steps[3], "new verdicts") == count(steps[3], "calls of the judge") == 0
    assert count(steps[4], "people came in") > 0
    assert count(steps[4], "left") > 0
    assert count(steps[4], "new verdicts") > 0
    assert count(steps[4], "new verdicts, ") < count(steps[4], "candidates")
    for line in README_FACTS:
        shape = re.sub(r"\d+", r"\\d+", re.escape(line))  # people write more from day to day
        assert re.search(shape, first.text), f"the README shows {line!r}, this is:\n{first.text}"
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
