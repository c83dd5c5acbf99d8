"""Rows as a Parquet file, piece by piece: no more than a row group is held."""

from __future__ import annotations

from collections.abc import Mapping
from io import RawIOBase
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from omni.api.types import CellKind, Rows

GROUP = 10_000
"""Rows of a row group: large enough that the footer, which is held, stays small."""

_TYPES: Mapping[CellKind, pa.DataType] = {
    "whole": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "yes_or_no": pa.bool_(),
    "moment": pa.timestamp("us", tz="UTC"),
    "reasons": pa.list_(pa.struct([("criterion", pa.string()), ("evidence", pa.string())])),
}


class _Pieces(RawIOBase):
    """Takes what is written until it is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()
        self._before = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._held += memoryview(data)
        return len(data)

    def tell(self) -> int:
        return self._before + len(self._held)

    def take(self) -> bytes:
        piece = bytes(self._held)
        self._before += len(piece)
        self._held.clear()
        return piece


class ParquetFormat:
    """Writes rows as Parquet.

    Args:
        columns: Their names, and what is in them.
    """

    def __init__(self, columns: Mapping[str, CellKind]) -> None:
        self._schema = pa.schema([(name, _TYPES[kind]) for name, kind in columns.items()])
        self._pieces = _Pieces()
        self._writer = pq.ParquetWriter(self._pieces, self._schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []

    def begin(self) -> bytes:
        """Return the beginning."""
        return self._pieces.take()

    def rows(self, rows: Rows) -> bytes:
        """Take rows; return a row group where one is full."""
        self._waiting.append(_batch(rows, self._schema))
        return self._group() if sum(each.num_rows for each in self._waiting) >= GROUP else b""

    def end(self) -> bytes:
        """Return the last row group and the footer."""
        last = self._group() if self._waiting else b""
        self._writer.close()
        return last + self._pieces.take()

    def _group(self) -> bytes:
        table = pa.Table.from_batches(self._waiting, self._schema)
        self._writer.write_table(table, row_group_size=GROUP)
        self._waiting = []
        return self._pieces.take()


def _batch(rows: Rows, schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=schema)
