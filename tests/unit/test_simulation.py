"""Weeks of sending on virtual time: what must hold holds, and the checks do find what does not."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from omni.base.errors import Rejected
from omni.cli.simulate import simulate
from omni.flow import simulation
from omni.flow.simulation import checks, drawing, run
from omni.flow.simulation.picture import picture
from omni.flow.simulation.types import Call, Pause, Simulated, Trace

FOLDER = Path(simulation.__file__).parent


@cache
def month() -> Simulated:
    """Thirty days in which everything goes wrong and comes back."""
    return run.simulate(run.lively(seed=3))


def broken(simulated: Simulated) -> list[str]:
    return [check.name for check in checks.check_all(simulated) if check.broken_by]


def test_a_month_across_a_clock_change_breaks_nothing() -> None:
    simulated = month()
    assert broken(simulated) == []
    assert simulated.trace.counts["workers killed"] > 10
    assert simulated.trace.counts["held: quiet hours where they are"] > 100
    assert simulated.trace.counts["held: no hour suits both"] > 10
    assert simulated.trace.counts["came back: opt_out"] > 50
    assert {call.taken for call in simulated.trace.calls} == {"yes", "no", "perhaps"}
    looked_at = {check.name: check.looked_at for check in checks.check_all(simulated)}
    assert min(looked_at.values()) > 10, looked_at


def test_the_same_scenario_happens_in_the_same_way() -> None:
    first, again = (run.simulate(run.lively(seed=5, days=3)) for _ in range(2))
    other = run.simulate(run.lively(seed=6, days=3))
    assert first.trace == again.trace
    assert first.trace != other.trace


def test_the_whole_budget_is_used_where_there_is_enough_to_send() -> None:
    by_the_hour = run.sender(5, "web", "hourly", hourly_limit=5, daily_limit=120, weekly_limit=840)
    scenario = run.busy(days=5)
    senders = (*scenario.senders, by_the_hour)
    simulated = run.simulate(replace(scenario, senders=senders, leads_at_start=400))
    assert broken(simulated) == []
    assert min(checks.utilisation(simulated).values()) >= 0.99


def test_what_was_approved_and_waits_names_its_gate() -> None:
    waiting = [m for m in month().messages if m.state == "approved"]
    assert len(waiting) > 100
    assert all(m.held_by for m in waiting)


def _twice(calls: list[Call]) -> list[Call]:
    return [*calls, replace(calls[-1], order=calls[-1].order + 1)]


def _hurried(calls: list[Call]) -> list[Call]:
    return [replace(calls[50], wire_at=call.wire_at) for call in calls]


def _unapproved(calls: list[Call]) -> list[Call]:
    return [replace(calls[0], text_hash="other"), *calls[1:]]


def _at_night(calls: list[Call]) -> list[Call]:
    return [replace(call, read_at=call.read_at + timedelta(hours=12)) for call in calls]


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (_twice, "nobody gets a step twice"),
        (_hurried, "no window of any account holds more than its limit"),
        (_unapproved, "what goes out was approved, word by word"),
        (_at_night, "nothing goes out in quiet hours or on quiet days"),
        (_at_night, "nobody is written to in quiet hours where they are"),
    ],
)
def test_a_breach_on_the_wire_is_found(
    wrong: Callable[[list[Call]], list[Call]], found: str
) -> None:
    simulated = month()
    trace = replace(simulated.trace, calls=wrong(simulated.trace.calls))
    assert found in broken(replace(simulated, trace=trace))


def test_a_breach_of_what_people_decided_is_found() -> None:
    simulated = month()
    call = next(call for call in simulated.trace.calls if call.taken == "yes" and call.step == 1)
    trace = replace(
        simulated.trace,
        suppressed={call.person: call.order - 1},
        replied={call.person: call.order - 1},
        unwilling={call.person},
        pauses=[Pause("account", call.account_id, call.order - 1)],
    )
    assert set(broken(replace(simulated, trace=trace))) >= {
        "nobody who is suppressed is written to",
        "nobody who takes no messages is written to",
        "nobody who has answered gets another step",
        "what is paused sends nothing",
    }


def test_a_message_that_names_no_gate_is_found() -> None:
    simulated = month()
    messages = [replace(message, held_by=None) for message in simulated.messages]
    assert broken(replace(simulated, messages=tuple(messages))) == [
        "what was approved has ended, or names the gate that holds it"
    ]


def test_the_pictures_show_every_account_and_every_day() -> None:
    simulated = month()
    lines = list(picture(simulated))
    assert sum(line.count(" 10-25 ") for line in lines) == len(simulated.scenario.senders)
    drawn = ElementTree.fromstring(drawing.draw(simulated))
    words = " ".join(drawn.itertext())
    assert all(sender.account.handle in words for sender in simulated.scenario.senders)
    assert len(drawn.findall("{http://www.w3.org/2000/svg}rect[@class='sent']")) > 500


def test_a_simulation_knows_no_clock_and_no_outside_world() -> None:
    imported: set[str] = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in ("utcnow", "today"), path.name
    assert not imported & {"asyncio", "os", "time", "secrets", "omni.base.clock"}
    assert not [name for name in imported if name.startswith(("omni.storage", "omni.jobs"))]


def test_a_picture_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="there is no folder"):
        simulate(days=1, svg=tmp_path / "nowhere" / "sends.svg")


def test_an_approval_holds_from_where_it_was_given_to_where_it_was_voided() -> None:
    trace = Trace()
    for order, text in ((10, "a"), (30, None), (40, "b")):
        trace.approve(1, order, text)
    assert [trace.approved(1, at) for at in (10, 11, 30, 31, 41)] == [None, "a", "a", None, "b"]
    assert trace.approved(2, 11) is None
