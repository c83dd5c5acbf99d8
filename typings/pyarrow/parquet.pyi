from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pyarrow import RecordBatch, Schema, Table

class RowGroupMetaData:
    total_byte_size: int

class FileMetaData:
    num_rows: int
    def row_group(self, i: int) -> RowGroupMetaData: ...

class ParquetFile:
    def __init__(self, source: Path, *, pre_buffer: bool = ..., memory_map: bool = ...) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    schema_arrow: Schema
    metadata: FileMetaData
    num_row_groups: int
    def iter_batches(
        self, batch_size: int, *, use_threads: bool = ...
    ) -> Iterator[RecordBatch]: ...

def write_table(table: Table, where: Path, *, row_group_size: int | None = ...) -> None: ...
