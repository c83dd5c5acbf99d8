"""The project's files, and its folders in their order."""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "omni"

PLACED = configparser.ConfigParser()
PLACED.read(ROOT / ".importlinter")
LAYERS: tuple[str, ...] = tuple(PLACED["importlinter:contract:layers"]["layers"].split())
"""Top to bottom, as the import contract has them."""

STAGES = frozenset(LAYERS[LAYERS.index("weights") : LAYERS.index("connectors")])
"""The rooms that follow the grammar types, plan, store, work."""


def python_files(*folders: str) -> Iterator[Path]:
    """Yield the Python files of these folders of the project."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"), str(path))


@cache
def imports() -> frozenset[tuple[str, str]]:
    """Return every import inside the package as (importer, imported), full module names."""
    graph = grimp.build_graph("omni", cache_dir=None)
    return frozenset(
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    )


def room(module: str) -> str:
    """Return the folder that a module lives in: `leads` for `omni.leads.store`."""
    return module.split(".")[1] if "." in module else ""


def part(module: str) -> str:
    """Return what it is inside its room: `store` for `omni.leads.store`, empty for the room."""
    return module.partition(".")[2].partition(".")[2]
