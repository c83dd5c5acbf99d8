"""Many rows: memory stays bounded, and every row is accounted for."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

FULL = os.environ.get("OMNI_TEST_LONG") == "1"
MAX_MB = 160
"""Of a process that reads a file of any length, Parquet's library included."""

READ = """
import json, sys
from pathlib import Path
from omni.connectors.file.desk import Reader
from omni.connectors.file.guess import guess
from omni.connectors.file.reading import inspect
path = Path(sys.argv[1])
shape = inspect(path, path.name)
reader = Reader(path, shape, guess(shape.columns, ()), ())
def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024
before = peak()
rows = people = problems = 0
while part := reader.take(500):
    rows, people = rows + part.rows, people + len(part.people)
    problems += len(part.problems)
after = peak()
print(json.dumps({"rows": rows, "people": people, "problems": problems, "mb": [before, after]}))
"""


def told_of(path: Path) -> dict[str, Any]:
    """Read a file in a process of its own; return what it came to, and the memory it took."""
    ran = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    print(ran.stdout)
    return json.loads(ran.stdout)


@pytest.mark.long
@pytest.mark.parametrize("rows", [500_000 if FULL else 50_000])
def test_a_long_file_is_read_in_bounded_memory(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "people.csv"
    with path.open("w") as file:
        file.write("id,name,bio,followers\n")
        for number in range(rows):
            who = number if number % 1_000 else 0
            file.write(f'p{who},Person {number},"writes\nabout, everything",{number}\n')
    told = told_of(path)
    doubles = rows // 1_000 - 1
    assert told["rows"] == rows
    assert (told["people"], told["problems"]) == (rows - doubles, doubles)
    before, after = told["mb"]
    assert after <= MAX_MB
    assert after - before <= 60


@pytest.mark.long
def test_one_row_group_of_different_texts_is_read_page_by_page(tmp_path: Path) -> None:
    rows, dice = 300_000 if FULL else 60_000, random.Random(1)
    people = [{"id": f"p{n}", "bio": dice.randbytes(400).hex()} for n in range(rows)]
    path = tmp_path / "people.parquet"
    pq.write_table(pa.Table.from_pylist(people), path, row_group_size=rows)
    told = told_of(path)
    assert (told["rows"], told["people"]) == (rows, rows)
    assert told["mb"][1] <= MAX_MB


def test_a_text_that_all_rows_share_fills_no_memory(tmp_path: Path) -> None:
    rows, long = 300, "x" * 1_000_000
    people = [{"id": f"p{n}", "bio": long} for n in range(rows)]
    path = tmp_path / "people.parquet"
    pq.write_table(pa.Table.from_pylist(people), path, store_schema=False)
    assert path.stat().st_size < 1_000_000
    told = told_of(path)
    assert (told["people"], told["problems"]) == (rows, rows)
    assert told["mb"][1] <= MAX_MB
