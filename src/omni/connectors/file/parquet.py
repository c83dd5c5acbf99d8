"""Rows from Parquet files, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq

from omni.base.errors import Rejected
from omni.connectors.file.types import Problem, Row, Shape

BATCH = 200
MAX_GROUP_BYTES = 1_000_000_000
"""The most bytes, unpacked, of one row group: no page of it can have more."""

MAX_REPEATED_BYTES = 8_000_000
"""Up to this size a column's group is kept as its different texts and their places.

A text of a megabyte that all rows share would fill a batch otherwise; of larger groups, which are
mostly of different texts, keeping those costs more than it saves.
"""

_BUFFER = 1 << 20
_MAGIC = b"PAR1"


def is_parquet(path: Path) -> bool:
    """Tell whether the file begins as Parquet files do."""
    with path.open("rb") as file:
        return file.read(4) == _MAGIC


def parquet_shape(path: Path, max_columns: int) -> Shape:
    """Return the shape of a Parquet file.

    Raises:
        Rejected: It is damaged, or too wide, or its row groups are too large.
    """
    try:
        with _opened(path) as file:
            names = tuple(str(name) for name in file.schema_arrow.names)
            sizes = [
                int(file.metadata.row_group(n).total_byte_size) for n in range(file.num_row_groups)
            ]
            rows = int(file.metadata.num_rows)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Rejected(f"not a whole Parquet file: {_line(error)}", field="file") from error
    if not 1 <= len(names) <= max_columns or len(set(names)) < len(names):
        raise Rejected(f"1 to {max_columns} columns of different names are read", field="file")
    if max(sizes, default=0) > MAX_GROUP_BYTES:
        raise Rejected(
            f"a row group has over {MAX_GROUP_BYTES:,} bytes: write smaller ones", field="file"
        )
    return Shape("parquet", names, rows=rows)


def parquet_rows(path: Path, shape: Shape) -> Iterator[Row]:
    """Yield the rows; the first one is row 1.

    Raises:
        Rejected: The file is damaged.
    """
    number = 0
    try:
        with _opened(path) as file:
            for batch in file.iter_batches(batch_size=BATCH, use_threads=False):
                for place in range(batch.num_rows):
                    number += 1
                    yield _row(number, batch, place)
    except (pa.ArrowException, OSError) as error:
        raise Rejected(f"damaged after row {number:,}: {_line(error)}", field="file") from error


def _row(number: int, batch: pa.RecordBatch, place: int) -> Row:
    try:
        (cells,) = batch.slice(place, 1).to_pylist()
    except (ValueError, OverflowError) as error:
        what = f"holds a value that cannot be read: {_line(error)}"
        problem = Problem(number, None, what, "write dates between the years 1 and 9999", "row")
        return Row(number, None, problem)
    return Row(number, cast("dict[str, object]", cells))


def _opened(path: Path) -> pq.ParquetFile:
    """Open a file so that pages are read one by one, rather than whole row groups."""
    metadata = pq.read_metadata(path)
    return pq.ParquetFile(
        path,
        metadata=metadata,
        read_dictionary=_repeated(metadata),
        memory_map=False,
        buffer_size=_BUFFER,
        pre_buffer=False,
    )


def _repeated(metadata: pq.FileMetaData) -> list[str]:
    """Return the columns of text that have few different values for all that is known."""
    sizes: dict[str, int] = {}
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            if column.physical_type == "BYTE_ARRAY":
                size = int(column.total_uncompressed_size)
                sizes[column.path_in_schema] = max(sizes.get(column.path_in_schema, 0), size)
    return [name for name, size in sizes.items() if size <= MAX_REPEATED_BYTES]


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
