"""Rows from files, one by one, whatever is in them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import cast

import msgspec

from omni.base.errors import Rejected
from omni.connectors.file.lines import (
    MAX_LINE,
    check_is_text,
    count_lines,
    detect_delimiter,
    detect_encoding,
    read_lines,
)
from omni.connectors.file.parquet import is_parquet, parquet_rows, parquet_shape
from omni.connectors.file.people import text_or_none
from omni.connectors.file.types import Format, Problem, Row, Shape

MAX_COLUMNS = 500
_JSONL_SAMPLE = 200
_DEPTH = 3
_FORMATS: Mapping[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def inspect(path: Path, name: str) -> Shape:
    """Find out how a file is to be read.

    Args:
        path: Where it is.
        name: What its owner calls it; the ending decides, where the content does not.

    Raises:
        Rejected: It is empty, or nothing that can be read.
    """
    if path.stat().st_size == 0:
        raise Rejected("the file is empty", field="file")
    shape = _shape(path, Path(name).suffix.lower())
    if not any(_says_something(row) for row in read_rows(path, shape)):
        raise Rejected("the file names its columns and has no rows below them", field="file")
    return shape


def _shape(path: Path, ending: str) -> Shape:
    if is_parquet(path):
        return parquet_shape(path, MAX_COLUMNS)
    if _FORMATS.get(ending) == "parquet":
        raise Rejected("not a Parquet file: it does not begin with PAR1", field="file")
    check_is_text(path)
    encoding = detect_encoding(path)
    first = next((line.strip() for line in read_lines(path, encoding) if line.strip()), "")
    if first.startswith("{") or _FORMATS.get(ending) == "jsonl":
        return _jsonl_shape(path, encoding)
    if first.startswith("["):
        raise Rejected("a JSON list: write one object a line (JSONL)", field="file")
    return csv_shape(path, encoding, detect_delimiter(path, encoding))


def _says_something(row: Row) -> bool:
    return row.cells is None or any(text_or_none(cell) for cell in row.cells.values())


def csv_shape(path: Path, encoding: str, delimiter: str, *, header: bool = True) -> Shape:
    """Return the shape of a CSV file of this encoding and delimiter.

    Raises:
        Rejected: It has no columns, or too many, or two of one name.
    """
    csv.field_size_limit(MAX_LINE)
    try:
        record = next(csv.reader(read_lines(path, encoding), delimiter=delimiter), list[str]())
    except csv.Error as error:
        raise Rejected(f"the first row cannot be read: {error}", field="file") from error
    names = [name.strip().strip("\ufeff") for name in record] if header else [""] * len(record)
    columns = tuple(name or f"column {place}" for place, name in enumerate(names, 1))
    _check_columns(columns if any(names) or not header else ())
    rows = count_lines(path) - header
    return Shape("csv", columns, encoding, delimiter, header, max(rows, 0))


def read_rows(path: Path, shape: Shape) -> Iterator[Row]:
    """Yield the rows, blank ones too, with their numbers.

    Raises:
        Rejected: The file is damaged in a way that leaves no next row.
    """
    if shape.format == "parquet":
        return parquet_rows(path, shape)
    if shape.format == "jsonl":
        return _jsonl_rows(path, shape)
    return _csv_rows(path, shape)


def _check_columns(columns: Sequence[str]) -> None:
    if not columns:
        raise Rejected("the first row is empty: it has to name the columns", field="file")
    if len(columns) > MAX_COLUMNS:
        raise Rejected(f"{len(columns):,} columns: at most {MAX_COLUMNS} are read", field="file")
    doubled = next((name for name in columns if columns.count(name) > 1), None)
    if doubled is not None:
        raise Rejected(f"two columns are called {doubled[:50]!r}: rename one", field="file")


def _csv_rows(path: Path, shape: Shape) -> Iterator[Row]:
    csv.field_size_limit(MAX_LINE)
    records = csv.reader(read_lines(path, shape.encoding), delimiter=shape.delimiter)
    number = 0
    while True:
        number += 1
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            yield _unread(number, f"cannot be read: {error}", "look for a quote that is not closed")
            continue
        if number > 1 or not shape.header:
            yield _csv_row(number, record, shape)


def _csv_row(number: int, record: Sequence[str], shape: Shape) -> Row:
    width = len(shape.columns)
    if len(record) > width and any(cell.strip() for cell in record[width:]):
        return _unread(
            number,
            f"has {len(record)} cells, and there are {width} columns",
            f"put cells that hold {shape.delimiter!r} in double quotes",
        )
    row = dict(zip(shape.columns, record, strict=False))
    if 1 < len(record) < width:
        what = f"has {len(record)} cells, and there are {width} columns"
        mend = "the missing cells were taken as empty; check that the others stand in their columns"
        return Row(number, row, Problem(number, None, what, mend, "value"))
    return Row(number, row)


def _jsonl_shape(path: Path, encoding: str) -> Shape:
    draft = Shape("jsonl", (), encoding)
    columns: dict[str, None] = {}
    objects = 0
    for row in islice(_jsonl_rows(path, draft), _JSONL_SAMPLE):
        objects += row.cells is not None
        columns |= dict.fromkeys(row.cells or ())
    if not objects:
        raise Rejected("no line of it is a JSON object: write one object a line", field="file")
    _check_columns(tuple(columns))
    return Shape("jsonl", tuple(columns), encoding, rows=count_lines(path))


def _jsonl_rows(path: Path, shape: Shape) -> Iterator[Row]:
    decoder = msgspec.json.Decoder()
    for number, line in enumerate(read_lines(path, shape.encoding), 1):
        text = line.strip().strip("\ufeff\x00")
        if not text:
            continue
        try:
            found = decoder.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
            yield _unread(number, f"is no JSON: {error}", "write one JSON object on the line")
            continue
        if isinstance(found, dict):
            yield Row(number, dict(_flat(cast("dict[str, object]", found))))
        else:
            yield _unread(number, "is no JSON object", "write the row as {…}, with named values")


def _flat(
    values: Mapping[str, object], prefix: str = "", depth: int = _DEPTH
) -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, dict) and depth > 1:
            inner = cast("dict[str, object]", value)
            yield from _flat(inner, f"{prefix}{name}.", depth - 1)
        else:
            yield prefix + name, value


def _unread(number: int, what: str, mend: str) -> Row:
    return Row(number, None, Problem(number, None, what, mend, "row"))
