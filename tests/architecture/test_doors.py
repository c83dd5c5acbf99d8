"""Which doors of a room are open to whom."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.tree import LAYERS, SOURCE, STAGES, imports, parsed, part, room

EDGE = ("work", "store", "ledger")  # `ledger`: the half of a store that only `work` uses
GUARDED = ("asyncio", "os", "pathlib", "random", "secrets", "socket", "subprocess", "time")
CLOCK_READERS = ("now", "utcnow", "today")


def role(name: str) -> str:
    """Return what a module is in its room: `store` for `store` and for `refresh_store`."""
    return name.split(".")[0].rpartition("_")[2]


def door_is_open(importer: str, imported: str) -> bool:
    """Tell whether one room may import this module of another."""
    guest, host, door = room(importer), room(imported), part(imported)
    if host == "base" or door.rpartition(".")[2] == "types":
        return True
    if host in STAGES:
        return guest == "flow" or (guest in ("api", "cli") and role(door) in ("store", "plan"))
    effect = guest in ("flow", "api", "cli", "jobs") or (
        guest in STAGES and role(part(importer)) in EDGE
    )
    match host:
        case "storage":
            return effect
        case "llm" | "connectors":
            return guest in ("flow", "cli") or (effect and door == "ports")
        case "jobs":
            return guest in ("flow", "cli") or (guest == "api" and door == "store")
        case "flow" | "embedded" | "ui":
            return guest == "cli"
        case "client":
            return guest in ("ui", "cli")
        case "api":
            return guest == "cli" or (guest == "client" and door.split(".")[0] == "schemas")
        case _:
            return False


def test_rooms_open_only_their_doors() -> None:
    closed = sorted(
        f"{importer} imports {imported}"
        for importer, imported in imports()
        if room(importer) and room(importer) != room(imported)
        and not door_is_open(importer, imported)
    )  # fmt: skip
    assert not closed, "\n".join(closed)


def test_inside_a_room_work_stands_above_store_and_plan_and_they_above_types() -> None:
    above = {"work": 3, "store": 2, "ledger": 2, "plan": 2, "types": 0}
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in imports()
        if room(importer) == room(imported) and room(importer) in STAGES
        and part(importer) and part(imported)
        and above.get(role(part(importer)), 1) <= above.get(role(part(imported)), 1)
        and not (role(part(importer)) not in above and role(part(imported)) not in above)
    ]  # fmt: skip
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_plans_have_no_clock_no_chance_and_no_outside_world(stage: str) -> None:
    for path in sorted((SOURCE / stage).rglob("*.py")):
        if role(path.stem) in EDGE:
            continue
        for node in ast.walk(parsed(path)):
            where = f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                assert not {a.name.split(".")[0] for a in node.names} & set(GUARDED), where
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in GUARDED, where
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in CLOCK_READERS, where
            elif isinstance(node, ast.AsyncFunctionDef | ast.Await):
                pytest.fail(f"{where}: asynchronous, so not a plan")


def test_every_folder_says_what_it_is_for() -> None:
    for layer in LAYERS:
        assert ast.get_docstring(parsed(SOURCE / layer / "__init__.py")), layer
