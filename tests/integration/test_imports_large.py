"""Many rows: memory stays bounded, and every row is accounted for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = os.environ.get("OMNI_TEST_LONG") == "1"
MAX_MB = 160
"""Of a process that reads a file of any length, Parquet's library included."""

READ = """
import json, resource, sys
from pathlib import Path
from omni.connectors.file.desk import Reader
from omni.connectors.file.guess import guess
from omni.connectors.file.reading import inspect
path = Path(sys.argv[1])
shape = inspect(path, path.name)
reader = Reader(path, shape, guess(shape.columns, ()), ())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
rows = people = problems = 0
while part := reader.take(500):
    rows, people = rows + part.rows, people + len(part.people)
    problems += len(part.problems)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({"rows": rows, "people": people, "problems": problems, "mb": [before, after]}))
"""


@pytest.mark.long
@pytest.mark.parametrize("rows", [500_000 if FULL else 50_000])
def test_a_long_file_is_read_in_bounded_memory(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "people.csv"
    with path.open("w") as file:
        file.write("id,name,bio,followers\n")
        for number in range(rows):
            who = number if number % 1_000 else 0
            file.write(f'p{who},Person {number},"writes\nabout, everything",{number}\n')
    ran = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    told = json.loads(ran.stdout)
    print(told)
    doubles = rows // 1_000 - 1
    assert told["rows"] == rows
    assert (told["people"], told["problems"]) == (rows - doubles, doubles)
    before, after = told["mb"]
    assert after <= MAX_MB
    assert after - before <= 60
