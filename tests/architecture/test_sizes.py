"""No file over 400 lines, no function over 80."""

from __future__ import annotations

import ast

from tests.architecture.tree import ROOT, parsed, python_files

FOLDERS = ("src", "tests", "benchmarks", "migrations")
FILE_LINES = 400
FUNCTION_LINES = 80


def test_files_and_functions_stay_small() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in python_files(*FOLDERS)
        if (lines := len(path.read_text("utf-8").splitlines())) > FILE_LINES
    ]
    long += [
        f"{path.relative_to(ROOT)}: {node.name} has {lines} lines"
        for path in python_files(*FOLDERS)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert not long, "\n".join(long)


def test_query_files_stay_small() -> None:
    for path in (ROOT / "src").rglob("*.sql"):
        assert len(path.read_text("utf-8").splitlines()) <= FILE_LINES, path
